"""When each word of a recording is said, given its text: a long one's by Whisper's attention where that is installed, else by letters.

Read `timer` first. `python -m duologue.data.word_times` measures both ways on what the voice bank has said.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from rich.console import Console

from duologue.data.bank import Bank
from duologue.data.pieces import splice
from duologue.data.script import Speech, Word
from duologue.data.voices import FRAME, frame_db, sound_span
from duologue.media.whisper import installed, whisper
from duologue.turn import SAMPLE_RATE_HZ

PAUSE_BELOW_LOUD_DB, PAUSE_FRAMES = 30.0, 15  # quieter than that for 150 ms is a pause between words
SPACE = 0.5  # how many letters' time a word takes besides its own
ATTENTION_LATE_S, LETTERS_LATE_S = 0.1, 0.07  # how late each way puts the end of a word, as measured
SHORTEST_S = 0.04
WHISPER_FRAMES = 3000
SHORT_S = 4.0  # letters are as good as attention in a sentence, and worse in four (docs/log.md, 2026-11-22)

Timer = Callable[[np.ndarray, Sequence[str]], list[Word]]


def timer() -> Timer:
    """The best way that is installed: (float32 mono 16 kHz, at most 30 s; its words) to one `Word` each."""
    return partial(by_length, partial(by_attention, whisper())) if installed() else by_letters


def by_length(long: Timer, pcm_S: np.ndarray, words: Sequence[str]) -> list[Word]:
    """A short recording by letters, which cost nothing, any other `long`'s way."""
    return (by_letters if len(pcm_S) < SHORT_S * SAMPLE_RATE_HZ else long)(pcm_S, words)


def by_letters(pcm_S: np.ndarray, words: Sequence[str]) -> list[Word]:
    """Each word takes time by its letters; pauses, and the silence before and behind, take none."""
    begin, end = (edge // FRAME for edge in sound_span(pcm_S))
    sounding_F = begin + np.flatnonzero(~_paused(pcm_S)[begin:end])
    shares = np.cumsum([0.0, *(len(word) + SPACE for word in words)])
    edges_s = sounding_F[(shares / shares[-1] * (len(sounding_F) - 1)).astype(int)] * FRAME / SAMPLE_RATE_HZ
    return _timed(words, edges_s[:-1], edges_s[1:], LETTERS_LATE_S)


def _paused(pcm_S: np.ndarray) -> np.ndarray:
    """Which 10 ms lie in a pause: bool [frames]."""
    level = frame_db(pcm_S)
    quiet = level < np.percentile(level, 95) - PAUSE_BELOW_LOUD_DB
    edges = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]]).astype(np.int8)))
    paused = np.zeros(len(level), bool)
    for begin, end in edges.reshape(-1, 2):
        paused[begin:end] = end - begin >= PAUSE_FRAMES
    return paused


def by_attention(model, pcm_S: np.ndarray, words: Sequence[str]) -> list[Word]:
    """Where Whisper looks while it is made to write these words (dynamic time warping over its aligned heads)."""
    from faster_whisper.tokenizer import Tokenizer

    tokenizer = Tokenizer(model.hf_tokenizer, False, task=None, language="en")
    features = model.feature_extractor(pcm_S)
    filled = np.pad(features, ((0, 0), (0, max(0, WHISPER_FRAMES - features.shape[1]))))[:, :WHISPER_FRAMES]
    tokens = tokenizer.encode(" " + " ".join(words))
    (found,) = model.find_alignment(tokenizer, [tokens], model.encode(filled), len(pcm_S) * 100 // SAMPLE_RATE_HZ)
    begins, ends = ([float(part[side]) for part in found[: len(words)]] for side in ("start", "end"))
    return _timed(words, begins, ends, ATTENTION_LATE_S)


def _timed(words: Sequence[str], begins: Sequence[float], ends: Sequence[float], late_s: float) -> list[Word]:
    """Words with their times brought forward, each at least a frame long; the last one's end stays, and none ends before it
    has sounded for SHORTEST_S: a short first word would be cut off with the silence before it."""
    shifts = [*[late_s] * (len(words) - 1), 0.0]
    times = [(max(0.0, a - late_s), max(b - s, min(b, a + SHORTEST_S))) for a, b, s in zip(begins, ends, shifts, strict=True)]
    return [Word(word, float(a), float(max(b, a + FRAME / SAMPLE_RATE_HZ))) for word, (a, b) in zip(words, times, strict=True)]


def errors_s(way: Timer, speeches: Sequence[Speech]) -> np.ndarray:
    """How late each word's end is put, seconds."""
    pairs = [(speech, way(speech.pcm_S, [word.text for word in speech.words])) for speech in speeches]
    return np.array([got.end_s - word.end_s for speech, found in pairs for got, word in zip(found, speech.words, strict=True)])


def main(utterances: int = 40) -> None:
    """Prints both ways' errors on single sentences and on four in a row."""
    bank, rng = Bank(), np.random.default_rng(0)
    single = [bank.sample(rng, "hear", "open") for _ in range(utterances)]
    rows = [[first, *(bank.sample(rng, "hear", "open", first.voice) for _ in range(3))] for first in single[: utterances // 2]]
    long = [splice("", row, rng.uniform(0.05, 0.5)) for row in rows]
    for name, way in (("letters", by_letters), ("attention", partial(by_attention, whisper()))):
        for what, speeches in (("one sentence", single), ("four", long)):
            late = errors_s(way, speeches)
            shown = f"{name}, {what}: {len(late)} words, late by {late.mean():.3f} s, off by {np.abs(late).mean():.3f} s on average"
            Console(soft_wrap=True).print(shown, highlight=False)


if __name__ == "__main__":
    main()
