"""Sound files and turns: any file to 16 kHz mono and back, samples to micro-turns. Read `load` first."""

import wave
from pathlib import Path

import av
import numpy as np
import soxr

from duologue.errors import DataError
from duologue.turn import SAMPLE_RATE_HZ, SAMPLES_PER_TURN


def load(path: str | Path) -> np.ndarray:
    """The first sound track of any file that ffmpeg reads (mp3, flac, ogg, mp4, …): float32 mono 16 kHz [samples].

    Raises:
        DataError: no such file, not a sound file, or a file without a sound track.
    """
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise DataError(f"{path} has no sound track")
            return _decode(container)
    except (OSError, av.error.FFmpegError) as error:
        raise DataError(f"cannot read {path} as sound: {error.strerror or error}") from error


def _decode(container: av.container.InputContainer) -> np.ndarray:
    """Channels are averaged here: ffmpeg's own way to mono makes sound that is the same on both sides louder."""
    planar = av.AudioResampler(format="fltp")
    frames = [part for frame in container.decode(audio=0) for part in planar.resample(frame)]
    if not frames:
        return np.zeros(0, np.float32)
    pcm_S = np.concatenate([frame.to_ndarray().mean(0) for frame in frames])
    return resample(pcm_S, frames[0].sample_rate, SAMPLE_RATE_HZ)


def resample(pcm_S: np.ndarray, from_hz: float, to_hz: float) -> np.ndarray:
    """Float32 mono at another rate, in phase with the original (soxr's delay is compensated)."""
    return pcm_S if from_hz == to_hz else soxr.resample(pcm_S, from_hz, to_hz)


def save(path: str | Path, pcm_S: np.ndarray) -> None:
    """Writes float32 [-1, 1] (clipped) or int16 mono 16 kHz as a 16-bit wav file."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE_HZ)
        out.writeframes(to_int16(pcm_S).tobytes())


def to_int16(pcm_S: np.ndarray) -> np.ndarray:
    """Float32 [-1, 1] to int16, clipped; int16 stays as it is."""
    if pcm_S.dtype == np.int16:
        return pcm_S
    return np.rint(np.clip(pcm_S, -1, 1) * 32767).astype(np.int16)


def in_turns(pcm_S: np.ndarray) -> np.ndarray:
    """Samples as whole turns [T, SAMPLES_PER_TURN], the last one filled with zeros."""
    turns = -(-len(pcm_S) // SAMPLES_PER_TURN)
    padded = np.zeros(turns * SAMPLES_PER_TURN, pcm_S.dtype)
    padded[: len(pcm_S)] = pcm_S
    return padded.reshape(turns, SAMPLES_PER_TURN)
