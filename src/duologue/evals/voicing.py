"""A voice bank that speaks what it is asked for: test voices and the own one, on demand. Read `Voicing.sample` first.

For conversations that are written down once and then used by all: the bank of the machine is not looked into, so two machines
with the same engines make the same. It has the reading side of `data.bank.Bank`. `draft` is the same without voices: its silence lasts as long as speech would, so
that one can see what a conversation will be before it is spoken.
"""

from collections.abc import Callable
from importlib import import_module
from itertools import islice

import numpy as np

from duologue.data.bank import spoken_words
from duologue.data.lines import open_lines
from duologue.data.pieces import splice
from duologue.data.script import Line, Speech, Word
from duologue.data.synth import speaker_of
from duologue.data.voices import OWN, speaks, user_voices
from duologue.errors import DataError
from duologue.turn import SAMPLE_RATE_HZ

MOST_TRIES = 5000  # lines drawn for one that fits
LETTER_S = 0.07
SPEEDS = {"train": (0.85, 1.2), "test": (0.8, 1.25)}  # as the bank's voices speak

Say = Callable[[str, str, float, str], Speech | None]  # text, voice, speed, language


class Voicing:
    """Speaks each text once in a voice; `say` is None for what a voice cannot say."""

    def __init__(self, say: Say):
        self.say = say
        self.known: dict[tuple, Speech | None] = {}

    def sample(
        self,
        rng: np.random.Generator,
        family: str | None,
        intent: str | None = None,
        voice: str | None = None,
        split: str = "train",
        where: Callable[[Line], bool] | None = None,
    ) -> Speech:
        """A line of a family by a voice of the split. Raises DataError when none fits or no voice can say it."""
        line = next((x for x in islice(_lines(family, rng, split), MOST_TRIES) if _fits(x, intent, where)), None)
        if line is None:
            raise DataError(f"{family}: no {split} line of intent {intent!r} fits")
        voices = [voice] if voice else [v for v in user_voices(split) if speaks(v, line.language)]
        voice, speed = voices[rng.integers(len(voices))], float(rng.uniform(*SPEEDS[split]))
        if not speaks(voice, line.language) or not (spoken := self._said(line.text, voice, speed, line.language)):
            raise DataError(f"{voice} cannot say {line.text!r}")
        return Speech(line.text, voice, spoken.pcm_S, spoken.words, line)

    def _said(self, text: str, voice: str, speed: float = 1.0, language: str = "en") -> Speech | None:
        key = text, voice, speed, language
        if key not in self.known:
            self.known[key] = self.say(*key)
        return self.known[key]

    def find(self, text: str, voice: str) -> Speech | None:
        return self._said(text, voice)

    def own(self, text: str) -> Speech:
        """The own voice's text, whole or word by word. Raises DataError."""
        return self._said(text, OWN) or splice(text, [self.own_word(word) for word in spoken_words(text)])

    def own_word(self, word: str, rng: np.random.Generator | None = None) -> Speech:
        """One word. Raises DataError when it cannot be said."""
        if found := self._said(word, OWN):
            return found
        raise DataError(f"the own voice cannot say {word!r}")


def _lines(family: str | None, rng: np.random.Generator, split: str):
    """Lines as a family makes them; open sentences for "hear" and for no family."""
    if family in (None, "hear"):
        return open_lines(rng, split)
    return import_module(f"duologue.data.families.{family}").lines(rng, split)


def _fits(line: Line, intent: str | None, where: Callable[[Line], bool] | None) -> bool:
    return intent in (None, line.intent) and (where is None or where(line))


def spoken(text: str, voice: str, speed: float, language: str) -> Speech | None:
    """By the engine of the voice. Raises ConfigError when that is not installed."""
    foreign = () if language == "en" else (language,)
    (found,) = speaker_of(voice.split("/")[0])([text], voice, speed, *foreign)
    return found and Speech(text, voice, found.pcm_S, found.words)


def silence(text: str, voice: str, speed: float, language: str) -> Speech:
    """No sound, about as long."""
    words, at_s = [], 0.0
    for word in spoken_words(text):
        words.append(Word(word, at_s, at_s + LETTER_S * len(word) / speed))
        at_s = words[-1].end_s
    return Speech(text, voice, np.zeros(int(at_s * SAMPLE_RATE_HZ), np.float32), tuple(words))


def draft() -> Voicing:
    return Voicing(silence)
