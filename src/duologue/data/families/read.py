"""Read: notes or typed requests carry text to be said; the model reads it out when the user is not speaking. Read `script`.

While it reads, the user may say "stop", "wait" and later "go on", or "skip that" when more is to come; and "uh-huh", which
changes nothing. After a wait it goes on with the beginning of the sentence that was cut.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from duologue.data.families.exchange import ends, finish, gap, pick, sample, vary
from duologue.data.families.timing import ANSWER_S, SILENT_S, fall_silent, own_end
from duologue.data.script import Check, Own, Script, Sound, Speech, reply_at, silent_at
from duologue.errors import DataError

NAME = "read"
ASK = (
    "{say|read|read out|speak|please say|can you say|could you read|read this|say this|please read this}{:| :|} <>",
    "{read|say} {the following|this|this sentence|this out loud|aloud}: <>",
)
MOST_TEXTS = 3
PARAGRAPH = 0.45  # share of the texts that are two or three sentences
WRITTEN = 0.5  # share of the texts with figures or abbreviations that come as they are written, not as they are spoken
PAUSE_S = (0.25, 0.5)  # between two sentences
TOLD = 0.5  # share of the longer texts into which something is said
LONG_S, EARLIEST_S, LEFT_S = 2.2, 0.9, 0.8  # a text that can be talked into, when, and how much of it then follows
NEXT_S = 0.4  # of silence before the next text when one was skipped
OPENING = 4  # words by which the beginning of a sentence is known


def own_texts() -> Iterable[str]:
    """Open sentences come from the bank: whatever the own voice has said."""
    return ()


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """One to three texts, each as a note of the background side or typed; sometimes while the user is still speaking."""
    script = Script(NAME, 0.0, about={"voice": voice, "split": split, "intents": ["open"], "items": []})
    at_s = float(rng.uniform(0.4, 2.0))
    for _ in range(rng.integers(1, MOST_TEXTS + 1)):
        text = _text(rng, bank, split)
        free_s = _user_speaks(script, rng, bank, at_s) if rng.random() < 0.3 else at_s
        _comes(script, rng, at_s, text)
        owns = _spoken(rng, text, reply_at(max(free_s, at_s + 0.2 * _turns_of_text(text))))
        long = ends(owns) - owns[0].start_s > LONG_S
        told = pick(rng, TOLD_KINDS) if long and rng.random() < TOLD else _reads
        try:
            at_s = told(script, rng, bank, owns, free_s) + gap(rng)
        except DataError:  # the bank lacks what the user would say
            at_s = _reads(script, rng, bank, owns, free_s) + gap(rng)
    return finish(script, rng, at_s)


def _text(rng: np.random.Generator, bank, split: str) -> list[Speech]:
    """A sentence, or a few; in training also words and replies, so that each of them is met in writing."""
    count = rng.integers(2, 4) if rng.random() < PARAGRAPH else 1
    return [bank.own_anything(rng) if split == "train" else bank.own_sentence(rng, split) for _ in range(count)]


def _spoken(rng: np.random.Generator, text: Sequence[Speech], at_s: float) -> list[Own]:
    """The sentences one after the other."""
    owns = [Own(at_s, text[0])]
    for speech in text[1:]:
        owns.append(Own(ends(owns) + rng.uniform(*PAUSE_S), speech))
    return owns


def words_of(owns: Sequence[Own]) -> str:
    """What these say."""
    return " ".join(own.speech.text for own in owns)


def _comes(script: Script, rng: np.random.Generator, at_s: float, text: Sequence[Speech]) -> None:
    """The text as a note or typed, as it is spoken or as it is written."""
    as_written = rng.random() < WRITTEN
    whole = " ".join(_written(speech) if as_written else speech.text for speech in text)
    if rng.random() < 0.5:
        script.notes.append((at_s, pick(rng, ("background", "tool")), whole))
    else:
        script.typed.append((at_s, vary(rng, pick(rng, ASK)).replace("<>", whole)))


def _written(speech: Speech) -> str:
    return speech.line.slots.get("written", speech.text) if speech.line else speech.text


def _turns_of_text(text: Sequence[Speech]) -> int:
    """Turns until enough of the text has come in to begin: at most two, for the rest arrives faster than it is said."""
    return min(2, sum(len(speech.words) for speech in text) // 5)


def _user_speaks(script: Script, rng: np.random.Generator, bank, at_s: float) -> float:
    """The user says an open sentence across the moment of the note; returns when the floor is free."""
    try:
        speech = sample(script, rng, bank, "hear", intent="open")
    except DataError:
        return at_s
    start_s = max(0.0, at_s - rng.uniform(0, speech.seconds))
    if script.sounds or (script.own and start_s < ends(script.own)):
        return at_s
    script.sounds.append(Sound(start_s, speech))
    return max(at_s, start_s + speech.seconds)


Told = Callable[[Script, np.random.Generator, object, list[Own], float], float]  # each returns when all is over, in seconds


def _reads(script: Script, rng: np.random.Generator, bank, owns: list[Own], free_s: float) -> float:
    """Nobody interferes."""
    script.own += owns
    script.checks.append(Check("answer", free_s - 0.2, owns[0].start_s + ANSWER_S, (words_of(owns),), free_s))
    return ends(owns)


def _goes_on(script: Script, rng: np.random.Generator, bank, owns: list[Own], free_s: float) -> float:
    """The user says "uh-huh" into it."""
    speech = sample(script, rng, bank, "hold", intent="backchannel")
    at_s = _moment(rng, owns, LEFT_S)
    script.sounds.append(Sound(at_s, speech))
    script.own += owns
    later = tuple(w.text for own in owns for w in own.speech.words if own.start_s + w.start_s >= at_s)
    script.checks.append(Check("goes_on", at_s, ends(owns) + 1.0, later, at_s))
    return max(ends(owns), at_s + speech.seconds)


def _stops(script: Script, rng: np.random.Generator, bank, owns: list[Own], free_s: float) -> float:
    """The user says "stop", and the rest is never said."""
    end_s, _ = _cut_short(script, rng, owns, sample(script, rng, bank, "interrupt", intent="stop"))
    later_s = end_s + rng.uniform(2.5, 4.0)
    script.checks.append(Check("quiet", end_s + SILENT_S, later_s, after_s=end_s))
    return later_s


def _waits(script: Script, rng: np.random.Generator, bank, owns: list[Own], free_s: float) -> float:
    """The user says "wait", and "go on" a while later."""
    wait, resume = (sample(script, rng, bank, "interrupt", intent=intent) for intent in ("wait", "resume"))
    end_s, left = _cut_short(script, rng, owns, wait)
    later_s = end_s + rng.uniform(1.2, 4.0)
    again_s = later_s + resume.seconds
    script.checks.append(Check("quiet", end_s + SILENT_S, again_s, after_s=end_s))
    if not left:  # it had been read to its end
        return later_s
    script.sounds.append(Sound(later_s, resume))
    script.own += [replace(own, start_s=own.start_s - left[0].start_s + reply_at(again_s)) for own in left]
    _begins(script, "resume", again_s, left[0].speech)
    return ends(script.own)


def _skips(script: Script, rng: np.random.Generator, bank, owns: list[Own], free_s: float) -> float:
    """The user says "skip that", and the next text, which has come meanwhile, follows."""
    speech, text = sample(script, rng, bank, "delegate", intent="skip"), _text(rng, bank, script.about["split"])
    _comes(script, rng, owns[0].start_s + 0.1, text)
    end_s, left = _cut_short(script, rng, owns, speech)
    script.own += _spoken(rng, text, reply_at(end_s) + NEXT_S)
    if left:
        _begins(script, "skip", end_s, text[0])
    return ends(script.own)


TOLD_KINDS: tuple[Told, ...] = (_goes_on, _stops, _waits, _skips)


def _moment(rng: np.random.Generator, owns: Sequence[Own], left_s: float) -> float:
    """A while into the reading, so that `left_s` of it follow if it is long enough."""
    first_s = owns[0].start_s + EARLIEST_S
    return float(rng.uniform(first_s, max(first_s, ends(owns) - left_s)))


def _cut_short(script: Script, rng: np.random.Generator, owns: list[Own], speech: Speech) -> tuple[float, list[Own]]:
    """The reading falls silent after what the user says into it. Returns when that ended, and the sentences not said whole."""
    at_s = _moment(rng, owns, speech.seconds + LEFT_S)
    end_s = at_s + speech.seconds
    script.sounds.append(Sound(at_s, speech))
    script.own += fall_silent([own for own in owns if own.start_s < end_s], silent_at(end_s))
    left = [own for own in owns if own_end(own) > silent_at(end_s)]
    if left:
        _note(script, "stop", at_s, end_s)
    return end_s, left


def _begins(script: Script, row: str, end_s: float, speech: Speech) -> None:
    """The beginning of this is wanted after the user's end."""
    opening = " ".join(word.text for word in speech.words[:OPENING])
    script.checks.append(Check("answer", end_s - 0.2, end_s + ANSWER_S, (opening,), end_s))
    _note(script, row, end_s, end_s)


def _note(script: Script, row: str, at_s: float, end_s: float) -> None:
    script.about["items"].append({"row": row, "at_s": at_s, "end_s": end_s})
