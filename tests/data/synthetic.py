"""Tiny made-up speech for tests: a word is a burst of a buzzing tone."""

import numpy as np

from duologue.data.script import Own, Script, Sound, Speech, Word, reply_at

RATE = 16_000


def burst(hz: float, seconds: float) -> np.ndarray:
    time_S = np.arange(int(seconds * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * hz * k * time_S) / k for k in range(1, 12))
    return (0.1 * buzz * np.minimum(1, np.minimum(time_S, seconds - time_S) / 0.01)).astype(np.float32)


def speech(text: str, voice: str = "ann", hz: float = 160, word_s: float = 0.3, gap_s: float = 0.1) -> Speech:
    """Each word a burst of `word_s`, `gap_s` apart."""
    words, parts = text.split(), []
    for _ in words:
        parts += [burst(hz, word_s), np.zeros(int(gap_s * RATE), np.float32)]
    starts = [n * (word_s + gap_s) for n in range(len(words))]
    times = tuple(Word(word, start, start + word_s) for word, start in zip(words, starts, strict=True))
    return Speech(text, voice, np.concatenate(parts[:-1]), times)


def question(start_s: float = 0.5, length_s: float = 6.0) -> Script:
    """Somebody asks, the model answers."""
    asked = speech("what is eight plus five")
    answer_s = reply_at(start_s + asked.seconds)
    own = Own(answer_s, speech("it is thirteen", "own", 220))
    return Script("numbers", length_s, sounds=[Sound(start_s, asked)], own=[own])


class Letters:
    """A tokenizer for tests: two letters a token, the last one of a word marked; markers and calls as in media.text."""

    def encode(self, text: str) -> list[int]:
        return [100 + n for word in text.split() for n in range(-(-len(word) // 2))]

    def marker(self, source: str) -> int:
        return {"typed": 2, "background": 3, "tool": 4, "ui": 5, "memory": 6}[source]

    def call(self, kind: str) -> int:
        return {"delegate": 7, "cancel": 8, "interface": 9}[kind]
