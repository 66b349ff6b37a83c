"""What the families share that speak up unasked: a rule given aloud or typed, and a reaction to what happens later.

Read `gives` and `reacts` first.
"""

from collections.abc import Callable
from itertools import islice
from math import ceil
from types import ModuleType

import numpy as np

from duologue.data.families.exchange import says
from duologue.data.families.timing import ANSWER_S, Scene, own_end, question
from duologue.data.script import REACTION_S, Check, Line, Own, Sound, reply_at
from duologue.errors import DataError

ACK = "okay"
TYPED_SHARE = 0.25
WORDS_PER_TURN = 5  # of typed text, eight tokens a turn
POLITE = ("please", "can you", "could you", "will you", "would you")
WITHIN_S = 2.0  # a reaction must begin this soon


def anything(line: Line) -> bool:
    return True


def gives(
    scene: Scene, family: ModuleType, now_s: float, intent: str, where: Callable[[Line], bool] = anything
) -> tuple[Line, float]:
    """The user gives a rule or asks something, aloud or typed. Returns the line, and when it has all come in."""
    if scene.rng.random() >= TYPED_SHARE:
        speech = scene.line(family.NAME, intent, where)
        return speech.line, says(scene.script, now_s, speech)
    line = _any_line(scene, family, intent, where)
    scene.script.typed.append((now_s, line.text))
    end_s = typed_by(now_s, line.text)
    scene.script.checks.append(Check("quiet", now_s, end_s))
    return line, end_s


def typed_by(now_s: float, text: str) -> float:
    """When text typed at `now_s` has all come in."""
    return now_s + 0.2 * ceil(len(text.split()) / WORDS_PER_TURN)


def _any_line(scene: Scene, family: ModuleType, intent: str, where: Callable[[Line], bool]) -> Line:
    """A line of the family that need not be in the bank, for nobody says it aloud."""
    for line in islice(family.lines(scene.rng, scene.split), 5000):
        if line.intent == intent and where(line):
            return line
    raise DataError(f"{family.NAME}: no {scene.split} line of intent {intent!r} fits")


def acknowledges(scene: Scene, line: Line, end_s: float) -> float:
    """Says "okay" to a rule given politely. Returns from when it must be quiet."""
    if not any(f" {words} " in f" {line.text} " for words in POLITE):
        return end_s
    own = Own(reply_at(end_s), scene.bank.own(ACK))
    scene.script.own.append(own)
    scene.script.checks.append(Check("answer", end_s - 0.2, end_s + ANSWER_S, (ACK,), end_s))
    return max(own_end(own) + 0.5, end_s + ANSWER_S)


def reacts(scene: Scene, event_s: float, text: str, within_s: float = WITHIN_S) -> tuple[float, float]:
    """Says this because of something that happened, as soon as it may or as what it is saying is over.

    Returns the span in which it may be heard because of it.
    """
    script = scene.script
    start_s = reply_at(event_s)
    if script.own and start_s < own_end(script.own[-1]) + 0.02:
        start_s = ceil((own_end(script.own[-1]) + 0.02) / 0.2 - 1e-6) * 0.2
    own = Own(start_s, scene.bank.own(text))
    script.own.append(own)
    script.checks.append(Check("answer", event_s, max(event_s + within_s, start_s + 0.2), (text,), event_s))
    return event_s, max(event_s + within_s, own_end(own) + 0.3)


def answers(scene: Scene, asked_s: float, known_s: float, text: str, accept: tuple[str, ...]) -> Own:
    """Says the answer to what was asked at `asked_s` once it is known; writes it too if the question was typed."""
    script, own = scene.script, Own(reply_at(known_s), scene.bank.own(text))
    script.own.append(own)
    script.checks.append(Check("answer", known_s - 0.2, known_s + ANSWER_S, accept, known_s))
    if any(at_s == asked_s for at_s, _ in script.typed):
        script.written.append((own.start_s, text))
        script.checks.append(Check("written", asked_s, known_s + ANSWER_S, accept, known_s))
    return own


def meanwhile(scene: Scene, from_s: float, until_s: float) -> list[tuple[float, float]]:
    """A small question asked and answered between two instants, if it fits. Returns the span of its answer."""
    speech = question(scene)
    reply = scene.bank.own(speech.line.answers[0])
    free_s = until_s - from_s - speech.seconds - REACTION_S - 0.2 - reply.seconds
    if free_s < 0:
        return []
    end_s = says(scene.script, from_s + scene.rng.uniform(0, free_s), speech)
    own = Own(reply_at(end_s), reply)
    scene.script.own.append(own)
    scene.script.checks.append(Check("answer", end_s - 0.2, end_s + ANSWER_S, (speech.line.slots["fact"],), end_s))
    scene.script.about["items"][-1]["meanwhile"] = speech.text
    return [(end_s, max(end_s + ANSWER_S, own_end(own) + 0.5))]


def talks_to_nobody(scene: Scene, now_s: float) -> float:
    """An open sentence of the user that wants nothing. Returns its end."""
    speech = scene.line("hear", "open")
    scene.script.sounds.append(Sound(now_s, speech))
    return now_s + speech.seconds


def chance(rng: np.random.Generator, share: float) -> bool:
    return bool(rng.random() < share)
