"""A voice bank without voices: any text is a row of sine bursts, one a word, so that times can be checked exactly."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib import import_module
from itertools import islice
from zlib import crc32

import numpy as np

from duologue.data.bank import spoken_words
from duologue.data.script import Line, Speech, Word
from duologue.errors import DataError
from duologue.turn import SAMPLE_RATE_HZ

POOL = 600
OPEN_TEXT = ("the boat came home late", "we saw a fox behind the barn", "her letter was on the table")


def speech_of(text: str, voice: str, line: Line | None = None) -> Speech:
    """Bursts of 60 ms a letter, 40 ms between words; the pitch is the voice's."""
    hz = 150 + crc32(voice.encode()) % 150
    pieces, words, at = [], [], 0
    for word in spoken_words(text):
        samples = int(0.06 * SAMPLE_RATE_HZ) * len(word)
        words.append(Word(word, at / SAMPLE_RATE_HZ, (at + samples) / SAMPLE_RATE_HZ))
        burst = 0.2 * np.sin(2 * np.pi * hz * np.arange(samples) / SAMPLE_RATE_HZ)
        pieces += [burst.astype(np.float32), np.zeros(int(0.04 * SAMPLE_RATE_HZ), np.float32)]
        at += samples + len(pieces[-1])
    return Speech(text, voice, np.concatenate(pieces[:-1]), tuple(words), line)


@cache
def _pool(family: str, split: str) -> tuple[Line, ...]:
    """Some lines of a family as the real bank gives them back, once through JSON."""
    if family in ("hear", "read"):
        return tuple(Line(family, "open", text) for text in OPEN_TEXT)
    module = import_module(f"duologue.data.families.{family}")
    rng = np.random.default_rng(crc32(f"{family} {split}".encode()))
    return tuple(replace(x, slots=json.loads(json.dumps(x.slots))) for x in islice(module.lines(rng, split), POOL))


class FakeBank:
    """The reading side of `data.bank.Bank`."""

    def voices(self, split: str = "train") -> list[str]:
        return [f"fake/{split}_{name}" for name in ("ada", "bo", "cy")]

    def begun_otherwise(self, rng: np.random.Generator, speech: Speech) -> Speech:
        """Every recording is like every other here."""
        return speech

    def sample(
        self,
        rng: np.random.Generator,
        family: str | None,
        intent: str | None = None,
        voice: str | None = None,
        split: str = "train",
        where: Callable[[Line], bool] | None = None,
    ) -> Speech:
        fitting = [x for x in _pool(family or "hear", split) if intent in (None, x.intent) and (where is None or where(x))]
        if not fitting:
            raise DataError(f"the fake bank has no {family!r} line of intent {intent!r}")
        voices = self.voices(split)
        voice = voice or voices[rng.integers(len(voices))]
        line = fitting[rng.integers(len(fitting))]
        return speech_of(line.text, voice, line)

    def find(self, text: str, voice: str) -> Speech | None:
        return speech_of(text, voice)

    def own(self, text: str) -> Speech:
        return speech_of(text, "own")

    def own_word(self, word: str, rng: np.random.Generator | None = None) -> Speech:
        if len(word.split()) != 1:
            raise DataError(f"{word!r} is not one word")
        return speech_of(word, "own")

    def own_sentence(self, rng: np.random.Generator, split: str = "train") -> Speech:
        return speech_of(OPEN_TEXT[rng.integers(len(OPEN_TEXT))], "own")

    def own_anything(self, rng: np.random.Generator) -> Speech:
        return self.own_sentence(rng)
