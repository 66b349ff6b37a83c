"""The Kokoro voices, with word times: a batch of texts in one call, cut apart in its pauses. Read `speak` first.

The network is that of `kokoro_network`. Phonemes: espeak-ng through misaki, in the alphabet that Kokoro was trained on.
"""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from types import SimpleNamespace

import numpy as np

from duologue.data.bank import spoken_words
from duologue.data.kokoro_network import folder, network, timing
from duologue.data.script import Word
from duologue.data.voices import RESERVED, Spoken, finished
from duologue.errors import ConfigError

RATE_HZ = 24_000
FRAME_S = 600 / RATE_HZ  # unit of the durations
MAX_TOKENS = 220  # a call; the model takes 510, but hurries when it reads long paragraphs
ALONE_TOKENS = 24  # shorter utterances get a call of their own: next to others the model runs them together
# Sound runs ahead of the durations, by the onsets of s and f in 300 places: a word ends AHEAD_S before its phonemes do,
# and the next one begins there, for it sounds through a space or a lone comma; after a rest it begins LEAD_S early.
AHEAD_S, LEAD_S, REST_S = 0.0375, 0.075, 0.13
Piece = tuple[np.ndarray, np.ndarray]  # 24 kHz samples, and the times at which each phoneme begins
ASKS = re.compile(r"(what|which|who|how|where|why|(can|could|would|will|do|does|did|is|are|may|shall) [a-z]+)\b")
NOT_SOUNDS = set(" .,!?;:—…\"()“”ˈˌ")
MARKS = NOT_SOUNDS | {"ː"}


@cache
def _vocabulary() -> dict[str, int]:
    return json.loads((folder() / "vocab.json").read_text(encoding="utf-8"))["vocab"]


@cache
def style_table(voice: str) -> np.ndarray:
    """Style [510, 256] of "kokoro/name" or the average of "kokoro/name+name"; row = number of tokens."""
    names = voice.removeprefix("kokoro/").split("+")
    if RESERVED & {f"kokoro/{name}" for name in names}:
        raise ConfigError(f"{voice} is reserved for checks from outside and is never spoken")
    tables = [np.fromfile(folder() / "voices" / f"{name}.bin", np.float32).reshape(510, 256) for name in names]
    return np.mean(tables, axis=0)


@cache
def _phonemizer(accent: str):
    """A function from text to phonemes and more, for "us", "gb" or "es"."""
    from misaki.espeak import EspeakFallback, EspeakG2P

    if accent == "es":
        return EspeakG2P(language="es")
    english = EspeakFallback(british=accent == "gb")
    return lambda text: english(SimpleNamespace(text=text))


def phonemes(text: str, accent: str) -> str:
    """Kokoro's phonemes of a text, ending in a full stop, question mark or exclamation mark; plain questions get theirs."""
    found = _phonemizer(accent)(text)[0] or ""
    found = "".join(c for c in re.sub(r"\([a-z-]+\)", "", found) if c in _vocabulary())
    found = re.sub(r"\s+", " ", found).strip(" ,;:—")
    found = re.sub(r"(?<!\S)I(?!\S)", "ˌI", found)  # espeak leaves the pronoun without stress, and Kokoro swallows it
    return found if found.endswith((".", "?", "!", "…")) else found + ("?" if ASKS.match(text.lower()) else ".")


@cache
def _alone(word: str, accent: str) -> str:
    return "".join(c for c in phonemes(word, accent) if c not in NOT_SOUNDS)


def word_spans(text: str, said: str, accent: str) -> list[tuple[int, int]] | None:
    """First and one-past-last character of every word of `text` in its phonemes `said`; None when they do not match.

    espeak-ng runs some small words together ("of the"): then each word alone is aligned with the whole by edit distance.
    """
    words = spoken_words(text)
    groups = [m.span() for m in re.finditer(r"\S+", said) if set(m.group()) - NOT_SOUNDS]
    if len(groups) != len(words):
        groups = _aligned([_alone(word, accent) for word in words], said)
    return groups and [_sounds_only(said, a, b) for a, b in groups]


def _sounds_only(said: str, a: int, b: int) -> tuple[int, int]:
    """Without punctuation, with the stress mark before the first sound."""
    inside = [i for i in range(a, b) if said[i] not in NOT_SOUNDS]
    first = inside[0]
    return first - (first > 0 and said[first - 1] in "ˈˌ"), inside[-1] + 1


def _aligned(alone: Sequence[str], said: str) -> list[tuple[int, int]] | None:
    """Spans of the words' phonemes in `said` by edit distance; None when a word is left with nothing."""
    at = [i for i, c in enumerate(said) if c not in NOT_SOUNDS]
    flat = [(c, k) for k, word in enumerate(alone) for c in word]
    cost = np.zeros((len(at) + 1, len(flat) + 1), int)
    cost[:, 0], cost[0] = np.arange(len(at) + 1), np.arange(len(flat) + 1)
    for i in range(1, len(at) + 1):
        for j in range(1, len(flat) + 1):
            same = said[at[i - 1]] == flat[j - 1][0]
            cost[i, j] = min(cost[i - 1, j - 1] + (not same), cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    owner, i, j = {}, len(at), len(flat)
    while i and j:
        same = said[at[i - 1]] == flat[j - 1][0]
        if cost[i, j] == cost[i - 1, j - 1] + (not same):
            owner.setdefault(flat[j - 1][1], []).append(at[i - 1])
            i, j = i - 1, j - 1
        elif cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
        else:
            j -= 1
    if len(owner) < len(alone):
        return None
    return [(min(owner[k]), max(owner[k]) + 1) for k in range(len(alone))]


def speak(texts: Sequence[str], voice: str, speed: float = 1.0, language: str = "en") -> list[Spoken | None]:
    """Each text said by a voice; as many texts as fit go into one call. None for a text whose words cannot be timed.

    Any style speaks any language ("en", "es") whose phonemes it is given, those of another language with an accent.
    """
    accent = language if language != "en" else "gb" if voice.removeprefix("kokoro/").startswith("b") else "us"
    said = [phonemes(text, accent) for text in texts]
    spans = [word_spans(*pair, accent) for pair in zip(texts, said, strict=True)]
    good = [i for i, found in enumerate(spans) if found]
    results: list[Spoken | None] = [None] * len(texts)
    for i, (pcm_S, edge_s) in _pieces(good, said, voice, speed):
        results[i] = finished(pcm_S, RATE_HZ, _words(texts[i], said[i], spans[i], edge_s))
    return results


def timed(text: str, voice: str) -> list[Word] | None:
    """The words of a text in American English as `speak` would time them, the first at zero, without a sound. None for a text that
    cannot be timed or is too long for one call."""
    said = phonemes(text, "us")
    spans = word_spans(text, said, "us")
    if not spans or len(said) > MAX_TOKENS:
        return None
    (durations,) = timing().run(None, _feed([_vocabulary()[c] for c in said], voice, 1.0))
    words = _words(text, said, spans, _edges(durations)[1:])
    return [word.moved(-words[0].start_s) for word in words]


def _words(text: str, said: str, spans: Sequence[tuple[int, int]], edge_s: np.ndarray) -> list[Word]:
    words = _timed(spoken_words(text), spans, edge_s)
    return [_with_phones(word, said, span, edge_s) for word, span in zip(words, spans, strict=True)]


def _timed(words: Sequence[str], spans: Sequence[tuple[int, int]], edge_s: np.ndarray) -> list[Word]:
    """Word times from the times of phonemes; the last word lasts as long as its phonemes, for its sound dies away."""
    starts, ends = ([float(edge_s[span[side]]) for span in spans] for side in (0, 1))
    ahead = [end - AHEAD_S for end in ends[:-1]]
    begins = [before if start - end < REST_S else start - LEAD_S for start, end, before in zip(starts[1:], ends, ahead, strict=False)]
    return [Word(*timed) for timed in zip(words, [max(starts[0] - LEAD_S, 0.0), *begins], [*ahead, ends[-1]], strict=True)]


def _with_phones(word: Word, said: str, span: tuple[int, int], edge_s: np.ndarray) -> Word:
    """Each phoneme ends AHEAD_S before its duration does, as words do; a mark of length or stress belongs to the sound that it follows."""
    ends = {}
    for at in range(*span):
        sound = at if said[at] not in MARKS else max(ends, default=None)
        if sound is not None:
            ends[sound] = float(np.clip((edge_s[at + 1] - AHEAD_S - word.start_s) / (word.end_s - word.start_s), 0, 1))
    last = max(ends)
    return word._replace(phones=tuple((said[at], 1.0 if at == last else end) for at, end in ends.items()))


def _pieces(which: Sequence[int], said: Sequence[str], voice: str, speed: float) -> Iterator[tuple[int, Piece]]:
    """Batched calls; an utterance whose neighbour ran into it is said again, alone."""
    for batch in _batches(which, said):
        for i, piece in zip(batch, _speak_batch([said[i] for i in batch], voice, speed), strict=True):
            if len(batch) > 1 and not _quiet_edges(piece[0]):
                (piece,) = _speak_batch([said[i]], voice, speed)
            yield i, piece


def _quiet_edges(pcm_S: np.ndarray) -> bool:
    """Whether the first and last 20 ms are at least 35 dB below the loud parts."""
    power = np.mean(np.square(pcm_S[: len(pcm_S) // 240 * 240].reshape(-1, 240)), axis=1) + 1e-10
    return max(power[:2].max(), power[-2:].max()) < np.percentile(power, 95) * 10**-3.5


def _batches(which: Sequence[int], said: Sequence[str]) -> list[list[int]]:
    batches = [[i] for i in which if len(said[i]) < ALONE_TOKENS]
    room = 0
    for i in (i for i in which if len(said[i]) >= ALONE_TOKENS):
        if len(said[i]) + 1 > room:
            batches.append([])
            room = MAX_TOKENS
        batches[-1].append(i)
        room -= len(said[i]) + 1
    return batches


def _speak_batch(said: Sequence[str], voice: str, speed: float) -> list[Piece]:
    """One call: for every utterance its 24 kHz samples and the times [characters + 1] at which its phonemes begin."""
    joined = " ".join(said)
    tokens = [_vocabulary()[c] for c in joined]
    starts = np.cumsum([0, *(len(s) + 1 for s in said)])
    pcm_S, durations = network().run(None, _feed(tokens, voice, speed))
    edge_s = _edges(durations)
    cuts = [0.0, *(_quietest(pcm_S.ravel(), edge_s[k - 1], edge_s[k + 1]) for k in starts[1:-1]), edge_s[-1]]
    pieces = []
    for k, text in enumerate(said):
        sound = pcm_S.ravel()[int(cuts[k] * RATE_HZ) : int(cuts[k + 1] * RATE_HZ)]
        pieces.append((sound, edge_s[starts[k] + 1 : starts[k] + len(text) + 2] - cuts[k]))
    return pieces


def _feed(tokens: Sequence[int], voice: str, speed: float) -> dict[str, np.ndarray]:
    style = style_table(voice)[len(tokens)][None]
    return {"tokens": np.array([[0, *tokens, 0]]), "style": style, "speed": np.full(1, speed, np.float32)}


def _edges(durations: np.ndarray) -> np.ndarray:
    """When each token begins, and the last one ends, in seconds."""
    return np.concatenate([[0], np.cumsum(durations.ravel())]) * FRAME_S


def _quietest(pcm_S: np.ndarray, begin_s: float, end_s: float) -> float:
    """Middle of the quietest 50 ms in a stretch, in seconds."""
    width, begin = RATE_HZ // 20, int(begin_s * RATE_HZ)
    energy = np.cumsum(np.square(pcm_S[begin : max(int(end_s * RATE_HZ), begin + width + 1)]))
    return begin_s + (int(np.argmin(energy[width:] - energy[:-width])) + width / 2) / RATE_HZ
