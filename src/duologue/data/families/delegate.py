"""Delegate: what the model cannot know goes to the background side; results are woven in when the user is not speaking.

`script` is the function to read first, `CLASSES` has all that may happen. Answers are drawn anew for every script, so
that they can only be read from the note, never learnt. docs/delegation.md says what the calls and notes mean.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import cycle, islice
from math import ceil

import numpy as np

from duologue.data.families import delegate_weave as weave
from duologue.data.families import delegate_words as words
from duologue.data.families.delegate_steps import calls, comes, delay, delegates, result, speaks, told, waits
from duologue.data.families.exchange import draw, finish, gap, held_out, line, pick, says, unique
from duologue.data.families.timing import Scene, asks, fall_silent, open_scene
from duologue.data.script import Check, Line, Own, Script, Sound, Speech, reply_at, silent_at

NAME = words.FAMILY
OVERLAP_S = 0.6  # a further sentence comes this long before the last one has been said


def _about(intent: str, topic: str, patterns: Sequence[str], rng: np.random.Generator) -> Line:
    """A line that names a key of a topic, such as a place."""
    key = pick(rng, words.KEYS[topic])
    slots = {"topic": topic, "key": key}
    return line(rng, NAME, intent, patterns, (), slots, new_combo=held_out("key", key), dressed=intent == "ask")


def _plain(intent: str, patterns: Sequence[str], answers: Sequence[str], rng: np.random.Generator) -> Line:
    return line(rng, NAME, intent, patterns, answers, dressed=False)


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless requests that need the background side, corrections, cancellations, and remarks that need nothing."""
    asked = [(2, partial(_about, "ask", topic, words.TOPICS[topic])) for topic in words.TOPICS]
    corrected = [(0.6, partial(_about, "correct", topic, words.CORRECT)) for topic in words.TOPICS]
    warned = (1, partial(_about, "warn", "message", words.WARN))
    plain = [(1, partial(_plain, *row)) for row in words.PLAIN]
    return draw(rng, split, [*asked, *corrected, warned, *plain])


def own_texts() -> Iterable[str]:
    """All that is said beside open sentences; of the answers enough to have every key and every value once."""
    texts = [*words.ACKS, *words.NOT_YET, *words.OFFERED, *words.SORRY.values(), *words.QUESTIONS, *words.DONE]
    texts += [words.ALLOWED, words.DENIED]
    for topic, (forms, values) in words.ANSWERS.items():
        most = max(len(words.KEYS[topic]), len(values))
        rows = islice(zip(cycle(forms), cycle(words.KEYS[topic]), cycle(values), strict=False), most)
        texts += [form.replace("<key>", key).replace("<value>", value) for form, key, value in rows]
    return unique(texts)


def _answered(scene: Scene, now_s: float) -> float:
    """The usual course: asked, delegated, told."""
    speech = scene.line(NAME, "ask")
    at_s, quiet_s = delegates(scene, speech, now_s)
    note_s = comes(scene, at_s, quiet_s)
    return told(scene, result(scene, speech.line), note_s, note_s)


def _small_talk(scene: Scene, now_s: float) -> float:
    """While it waits, a small question is answered as ever, or the user asks whether it is done yet."""
    speech = scene.line(NAME, "ask")
    _, quiet_s = delegates(scene, speech, now_s)
    begin_s = quiet_s + scene.rng.uniform(0.4, 2.0)
    if scene.rng.random() < 0.6:
        end_s = asks(scene, begin_s)
    else:
        hurry = scene.line(NAME, "hurry")
        asked_s = says(scene.script, begin_s, hurry)
        end_s = speaks(scene, pick(scene.rng, words.NOT_YET), reply_at(asked_s), asked_s, words.NOT_YET)
    note_s = end_s + scene.rng.uniform(-0.8, 3.0)
    waits(scene, quiet_s, max(note_s, end_s + 0.2), [(begin_s, end_s + 0.2)])
    return told(scene, result(scene, speech.line), note_s, end_s)


def _talked_over(scene: Scene, now_s: float) -> float:
    """The user speaks, to himself or somebody else, when the result comes: it waits."""
    speech = scene.line(NAME, "ask")
    at_s, quiet_s = delegates(scene, speech, now_s)
    other = scene.line("hear", "open") if scene.rng.random() < 0.5 else scene.line("hold", "aside")
    note_s = max(quiet_s + 0.5, at_s + delay(scene))
    begin_s = max(quiet_s + 0.3, note_s - scene.rng.uniform(0.2, max(0.3, other.seconds - 0.2)))
    scene.script.sounds.append(Sound(begin_s, other))
    end_s = begin_s + other.seconds
    waits(scene, quiet_s, max(note_s, end_s))
    return told(scene, result(scene, speech.line), note_s, max(end_s, note_s))


def _urgent(scene: Scene, now_s: float) -> float:
    """What the user wanted to be told at once is told at once, into whatever he is saying."""
    speech, other = scene.line(NAME, "warn"), scene.line("hear", "open")
    at_s, quiet_s = delegates(scene, speech, now_s)
    begin_s = max(quiet_s + 0.3, at_s + delay(scene))
    waits(scene, quiet_s, begin_s)
    scene.script.sounds.append(Sound(begin_s, other))
    note_s, text = begin_s + scene.rng.uniform(0.1, 0.7) * other.seconds, result(scene, speech.line)
    told_s = told(scene, f"urgent: {text}", note_s, note_s, spoken=text)
    return max(told_s, begin_s + other.seconds)


def _corrected(scene: Scene, now_s: float) -> float:
    """As in "no, I meant Rome": asked again in place of the first. A result that comes while that is said is stale."""
    speech = scene.line(NAME, "ask")
    topic, key = speech.line.slots["topic"], speech.line.slots["key"]
    correction = scene.line(NAME, "correct", lambda x: x.slots["topic"] == topic and x.slots["key"] != key)
    _, quiet_s = delegates(scene, speech, now_s)
    begin_s, first = quiet_s + scene.rng.uniform(0.3, 3.0), scene.script.about["items"][-1]
    first["back_s"] = begin_s + correction.seconds
    waits(scene, quiet_s, begin_s)
    if scene.rng.random() < 0.3:
        first["stale"] = stale = result(scene, speech.line)
        first["stale_s"] = begin_s + correction.seconds * scene.rng.uniform(0.5, 1.0)
        scene.script.notes.append((first["stale_s"], "background", stale))
    at_s, quiet_s = delegates(scene, correction, begin_s, " instead")
    note_s = comes(scene, at_s, quiet_s)
    return told(scene, result(scene, correction.line), note_s, note_s)


def _cancelled(scene: Scene, now_s: float) -> float:
    """As in "never mind": the call is taken back, and nothing comes of it."""
    speech = scene.line(NAME, "ask")
    _, quiet_s = delegates(scene, speech, now_s)
    begin_s = quiet_s + scene.rng.uniform(0.3, 4.0)
    waits(scene, quiet_s, begin_s)
    end_s = says(scene.script, begin_s, scene.line(NAME, "cancel"))
    scene.script.about["items"][-1]["back_s"] = end_s
    calls(scene, "cancel", "", reply_at(end_s))
    said_s = speaks(scene, words.ALLOWED, reply_at(end_s), end_s)
    over_s = said_s + scene.rng.uniform(2.0, 5.0)
    waits(scene, said_s, over_s)
    return over_s


def _two(scene: Scene, now_s: float) -> float:
    """Two in flight; the results come in either order, each says whose it is."""
    first = scene.line(NAME, "ask")
    slots = first.line.slots
    second = scene.line(NAME, "ask", lambda x: (x.slots["topic"], x.slots["key"]) != (slots["topic"], slots["key"]))
    _, quiet_s = delegates(scene, first, now_s)
    begin_s = quiet_s + scene.rng.uniform(0.3, 1.5)
    waits(scene, quiet_s, begin_s)
    at_s, quiet_s = delegates(scene, second, begin_s)
    for speech in [(first, second), (second, first)][int(scene.rng.integers(2))]:
        note_s = max(quiet_s - 0.4, at_s + delay(scene))
        waits(scene, quiet_s, note_s)
        quiet_s = told(scene, result(scene, speech.line), note_s, max(note_s, quiet_s))
        _owns_last_note(scene, speech)
        at_s = note_s
    return quiet_s


def _owns_last_note(scene: Scene, speech: Speech) -> None:
    """Writes down whose answer the last note was."""
    items = scene.script.about["items"]
    owner = next(item for item in reversed(items) if item.get("asked") == speech.text)
    note = items[-1]["notes"].pop()
    owner.setdefault("notes", []).append(note)


def _failed(scene: Scene, now_s: float) -> float:
    """It did not work, and the model says so."""
    at_s, quiet_s = delegates(scene, scene.line(NAME, "ask"), now_s)
    note_s, reason = max(quiet_s, at_s + delay(scene)), pick(scene.rng, words.FAILED)
    waits(scene, quiet_s, note_s)
    return told(scene, f"failed: {reason}", note_s, note_s, spoken=words.SORRY[reason])


def _streamed(scene: Scene, now_s: float) -> float:
    """An open question: free text, sentence by sentence; the user may skip it, or stop it and let it go on."""
    at_s, quiet_s = delegates(scene, scene.line(NAME, "ask", lambda x: x.slots["topic"] == "open"), now_s)
    note_s = comes(scene, at_s, quiet_s)
    texts = [scene.bank.own_sentence(scene.rng, scene.split).text for _ in range(scene.rng.integers(2, 4))]
    cut_at = int(scene.rng.integers(len(texts))) if scene.rng.random() < 0.5 else None
    end_s = note_s
    for number, text in enumerate(texts):
        end_s = told(scene, text, note_s, end_s)
        if number == cut_at:
            return _skipped(scene) if scene.rng.random() < 0.6 else _paused(scene)
        note_s = end_s - OVERLAP_S
    return end_s


def _cut_short(scene: Scene, speech: Speech) -> tuple[Own, float]:
    """The user says this into what is being said, which ends. Returns the sentence and the end of the user's words."""
    script, own = scene.script, scene.script.own.pop()
    script.checks.pop()
    latest_s = max(0.3, min(0.6 * own.speech.seconds, own.speech.seconds - speech.seconds - 0.4))
    at_s = own.start_s + scene.rng.uniform(0.2, latest_s)
    end_s = at_s + speech.seconds
    script.sounds.append(Sound(at_s, speech))
    script.own += fall_silent([own], silent_at(end_s))
    return own, end_s


def _skipped(scene: Scene) -> float:
    """As in "skip that": silence, and the rest is not wanted."""
    _, end_s = _cut_short(scene, scene.line(NAME, "skip"))
    calls(scene, "cancel", "", reply_at(end_s))
    over_s = end_s + scene.rng.uniform(2.5, 4.0)
    scene.script.checks.append(Check("quiet", end_s + 0.6, over_s, after_s=end_s))
    return over_s


def _paused(scene: Scene) -> float:
    """As in "wait", and later "go on": the sentence again from its beginning."""
    own, end_s = _cut_short(scene, scene.line("interrupt", "wait"))
    begin_s = end_s + scene.rng.uniform(1.2, 4.0)
    scene.script.checks.append(Check("quiet", end_s + 0.6, begin_s, after_s=end_s))
    resumed_s = says(scene.script, begin_s, scene.line("interrupt", "resume"))
    return speaks(scene, own.speech.text, reply_at(resumed_s), resumed_s)


def _permitted(scene: Scene, now_s: float) -> float:
    """The background side may not act before the user has said yes: its question is spoken, the answer handed on."""
    at_s, quiet_s = delegates(scene, scene.line(NAME, "send"), now_s)
    note_s = comes(scene, at_s, quiet_s)
    question = pick(scene.rng, words.QUESTIONS)
    asked_s = told(scene, f"{question}?", note_s, note_s, "tool", question)
    allowed = bool(scene.rng.random() < 0.6)
    begin_s = asked_s + scene.rng.uniform(0.3, 2.0)
    end_s = says(scene.script, begin_s, scene.line(NAME, "yes" if allowed else "no"))
    at_s = reply_at(end_s)
    calls(scene, "delegate", f"{ceil(at_s - begin_s)}", at_s)
    said_s = speaks(scene, words.ALLOWED if allowed else words.DENIED, at_s, end_s)
    if not allowed:
        return said_s
    note_s = said_s + scene.rng.uniform(0.4, 4.0)
    waits(scene, said_s, note_s)
    return told(scene, pick(scene.rng, words.DONE), note_s, note_s)


def _not_delegated(scene: Scene, now_s: float) -> float:
    """A small question, an offer to answer, a remark: no call."""
    kind = pick(scene.rng, ("small", "offer", "past"))
    scene.script.about["items"].append({"said": kind})
    if kind == "small":
        return asks(scene, now_s)
    speech = scene.line(NAME, kind)
    end_s = says(scene.script, now_s, speech)
    if kind == "offer":
        return speaks(scene, pick(scene.rng, words.OFFERED), reply_at(end_s), end_s, words.OFFERED)
    scene.script.checks.append(Check("quiet", end_s, end_s + 2.0))
    return end_s + 2.0


CLASSES = {
    "answered": (0.13, _answered),
    "small_talk": (0.1, _small_talk),
    "talked_over": (0.09, _talked_over),
    "urgent": (0.04, _urgent),
    "corrected": (0.1, _corrected),
    "cancelled": (0.06, _cancelled),
    "two": (0.07, _two),
    "failed": (0.05, _failed),
    "streamed": (0.1, _streamed),
    "permitted": (0.04, _permitted),
    "not_delegated": (0.07, _not_delegated),
    "into_recital": (0.04, weave.into_recital),
    "beside_recital": (0.04, weave.beside_recital),
    "beside_timer": (0.03, weave.beside_timer),
    "beside_reading": (0.04, weave.beside_reading),
}


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """One delegated task; where there is room, a second thing."""
    scene = open_scene(NAME, rng, bank, split, voice)
    now_s = gap(rng)
    for _ in range(2):
        kind = str(rng.choice(list(CLASSES), p=[weight for weight, _ in CLASSES.values()]))
        before = len(scene.script.about["items"])
        end_s = CLASSES[kind][1](scene, now_s)
        scene.script.about["items"][before]["class"] = kind
        now_s = end_s + gap(rng) + 0.4
        if now_s > 13:
            break
    return finish(scene.script, rng, end_s)
