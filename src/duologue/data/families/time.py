"""Time: "in seven seconds say tea", "every four seconds say breathe until I say stop", "how long since I said go".

`script` is the function to read first. Seconds count from the end of the request; a slot's word starts at the turn
boundary nearest to it.
"""

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np

from duologue.data.families.exchange import draw, finish, gap, held_out, line, pick, says
from duologue.data.families.lexicon import NUMBERS
from duologue.data.families.timing import (
    ANSWER_S,
    SILENT_S,
    Scene,
    fall_silent,
    open_scene,
    own_end,
    question,
    quiet_between,
)  # fmt: skip
from duologue.data.script import THOUGHT_S, Check, Line, Own, Script, Sound, Speech, reply_at, silent_at
from duologue.turn import TURN_MS

NAME = "time"
TURN_S = TURN_MS / 1000

WAITS = {"train": tuple(range(2, 21)), "test": (5, 9, 13, 17)}  # a length never waited for cannot be known
PAIR_SHARE = 25  # percent of the pairs of seconds and word that are kept for tests
PERIODS = {"train": tuple(range(2, 11)), "test": (4, 6, 7, 10)}
WORDS = (
    "tea breathe coffee water apple bread lunch dinner up down left right inhale exhale jump turn switch rest drink "
    "stretch smile blink walk wake ready time tick ding hello bingo banana garden river mountain window table orange "
    "paper music summer winter yellow purple tiger rabbit monkey rocket planet button lemon sugar honey cookie pencil "
    "bicycle flower thunder"
).split()
EVENTS = ("go", "go", "go", "start", "mark", "begin")  # as often as they are said
ACK = "okay"
LONGEST_S = 36.0  # of one task
LATE = 0.4  # share of timed words that come a turn late in training: what is overdue is still said
POLITE = ("please", "can you", "could you", "will you", "would you")

IN = (
    "{in|after} <n> seconds {please|} say <word>",
    "{can you|could you|will you|would you|please|could you please|can you please|} say <word> {in|after} <n> seconds",
    "say <word> {in <n> seconds from now|<n> seconds from now|when <n> seconds are over}",
    "{please|can you|could you|} wait <n> seconds {and|and then|then} say <word>",
    "{in|after} <n> seconds {can you|could you|would you|will you} say <word>",
    "<n> seconds from now {please|} say <word>",
    "i {want you to|need you to|would like you to|want to hear you} say <word> in <n> seconds",
    "{when <n> seconds have passed|once <n> seconds are over|when <n> seconds are up} {please|} say <word>",
    "{please|can you|could you|} let <n> seconds {go by|pass} {and then|then} say <word>",
    "{please|can you|could you|} count <n> seconds {in your head|silently} {and then|then} say <word>",
    "{i'd like to hear|let me hear|please let me hear} {the word|} <word> in <n> seconds",
    "{please|can you|could you|} set a timer for <n> seconds and say <word> {at the end|when it's over|when it's done}",
)
UNTIL = "{until i say stop|till i say stop|until i tell you to stop|until i stop you|and stop when i say stop|}"
EVERY = (
    "every <n> seconds {please|} {say|repeat|you say} <word> " + UNTIL,
    "{can you|could you|will you|would you|please|could you please|} {say|repeat} <word> every <n> seconds " + UNTIL,
    "{keep saying|keep repeating|just say} <word> every <n> seconds " + UNTIL,
    "{please|can you|could you|} {say|repeat} <word> once every <n> seconds " + UNTIL,
    "i {want|need|would like} you to say <word> every <n> seconds " + UNTIL,
    "{i'd like to hear|let me hear|please let me hear} <word> every <n> seconds " + UNTIL,
    "{please|} say <word> {again and again|over and over} every <n> seconds " + UNTIL,
    "{until i say stop|till i say stop|until i stop you} {please|} say <word> every <n> seconds",
)
GO = (
    "{okay|alright|and|so|now|ready|ready set|three two one|one two three|are you ready|here it comes|watch the time|"
    "mind the clock|listen|ready steady|on your marks|} {<event>|<event> <event>}",
    "{okay|now|so|and|} {i say|i'm saying|i will say} <event>",
    "{here we go|there we go|on the count of three|take the time} and <event>",
)
ELAPSED = (
    "{how long|how many seconds|how much time} {since|is it since|has it been since|has passed since|went by since} "
    "i said <event>",
    "{how long ago|how many seconds ago} {did i say|was it that i said|was} <event>",
    "{how many seconds|how long|how much time} {was that|was it|did that take|is that now|has it been}",
    "{how long have we been going|how many seconds have gone by|how much time has gone by} since <event>",
)
CANCEL = (
    "{oh|actually|no|okay|hey|wait|um|sorry|} {never mind|cancel that|forget it|cancel|cancel it|don't say it|"
    "don't say anything|forget about it|cancel the timer|you don't need to say it|drop it|scratch that|call it off|"
    "no need to say it|don't bother|forget that|i don't need it anymore|i changed my mind|leave it} "
    "{please|duo|after all|}",
)


def _request(intent: str, patterns: tuple[str, ...], numbers: dict, split: str, rng: np.random.Generator) -> Line:
    n, word = int(rng.choice(numbers[split])), pick(rng, WORDS)
    slots = {"n": NUMBERS[n], "word": word, "seconds": n, "fact": word}
    return line(rng, NAME, intent, patterns, (word,), slots, new_combo=held_out(NAME, n, word, share=PAIR_SHARE))


def _event(intent: str, patterns: tuple[str, ...], rng: np.random.Generator) -> Line:
    return line(rng, NAME, intent, patterns, (), {"event": pick(rng, EVENTS)}, dressed=intent == "elapsed")


def _cancel(rng: np.random.Generator) -> Line:
    return line(rng, NAME, "cancel", CANCEL, (ACK,), dressed=False)


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless requests, marked moments, questions about them and cancellations; in "test" mostly pairs of seconds and word that are never trained on."""
    return draw(rng, split, [
        (5, partial(_request, "once", IN, WAITS, split)),
        (5, partial(_request, "every", EVERY, PERIODS, split)),
        (1.5, partial(_event, "mark", GO)),
        (3, partial(_event, "elapsed", ELAPSED)),
        (1.5, _cancel),
    ])  # fmt: skip


def about_seconds(n: int) -> str:
    """How the model says an elapsed time."""
    return f"about {NUMBERS[n]} second{'s' * (n != 1)}"


def own_texts() -> Iterable[str]:
    """Acknowledgement, the words to be said and the elapsed times."""
    yield ACK
    yield from WORDS
    yield from (about_seconds(n) for n in range(2, 21))


def tolerance(seconds: float) -> float:
    """How far from its slot a word may begin."""
    return max(0.5, 0.1 * seconds)


def boundary(at_s: float) -> float:
    return float(np.rint(at_s / TURN_S) * TURN_S)


def due(slot_s: float, split: str, rng: np.random.Generator) -> float:
    """When a timed word begins: at the boundary nearest to its slot; in training sometimes a turn later.

    Words that are always on time teach that a moment that has passed unused never comes: with an instant that is known to a
    turn or two no single turn is likelier than not, and nothing is ever said.
    """
    return boundary(slot_s) + TURN_S * (split == "train" and rng.random() < LATE)


def polite(text: str) -> bool:
    """Whether a request is acknowledged: only those asked politely are."""
    return any(f" {words} " in f" {text} " for words in POLITE)


def acknowledges(scene: Scene, asked: Line, end_s: float) -> float:
    """Says "okay" after a polite request with more than three seconds to go. Returns from when it must be quiet."""
    if asked.slots["seconds"] <= 3 or not polite(asked.text):
        return end_s
    own = Own(reply_at(end_s), scene.bank.own(ACK))
    scene.script.own.append(own)
    scene.script.checks.append(Check("answer", end_s - 0.2, end_s + ANSWER_S, (ACK,), end_s))
    return max(own_end(own) + 0.5, end_s + ANSWER_S)


def slot(script: Script, slot_s: float, seconds: float, word: Speech) -> tuple[float, float]:
    """Checks one timed word. Returns the span in which the model may be heard because of it."""
    early_s, late_s = slot_s - tolerance(seconds), slot_s + tolerance(seconds)
    script.checks.append(Check("answer", early_s, late_s, (word.text,), slot_s))
    return early_s, late_s + word.seconds + 0.3


def meanwhile(scene: Scene, from_s: float, until_s: float) -> list[tuple[float, float]]:
    """A small question asked and answered between two instants, if it fits. Returns the span of its answer."""
    script, speech = scene.script, question(scene)
    reply = scene.bank.own(speech.line.answers[0])
    free_s = until_s - from_s - speech.seconds - THOUGHT_S - 0.2 - reply.seconds
    if free_s < 0:
        return []
    end_s = says(script, from_s + scene.rng.uniform(0, free_s), speech)
    own = Own(reply_at(end_s), reply)
    script.own.append(own)
    accept = (speech.line.slots["fact"],)
    script.checks.append(Check("answer", end_s - 0.2, end_s + ANSWER_S, accept, end_s))
    script.about["items"][-1]["meanwhile"] = speech.text
    return [(end_s, max(end_s + ANSWER_S, own_end(own) + 0.5))]


def _maybe_meanwhile(scene: Scene, from_s: float, until_s: float) -> list[tuple[float, float]]:
    return meanwhile(scene, from_s, until_s) if scene.rng.random() < 0.4 else []


def _requested(scene: Scene, now_s: float, intent: str, where=None) -> tuple[Line, float, float]:
    """The user asks for something timed. Returns the line, its end, and from when it must be quiet."""
    speech = scene.line(NAME, intent, where)
    end_s = says(scene.script, now_s, speech)
    facts = {"asked": speech.text, "n": speech.line.slots["seconds"], "word": speech.line.slots["word"]}
    scene.script.about["items"].append({"class": intent, **facts})
    return speech.line, end_s, acknowledges(scene, speech.line, end_s)


def _once(scene: Scene, now_s: float, room_s: float) -> float:
    """As in "in seven seconds say tea". Returns when it is over."""
    asked, end_s, quiet_s = _requested(scene, now_s, "once", lambda line: line.slots["seconds"] <= room_s)
    n, word = asked.slots["seconds"], scene.bank.own_word(asked.slots["word"])
    early_s = end_s + n - tolerance(n)
    wanted = _maybe_meanwhile(scene, quiet_s + 0.3, early_s - 0.5)
    scene.script.own.append(Own(due(end_s + n, scene.split, scene.rng), word))
    wanted.append(slot(scene.script, end_s + n, n, word))
    over_s = wanted[-1][1] + scene.rng.uniform(1.0, 2.0)
    quiet_between(scene.script, quiet_s, over_s, wanted)
    return over_s


def _cancelled(scene: Scene, now_s: float, room_s: float) -> float:
    """As in "in nine seconds say tea", then "never mind": the moment passes in silence. Returns when it is over."""
    asked, end_s, quiet_s = _requested(scene, now_s, "once", lambda line: 7 <= line.slots["seconds"] <= room_s)
    slot_s, speech = end_s + asked.slots["seconds"], scene.line(NAME, "cancel")
    latest_s = max(quiet_s, slot_s - 1.6 - speech.seconds)
    cancelled_s = says(scene.script, float(scene.rng.uniform(quiet_s, latest_s)), speech)
    own = Own(reply_at(cancelled_s), scene.bank.own(ACK))
    scene.script.own.append(own)
    scene.script.checks.append(Check("answer", cancelled_s - 0.2, cancelled_s + ANSWER_S, (ACK,), cancelled_s))
    scene.script.about["items"][-1] |= {"class": "cancel", "said": speech.text}
    over_s = slot_s + max(1.5, tolerance(slot_s - end_s))
    span = (cancelled_s, max(own_end(own) + 0.5, min(cancelled_s + ANSWER_S, slot_s - 0.6)))
    quiet_between(scene.script, quiet_s, over_s, [span])
    return over_s


def _every(scene: Scene, now_s: float, room_s: float) -> float:
    """As in "every four seconds say breathe", three to five times, until "stop". Returns when it is over."""
    asked, end_s, quiet_s = _requested(scene, now_s, "every", lambda line: 3 * line.slots["seconds"] <= room_s)
    period_s, word, script = asked.slots["seconds"], scene.bank.own_word(asked.slots["word"]), scene.script
    count = int(scene.rng.integers(3, 4 + (period_s <= 5) + (period_s <= 3)))
    stop = scene.line("interrupt", "stop", lambda line: "stop" in line.text)
    last_s = end_s + count * period_s
    latest_s = min(period_s - stop.seconds - 0.5, 4.0)
    stop_at_s = last_s + float(scene.rng.uniform(word.seconds, max(word.seconds + 0.1, latest_s)))
    stopped_s = stop_at_s + stop.seconds
    script.sounds.append(Sound(stop_at_s, stop))
    slots = [end_s + k * period_s for k in range(1, count + 3)]
    script.own += fall_silent([Own(due(slot_s, scene.split, scene.rng), word) for slot_s in slots], silent_at(stopped_s))
    wanted = [slot(script, slot_s, period_s, word) for slot_s in slots[:count]]
    if period_s >= 6:
        k = int(scene.rng.integers(count - 1))
        wanted += _maybe_meanwhile(scene, wanted[k][1], wanted[k + 1][0] - 0.5)
    script.about["items"][-1] |= {"count": count, "stop": stop.text}
    quiet_between(script, quiet_s, stop_at_s, wanted)
    over_s = max(stopped_s + 2.0, min(last_s + period_s + 1.0, now_s + LONGEST_S))
    script.checks.append(Check("quiet", stopped_s + SILENT_S, over_s, after_s=stopped_s))
    return over_s


def _names(event: str, line: Line) -> bool:
    """Whether a question is about this event, or does not say about which."""
    return line.slots["event"] == event or line.slots["event"] not in line.text.split()


def _elapsed(scene: Scene, now_s: float, room_s: float) -> float:
    """Somebody says "go", and later asks how long ago that was: whole seconds from the end of "go" to the question's.

    Returns the answer's end.
    """
    mark, script, rng = scene.line(NAME, "mark"), scene.script, scene.rng
    asked = scene.line(NAME, "elapsed", partial(_names, mark.line.slots["event"]))
    marked_s = says(script, now_s, mark)
    n = int(rng.integers(max(2, int(np.ceil(asked.seconds + 1))), min(20, int(room_s)) + 1))
    asked_at_s = marked_s + n + rng.uniform(-0.3, 0.3) - asked.seconds
    script.about["items"].append({"class": "elapsed", "n": n, "asked": asked.text, "mark": mark.text})
    busy = _maybe_meanwhile(scene, marked_s + 0.5, asked_at_s - 0.5 - ANSWER_S)
    quiet_between(script, marked_s, asked_at_s, busy)
    end_s = says(script, asked_at_s, asked)
    own = Own(reply_at(end_s), scene.bank.own(about_seconds(n)))
    script.own.append(own)
    off = max(1, round(0.1 * n))
    near = sorted(range(max(1, n - off), n + off + 1), key=lambda m: abs(m - n))
    script.checks.append(Check("answer", end_s - 0.2, end_s + ANSWER_S, tuple(map(about_seconds, near)), end_s))
    return own_end(own)


CLASSES = {"once": (0.35, _once), "every": (0.3, _every), "elapsed": (0.2, _elapsed), "cancel": (0.15, _cancelled)}


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """One timed task; where there is room, a second and a third one."""
    scene = open_scene(NAME, rng, bank, split, voice)
    now_s = gap(rng)
    for _ in range(3):
        kind = str(rng.choice(list(CLASSES), p=[weight for weight, _ in CLASSES.values()]))
        end_s = CLASSES[kind][1](scene, now_s, 30.0 if now_s < 5 else 23 - now_s)
        now_s = end_s + gap(rng)
        if now_s > 8:
            break
    return finish(scene.script, rng, end_s)
