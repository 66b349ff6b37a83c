"""What the scenes of `delegate` are made of: asking, calling, waiting, telling. Read `delegates` and `told` first."""

from collections.abc import Sequence
from math import ceil

from duologue.agent.board import HEAR_TURNS
from duologue.data.families import delegate_words as words
from duologue.data.families.exchange import pick, says
from duologue.data.families.timing import ANSWER_S, Scene, own_end, quiet_between
from duologue.data.script import Check, Line, Own, Speech, reply_at
from duologue.turn import TURN_MS

STARTS_S = HEAR_TURNS * TURN_MS / 1000  # after the call: then its last words have been heard, and the work begins
DELAYS_S = {"train": ((0.1, 2.4), (3.0, 8.0)), "test": ((0.5, 10.0),)}  # that the work takes
WORDS_PER_TURN = 5  # of a note: eight tokens


def result(scene: Scene, asked: Line) -> str:
    """A true answer of this script's world; for an open topic any sentence."""
    topic = asked.slots["topic"]
    if topic not in words.ANSWERS:
        return scene.bank.own_sentence(scene.rng, scene.split).text
    (forms, values), key = words.ANSWERS[topic], asked.slots["key"]
    value = values[words.KEYS[topic].index(key)] if topic == "sum" else pick(scene.rng, values)
    return pick(scene.rng, forms).replace("<key>", key).replace("<value>", value)


def delay(scene: Scene) -> float:
    """Seconds from the call to the first result."""
    return STARTS_S + float(scene.rng.uniform(*pick(scene.rng, DELAYS_S[scene.split])))


def calls(scene: Scene, kind: str, text: str, at_s: float) -> None:
    scene.script.calls.append((at_s, kind, text))


def speaks(scene: Scene, text: str, at_s: float, after_s: float, accept: Sequence[str] = ()) -> float:
    """The model says a text at `at_s`; it counts from `after_s` on. Returns its end."""
    own = Own(at_s, scene.bank.own(text))
    scene.script.own.append(own)
    until_s = max(after_s + ANSWER_S, at_s + 1.0)
    scene.script.checks.append(Check("answer", after_s - 0.2, until_s, tuple(accept) or (text,), after_s))
    return own_end(own)


def delegates(scene: Scene, speech: Speech, start_s: float, instead: str = "") -> tuple[float, float]:
    """The user asks, the model calls and says that it does. Returns when it called, and when it is quiet again."""
    return hands_on(scene, speech, says(scene.script, start_s, speech), instead)


def hands_on(scene: Scene, speech: Speech, end_s: float, instead: str = "") -> tuple[float, float]:
    """The same for what has been said until `end_s`."""
    at_s = reply_at(end_s)
    calls(scene, "delegate", f"{ceil(at_s - end_s + speech.seconds)}{instead}", at_s)
    item = {"asked": speech.text, "call_s": at_s, **speech.line.slots}
    scene.script.about["items"].append(item)
    return at_s, speaks(scene, pick(scene.rng, words.ACKS), at_s, end_s, words.ACKS)


def told(scene: Scene, text: str, note_s: float, free_s: float, source: str = "background", spoken: str = "") -> float:
    """A note comes and is spoken as soon as nobody speaks. Returns its end."""
    scene.script.notes.append((note_s, source, text))
    scene.script.about["items"][-1].setdefault("notes", []).append({"note_s": note_s, "text": text})
    read_s = note_s + 0.2 * min(2, len(text.split()) // WORDS_PER_TURN)
    spoken = spoken or text
    return speaks(scene, spoken, reply_at(max(free_s, read_s)), max(free_s, note_s), (spoken,))


def waits(scene: Scene, begin_s: float, note_s: float, busy: Sequence[tuple[float, float]] = ()) -> None:
    """Nothing is claimed before it is known."""
    quiet_between(scene.script, begin_s + 0.3, note_s, busy)


def comes(scene: Scene, call_s: float, quiet_s: float) -> float:
    """When the first result of a call comes, not before it is quiet; until then nothing is claimed."""
    note_s = max(quiet_s, call_s + delay(scene))
    waits(scene, quiet_s, note_s)
    return note_s
