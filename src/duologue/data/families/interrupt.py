"""Interrupt: the user talks into a recital and means it: stop, another question, or wait and perhaps later go on.

`script` is the function to read first. The model falls silent at the first turn boundary at least 0.2 s after the
stopping words end, which keeps within the 0.6 s that the figures allow.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from duologue.data.families.exchange import answer_checks, answers, draw, ends, finish, gap, line
from duologue.data.families.timing import (
    ANSWER_S,
    SILENT_S,
    Scene,
    asks,
    fall_silent,
    open_scene,
    own_end,
    question,
    recites,
)  # fmt: skip
from duologue.data.script import REACTION_S, Check, Line, Own, Script, Sound, Speech, reply_at, silent_at

NAME = "interrupt"
QUESTION_HEARD_S = 0.8  # of another question, before the recital gives way to it

STOP = (
    "{okay|alright|oh|no|please|hey|duo|um|} {stop|stop it|stop now|stop there|stop please|stop talking|you can stop|"
    "you can stop now|you may stop now|stop right there|just stop|stop stop|can you stop|could you stop please}",
    "{okay|alright|no|oh|} {that's|that is} {enough|plenty|it|good enough|enough for now|all i needed|all i need|all|"
    "enough thanks|enough thank you|plenty thanks|fine you can stop|fine stop}",
    "{okay|alright|right|great|good} {thanks|thank you|enough|that'll do|that will do|i've heard enough|no more|"
    "we're done|i'm done|that's it thanks}",
    "{okay|please|now|} {be quiet|hush|quiet|silence|enough|no more|cut it out|give it a rest|enough already|"
    "quiet please|silence please}",
    "{no|} thank you {that's enough|that's all|that will do|i've heard enough|stop}",
)
WAIT = (
    "{no|oh|hey|um|okay|please|duo|} {wait|hold on|hang on|one moment|just a moment|one second|just a second|pause|"
    "hold it|hold on please|wait a minute|wait a second|wait a moment|give me a second|give me a moment|"
    "hold on a second|hang on a second|wait please|pause please|pause there|wait wait|just a minute}",
)
RESUME = (
    "{okay|alright|right|so|and|now|} {go on|continue|carry on|keep going|go ahead|please continue|please go on|"
    "you can go on|you can continue|you can carry on|you may continue|go on please|continue please|carry on please|"
    "where were you|and then|go on from there|back to it|resume|keep going please|what comes then|i'm back go on}",
)


def _made(intent: str, patterns: tuple[str, ...], rng: np.random.Generator) -> Line:
    return line(rng, NAME, intent, patterns, (), dressed=False)


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless stopping, waiting and resuming phrases; what is asked instead comes from numbers, order and facts."""
    makers = [(2, "stop", STOP), (1, "wait", WAIT), (1, "resume", RESUME)]
    return draw(rng, split, [(weight, partial(_made, intent, patterns)) for weight, intent, patterns in makers])


def own_texts() -> Iterable[str]:
    """Nothing of its own: recitals and answers belong to the families that are asked."""
    return ()


def _moment(rng: np.random.Generator, owns: list[Own], heard_s: float) -> float:
    """A point 1 to 6 s into the recital at which somebody cuts in, such that three items stay unsaid if possible."""
    room_s = owns[-3].start_s - heard_s - owns[0].start_s
    return owns[0].start_s + float(rng.uniform(np.clip(room_s, 0.3, 1.0), np.clip(room_s, 1.0, 6.0)))


def cuts_in(scene: Scene, now_s: float, speech: Speech, stop_after_s: float) -> tuple[Line, list[Own], float, float]:
    """A recital that falls silent because of `speech`.

    Args:
        stop_after_s: the model is silent from the first turn boundary this long after the speech begins.

    Returns:
        the recital's line, all its items as they would have been said, when the speech ends, when silence begins.
    """
    asked, asked_s, owns = recites(scene, now_s)
    at_s = _moment(scene.rng, owns, stop_after_s)
    stop_s, script = silent_at(at_s + stop_after_s - REACTION_S), scene.script
    script.sounds.append(Sound(at_s, speech))
    script.own += fall_silent(owns, stop_s)
    said = tuple(own.speech.text for own in owns if own_end(own) < at_s - 0.5)
    script.checks.append(Check("answer", asked_s - 0.2, asked_s + ANSWER_S, (owns[0].speech.text,), asked_s))
    if said:
        script.checks.append(Check("goes_on", asked_s - 0.2, at_s, said, asked_s))
    script.about["items"].append({"said": speech.text, "into_s": round(at_s - owns[0].start_s, 2), "stop_s": stop_s})
    return asked, owns, at_s + speech.seconds, stop_s


def _stopped(scene: Scene, now_s: float) -> float:
    """On "stop" there is silence, and now and then a small question later."""
    speech = scene.line(NAME, "stop")
    *_, end_s, _ = cuts_in(scene, now_s, speech, speech.seconds + REACTION_S)
    later_s = end_s + scene.rng.uniform(2.5, 4.0)
    scene.script.checks.append(Check("quiet", end_s + SILENT_S, later_s, after_s=end_s))
    return asks(scene, later_s) if scene.rng.random() < 0.5 else later_s


def _asked(scene: Scene, now_s: float) -> float:
    """Another question: the recital stops while it is being asked and does not come back."""
    speech = question(scene)
    *_, end_s, _ = cuts_in(scene, now_s, speech, min(QUESTION_HEARD_S, speech.seconds + REACTION_S))
    answered_s = answers(scene.script, scene.rng, scene.bank, speech.line, end_s)
    scene.script.checks.append(Check("quiet", answered_s + 1.5, answered_s + 3.5))
    return answered_s + 3.5


def _waited(scene: Scene, now_s: float) -> float:
    """On "wait" there is silence until "go on", then from the first item that was not said whole; or "go on" never comes."""
    speech, script = scene.line(NAME, "wait"), scene.script
    asked, owns, end_s, stop_s = cuts_in(scene, now_s, speech, speech.seconds + REACTION_S)
    later_s = end_s + scene.rng.uniform(1.2, 5.0)
    left = [own for own in owns if own_end(own) > stop_s]
    if scene.rng.random() < 0.25 or not left:
        script.checks.append(Check("quiet", end_s + SILENT_S, later_s + 2, after_s=end_s))
        return later_s + 2
    speech = scene.line(NAME, "resume")
    resumed_s = later_s + speech.seconds
    script.sounds.append(Sound(later_s, speech))
    script.checks.append(Check("quiet", end_s + SILENT_S, resumed_s, after_s=end_s))
    again = [replace(own, start_s=own.start_s - left[0].start_s + reply_at(resumed_s)) for own in left]
    script.own += again
    asked = replace(asked, slots={"recital": [own.speech.text for own in again]})
    script.checks += answer_checks(asked, resumed_s, again)
    script.about["items"][-1] |= {"resumed": speech.text, "waited_s": round(later_s - end_s, 2)}
    return ends(again)


CLASSES = {"stop": _stopped, "question": _asked, "wait": _waited}


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """One recital, interrupted; where there is room, a second one."""
    scene = open_scene(NAME, rng, bank, split, voice)
    now_s = gap(rng)
    for _ in range(2):
        kind = str(rng.choice(list(CLASSES), p=[0.4, 0.3, 0.3]))
        end_s = CLASSES[kind](scene, now_s)
        scene.script.about["items"][-1]["class"] = kind
        now_s = end_s + gap(rng)
        if now_s > 13:
            break
    return finish(scene.script, rng, end_s)
