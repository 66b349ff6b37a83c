"""Sound cut at its words and joined again: a word lifted out, a sentence spliced of words, fragments in a row.

`lift`, `splice` and `begun` are the functions to read first.
"""

from collections.abc import Iterable
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from duologue.data.script import Speech
from duologue.data.voices import frame_db, sound_span
from duologue.turn import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from duologue.data.bank import Bank

FADE = SAMPLE_RATE_HZ * 5 // 1000
GAP_S = 0.08
REACH_S = 0.03  # how far from the word times a quieter place to cut may lie


def lift(speech: Speech, at: int) -> tuple[float, Speech]:
    """One word cut out of a speech in the quietest 10 ms near its borders, and how loud the louder of those is (dB,
    relative to the loud parts; -100 where the speech itself ends)."""
    words = speech.words
    middles = [(a.end_s + b.start_s) / 2 for a, b in pairwise(words)]
    level = frame_db(speech.pcm_S)
    borders = [(0.0, -100.0), *(_quietest(level, middle) for middle in middles), (speech.seconds, -100.0)]
    (begin, before_db), (end, after_db) = borders[at], borders[at + 1]
    pcm_S = speech.pcm_S[round(begin * SAMPLE_RATE_HZ) : round(end * SAMPLE_RATE_HZ)]
    word = words[at].moved(-begin).within(end - begin)
    return max(before_db, after_db), tight(Speech(word.text, speech.voice, pcm_S, (word,)))


def _quietest(level_db: np.ndarray, second: float) -> tuple[float, float]:
    """Middle of the quietest frame within REACH_S, in seconds, and its level below the loud frames."""
    begin = max(0, round((second - REACH_S) * 100))
    at = begin + int(np.argmin(level_db[begin : round((second + REACH_S) * 100) + 1]))
    return (at + 0.5) / 100, float(level_db[at] - np.percentile(level_db, 95))


def tight(speech: Speech) -> Speech:
    """Cut down to 20 ms around its sound, with 5 ms fades at both ends."""
    begin, end = sound_span(speech.pcm_S)
    begin, end = max(0, begin - SAMPLE_RATE_HZ // 50), min(len(speech.pcm_S), end + SAMPLE_RATE_HZ // 50)
    pcm_S = speech.pcm_S[begin:end].copy()
    if len(pcm_S) > 2 * FADE:
        ramp = np.linspace(0, 1, FADE, dtype=np.float32)
        pcm_S[:FADE] *= ramp
        pcm_S[-FADE:] *= ramp[::-1]
    shift, longest = begin / SAMPLE_RATE_HZ, len(pcm_S) / SAMPLE_RATE_HZ
    words = tuple(w.moved(-shift).within(longest) for w in speech.words)
    return Speech(speech.text, speech.voice, pcm_S, words)


def splice(text: str, pieces: Iterable[Speech], gap_s: float = GAP_S) -> Speech:
    """Pieces one after another, `gap_s` of silence between them."""
    sounds, words, at = [], [], 0
    gap = np.zeros(int(gap_s * SAMPLE_RATE_HZ), np.float32)
    for piece in pieces:
        words += [w.moved(at / SAMPLE_RATE_HZ) for w in piece.words]
        sounds += [piece.pcm_S, gap]
        at += len(piece.pcm_S) + len(gap)
    return Speech(text, piece.voice, np.concatenate(sounds[:-1]), tuple(words))


def begun(beginning: Speech, speech: Speech, words: int) -> Speech:
    """`speech` with its first `words` words as another one that begins alike has said them, blended over 5 ms."""
    first, rest = beginning.cut(0, words), speech.cut(words, len(speech.words))
    fade = min(FADE, len(first.pcm_S), len(rest.pcm_S))
    ramp, at = np.linspace(0, 1, fade, dtype=np.float32), len(first.pcm_S) - fade
    pcm_S = np.concatenate([first.pcm_S, rest.pcm_S[fade:]])
    pcm_S[at : at + fade] = first.pcm_S[at:] * ramp[::-1] + rest.pcm_S[:fade] * ramp
    moved = (w.moved(at / SAMPLE_RATE_HZ) for w in rest.words)
    return Speech(speech.text, speech.voice, pcm_S, (*first.words, *moved), speech.line)


def recombined(rng: np.random.Generator, bank: "Bank", split: str, voice: str | None) -> Speech:
    """Two to five fragments of anything that one voice has said: no text to learn by heart, every word must be heard."""
    english = partial(bank.sample, rng, None, split=split, where=lambda line: line.language == "en")
    first = english(voice=voice)
    rest = [english(voice=first.voice) for _ in range(rng.integers(1, 5))]
    pieces = [_fragment(rng, speech) for speech in (first, *rest)]
    return splice(" ".join(piece.text for piece in pieces), pieces, rng.uniform(0, 0.1))


def _fragment(rng: np.random.Generator, speech: Speech) -> Speech:
    """One to four neighbouring words, fewer more often."""
    begin = int(rng.integers(len(speech.words)))
    return tight(speech.cut(begin, min(len(speech.words), begin + 1 + int(rng.binomial(3, 0.35)))))
