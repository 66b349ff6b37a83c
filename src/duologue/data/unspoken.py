"""Sentences of the own voice without their sound: what it would write and which phonemes it would say when. Read `sentences` first.

Pronouncing is spelling and the lengths of sounds, and neither has to be heard: so there are some forty times as many an hour (docs/log.md).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from duologue.data import kokoro, labels
from duologue.data.lines import own_lines
from duologue.data.script import Own, Script, Speech
from duologue.data.texts import open_line
from duologue.data.voices import OWN
from duologue.media.text import Tokenizer
from duologue.turn import SAMPLE_RATE_HZ, TURN_MS, first_turn_at

KNOWN = 0.25  # share of what the own voice says anyway; the others are open sentences
BEGINS_S = 0.4  # no speech begins before the first output turn
FADES_S = 0.02  # so long before its end the last phoneme is no longer heard


class Sentence(NamedTuple):
    """What a speech of S turns is to `model.pronouncing`; see `labels`."""

    say: np.ndarray  # int16 [S, 2]
    phones: np.ndarray  # uint8 [S, 10]
    ahead: np.ndarray  # uint8 [S, 10]


def sentences(rng: np.random.Generator) -> Iterator[Sentence]:
    """Of the training's texts, without end, each at another place in its first turn."""
    known, tokenizer = own_lines(int(rng.integers(1 << 30))), Tokenizer()
    while True:
        line = next(known) if rng.random() < KNOWN else open_line(rng, "train")
        if words := kokoro.timed(line.text, OWN):
            yield sentence(words, BEGINS_S + rng.random() * TURN_MS / 1000, tokenizer)


def sentence(words: list, start_s: float, tokenizer: Tokenizer) -> Sentence:
    """Of timed words, the first of which begins at `start_s` of the world's clock."""
    silent = np.zeros(int(words[-1].end_s * SAMPLE_RATE_HZ), np.float32)
    script = Script("read", start_s + words[-1].end_s, own=[Own(start_s, Speech("", OWN, silent, tuple(words)))])
    first, last = (first_turn_at(s) for s in (start_s, script.length_s - FADES_S))
    speak_T = np.zeros(last, np.uint8)
    speak_T[first - 1 :] = 1  # output turn k is heard in turn k + 1
    at = speak_T != 0
    return Sentence(
        labels.say(script, tokenizer, speak_T)[at], labels.own_phones(script, len(speak_T))[at], labels.own_ahead(script, speak_T)[at]
    )
