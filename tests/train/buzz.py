"""A voice made from nothing: a buzz whose pitch swings."""

import numpy as np

from duologue.train.vocoder_crops import Voice, load_voice
from duologue.turn import SAMPLE_RATE_HZ


def glide(seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """A buzz whose pitch swings between 140 and 260 Hz, and that pitch."""
    t = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    hz = 200 + 60 * np.sin(2 * np.pi * 1.5 * t)
    turn = 2 * np.pi * np.cumsum(hz) / SAMPLE_RATE_HZ
    return (0.1 * sum(np.sin(h * turn) / h for h in range(1, 20))).astype(np.float32), hz


def gliding() -> Voice:
    return load_voice([(glide(4)[0] * 32767).astype(np.int16)])
