"""What the families share that speak up unasked: a rule given aloud or typed, and a reaction to what happens later.

Read `gives` and `reacts` first.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from math import ceil

import numpy as np

from duologue.data.families.exchange import says
from duologue.data.families.time import ACK, TURN_S, polite
from duologue.data.families.timing import ANSWER_S, Scene, own_end
from duologue.data.families.typed import WORDS_PER_TURN
from duologue.data.script import Check, Line, Own, Sound, reply_at
from duologue.errors import DataError

TYPED_SHARE = 0.25
WITHIN_S = 2.0  # a reaction must begin this soon
HOLD_S = 1.5  # after a near miss
SEEN_LATE = (0.65, 0.22, 0.13)  # in training: how often it says so at once, a turn late, two
HEARD_LATE = (0.0, 0.1, 0.65, 0.25)  # the same of words: two turns after one ends, the model has it in its own writing


Lines = Callable[[np.random.Generator, str], Iterator[Line]]


def anything(line: Line) -> bool:
    return True


def gives(
    scene: Scene, lines: Lines, now_s: float, intent: str, where: Callable[[Line], bool] = anything
) -> tuple[Line, float]:
    """The user gives a rule or asks something, aloud or, now and then or where nobody in the bank says it, typed.

    Returns the line, and when it has all come in. `lines` is the family's own: what is typed need not be in the bank.
    """
    if scene.rng.random() >= TYPED_SHARE:
        with suppress(DataError):
            speech = scene.line(scene.script.family, intent, where)
            return speech.line, says(scene.script, now_s, speech)
    line = _any_line(scene, lines, intent, where)
    scene.script.typed.append((now_s, line.text))
    end_s = typed_by(now_s, line.text)
    scene.script.checks.append(Check("quiet", now_s, end_s))
    return line, end_s


def typed_by(now_s: float, text: str) -> float:
    """When text typed at `now_s` has all come in."""
    return now_s + 0.2 * ceil(len(text.split()) / WORDS_PER_TURN)


def _any_line(scene: Scene, lines: Lines, intent: str, where: Callable[[Line], bool]) -> Line:
    for line in islice(lines(scene.rng, scene.split), 5000):
        if line.intent == intent and where(line):
            return line
    raise DataError(f"{scene.script.family}: no {scene.split} line of intent {intent!r} fits")


def acknowledges(scene: Scene, line: Line, end_s: float) -> float:
    """Says "okay" to a rule given politely. Returns from when it must be quiet."""
    if not polite(line.text):
        return end_s
    own = Own(reply_at(end_s), scene.bank.own(ACK))
    scene.script.own.append(own)
    scene.script.checks.append(Check("answer", end_s - 0.2, end_s + ANSWER_S, (ACK,), end_s))
    return max(own_end(own) + 0.5, end_s + ANSWER_S)


def reacts(scene: Scene, event_s: float, text: str, within_s: float = WITHIN_S, late: Sequence[float] = SEEN_LATE) -> tuple[float, float]:
    """Says this because of something that happened, as soon as it may or as what it is saying is over.

    Returns the span in which it may be heard because of it.
    """
    script = scene.script
    start_s = soon(scene, event_s, late)
    if script.own and start_s < own_end(script.own[-1]) + 0.02:
        start_s = ceil((own_end(script.own[-1]) + 0.02) / 0.2 - 1e-6) * 0.2
    own = Own(start_s, scene.bank.own(text))
    script.own.append(own)
    script.checks.append(Check("answer", event_s, max(event_s + within_s, start_s + 0.2), (text,), event_s))
    return event_s, max(event_s + within_s, own_end(own) + 0.3)


def soon(scene: Scene, known_s: float, late: Sequence[float]) -> float:
    """When it begins to speak of something that is known from then on: at once, but in training some turns late, as often as `late` has it.

    Where the very turn is uncertain, it is at none of them likelier than not; who has never been late keeps quiet for good then.
    """
    return reply_at(known_s) + TURN_S * (scene.rng.choice(len(late), p=late) if scene.split == "train" else 0)


def answers(scene: Scene, asked_s: float, known_s: float, text: str, accept: tuple[str, ...]) -> Own:
    """Says the answer to what was asked at `asked_s` once it is known; writes it too if the question was typed."""
    script, own = scene.script, Own(soon(scene, known_s, SEEN_LATE), scene.bank.own(text))
    script.own.append(own)
    script.checks.append(Check("answer", known_s - 0.2, known_s + ANSWER_S, accept, known_s))
    if any(at_s == asked_s for at_s, _ in script.typed):
        script.written.append((own.start_s, text))
        script.checks.append(Check("written", asked_s, known_s + ANSWER_S, accept, known_s))
    return own


def holds_back(scene: Scene, at_s: float, wanted: Sequence[tuple[float, float]]) -> None:
    """A check of silence after something that is nearly what the rule is about, unless something is wanted by then."""
    end_s = at_s + HOLD_S
    if not any(begin < end_s and at_s < end for begin, end in wanted):
        scene.script.checks.append(Check("quiet", at_s, end_s))


def talks_to_nobody(scene: Scene, now_s: float) -> float:
    """An open sentence of the user that wants nothing. Returns its end."""
    speech = scene.line("hear", "open")
    scene.script.sounds.append(Sound(now_s, speech))
    return now_s + speech.seconds


def chance(rng: np.random.Generator, share: float) -> bool:
    return bool(rng.random() < share)
