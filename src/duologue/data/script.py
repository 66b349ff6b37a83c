"""Scripts: a conversation as a timeline, before it is rendered into turns.

A family writes scripts with speech already chosen from the voice bank, so every time is known. `Script` is read by
`render` (which makes training turns of it) and by `evals` (which plays the user's side and reads the checks).
All times are seconds on the world's clock, from the start of the script.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np


class Word(NamedTuple):
    """One spoken word, lower case, with its time inside the speech.

    `phones`: its phonemes where the voice tells them, each with the share of the word's time at which it ends.
    """

    text: str
    start_s: float
    end_s: float
    phones: tuple[tuple[str, float], ...] = ()

    def moved(self, by_s: float) -> "Word":
        return self._replace(start_s=self.start_s + by_s, end_s=self.end_s + by_s)

    def within(self, longest_s: float) -> "Word":
        """No earlier than 0 and no later than `longest_s`."""
        return self._replace(start_s=min(max(self.start_s, 0.0), longest_s), end_s=min(max(self.end_s, 0.0), longest_s))


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence somebody may say, with its meaning: what the bank is asked to synthesise.

    `answers` are the texts that answer it, each a whole reply in the own voice; `intent` names what it does
    within its family ("sum", "stop", "weekday_next", …); `slots` hold the values needed to score or recombine it.
    """

    family: str
    intent: str
    text: str
    answers: tuple[str, ...] = ()
    slots: dict = field(default_factory=dict)
    held_out: bool = False  # a phrase or combination that training never sees

    @property
    def language(self) -> str:
        """In which it is said: its slot "language", else English."""
        return self.slots.get("language", "en")


@dataclass(frozen=True, slots=True)
class Speech:
    """Sound with its words: `pcm_S` is float32 mono 16 kHz, trimmed so that it starts and ends within 30 ms of sound."""

    text: str
    voice: str
    pcm_S: np.ndarray
    words: tuple[Word, ...]
    line: Line | None = None

    @property
    def seconds(self) -> float:
        return len(self.pcm_S) / 16_000

    def cut(self, first_word: int, last_word: int) -> "Speech":
        """Words first..last (Python slice bounds) as a speech of its own, cut midway between neighbouring words."""
        words = self.words[first_word:last_word]
        begin = 0.0 if first_word == 0 else (self.words[first_word - 1].end_s + words[0].start_s) / 2
        at_end = last_word >= len(self.words)
        end = self.seconds if at_end else (words[-1].end_s + self.words[last_word].start_s) / 2
        pcm_S = self.pcm_S[int(begin * 16_000) : int(end * 16_000)]
        moved = tuple(w.moved(-begin) for w in words)
        return Speech(" ".join(w.text for w in words), self.voice, pcm_S, moved)


@dataclass(frozen=True, slots=True)
class Sound:
    """Something audible on the user's side."""

    start_s: float
    speech: Speech
    who: Literal["user", "other", "television"] = "user"
    gain_db: float = 0.0
    transcribed: bool = True  # whether the `hear` channel writes it down (the user's words: yes; a television: no)


@dataclass(frozen=True, slots=True)
class Own:
    """Something the model says. `cut_s`: absolute time at which it falls silent before the end, or None."""

    start_s: float
    speech: Speech
    cut_s: float | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What the camera sees from `start_s` to `end_s`: `show(seconds into it)` is a picture, or None for a lost one.

    A picture is uint8 [PICTURE_HEIGHT, PICTURE_WIDTH, 3]. `events_s`: the instants into it to which the model reacts.
    `stage`: the scene that it shows (`scenes.stage.Stage`); None where that is not known, as in a recording. `beside`: nobody
    speaks of what it shows.
    """

    start_s: float
    end_s: float
    show: Callable[[float], np.ndarray | None]
    events_s: tuple[float, ...] = ()
    stage: Any = None
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """A label by construction, for evaluation: what must (or must not) be heard from the model in [start_s, end_s).

    kind: "answer" (one of `accept` is heard, onset in the window) · "quiet" (no sound in the window) ·
    "goes_on" (the `accept` items, in order, are heard in the window) · "written" (one of `accept` in the text channel).
    `after_s`: the instant from which latency counts (usually the user's end).
    """

    kind: Literal["answer", "quiet", "goes_on", "written"]
    start_s: float
    end_s: float
    accept: tuple[str, ...] = ()
    after_s: float | None = None


@dataclass(slots=True)
class Script:
    """One conversation. Typed text, written answers and notes are (time, text) pairs."""

    family: str
    length_s: float
    sounds: list[Sound] = field(default_factory=list)
    own: list[Own] = field(default_factory=list)
    typed: list[tuple[float, str]] = field(default_factory=list)
    written: list[tuple[float, str]] = field(default_factory=list)
    notes: list[tuple[float, str, str]] = field(default_factory=list)  # (time, source, text)
    calls: list[tuple[float, str, str]] = field(default_factory=list)  # (time, kind, text)
    shown: list[tuple[float, str]] = field(default_factory=list)  # words that its history of `hear` has without a sound
    checks: list[Check] = field(default_factory=list)
    about: dict = field(default_factory=dict)  # free facts for reports: voice, intent, pause length, …
    views: list[View] = field(default_factory=list)


REACTION_S = 0.2  # from stopping words to silence, at least
THOUGHT_S = 0.25  # from a question to its answer: the last word must be written down before the word that hangs on it is chosen


def reply_at(end_s: float) -> float:
    """When an answer to something that ended at `end_s` begins: the first turn boundary at least THOUGHT_S later."""
    return _boundary_from(end_s + THOUGHT_S)


def silent_at(end_s: float) -> float:
    """When it has fallen silent after stopping words that ended at `end_s`: the first turn boundary at least REACTION_S later."""
    return _boundary_from(end_s + REACTION_S)


def _boundary_from(at_s: float) -> float:
    return float(np.ceil(at_s / 0.2 - 1e-6) * 0.2)
