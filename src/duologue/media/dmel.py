"""dMel: waveform -> log-mel -> levels, and back. No learned weights.

Source: Bai et al., dMel, arXiv 2407.15835: 80 mel channels of log10 magnitude, 16 uniform levels, no training.
What we do differently: 20 ms hop, framing that looks only to the left (a frame ends where its hop ends), and a grid
fitted to that scale at 16 kHz. `log_mel` is the function to read first.
"""

import numpy as np

from duologue.turn import SAMPLE_RATE_HZ, SAMPLES_PER_TURN

HOP = 320  # 20 ms
WINDOW = 800  # 50 ms
FFT = 1024
MELS = 80
LEVELS = 16
FRAMES_PER_TURN = SAMPLES_PER_TURN // HOP
HISTORY = WINDOW - HOP  # samples before a turn that its first frame needs
FLOOR, CEILING = -2.8, 2.0  # log10 magnitude: the dither's own level to full scale
FINE_FLOOR, FINE_CEILING = -4.0, 3.0  # the grid of stored training data, wider than the levels so that gain may move it
DITHER = 3e-4  # about -70 dBFS: digital silence becomes a quiet room, never an out-of-range constant


def _mel_points(low_hz: float, high_hz: float, count: int) -> np.ndarray:
    """Frequencies equally spaced on the HTK mel scale."""
    low, high = (2595 * np.log10(1 + hz / 700) for hz in (low_hz, high_hz))
    return 700 * (10 ** (np.linspace(low, high, count) / 2595) - 1)


def mel_filters() -> np.ndarray:
    """Triangular filters [FFT // 2 + 1, MELS], 0-8000 Hz, each of peak one, widened to at least one bin."""
    hz = np.linspace(0, SAMPLE_RATE_HZ / 2, FFT // 2 + 1)[:, None]
    points = _mel_points(40, SAMPLE_RATE_HZ / 2, MELS + 2)
    left, mid, right = points[:-2], points[1:-1], points[2:]
    filters = np.maximum(0, np.minimum((hz - left) / (mid - left), (right - hz) / (right - mid)))
    return (filters / np.maximum(filters.sum(0), 1)).astype(np.float32)


FILTERS = mel_filters()
HANN = np.hanning(WINDOW + 1)[:-1].astype(np.float32)


def log_mel(pcm_S: np.ndarray, history_S: np.ndarray | None = None) -> np.ndarray:
    """Log10 mel magnitudes [frames, MELS] of whole hops; frame j sees samples up to the end of hop j and no further.

    Args:
        pcm_S: float32 samples, a multiple of HOP.
        history_S: the HISTORY samples before them (zeros when None), so turn by turn equals whole.
    """
    if len(pcm_S) % HOP:
        raise ValueError(f"samples must be a multiple of {HOP}, got {len(pcm_S)}")
    before = np.zeros(HISTORY, np.float32) if history_S is None else history_S[-HISTORY:]
    frames = np.lib.stride_tricks.sliding_window_view(np.concatenate([before, pcm_S]), WINDOW)[::HOP]
    magnitude = np.abs(np.fft.rfft(frames * HANN, FFT)).astype(np.float32)
    return np.log10(np.maximum(magnitude @ FILTERS, 1e-5))


def quantise(mel_FM: np.ndarray) -> np.ndarray:
    """Nearest of LEVELS equal steps between FLOOR and CEILING (clipped), uint8."""
    scaled = (mel_FM - FLOOR) * ((LEVELS - 1) / (CEILING - FLOOR))
    return np.clip(np.rint(scaled), 0, LEVELS - 1).astype(np.uint8)


def dequantise(levels_FM: np.ndarray) -> np.ndarray:
    """Centre of each level, log10 magnitude: the inverse of `quantise` on its grid."""
    return (levels_FM.astype(np.float32) * ((CEILING - FLOOR) / (LEVELS - 1)) + FLOOR).astype(np.float32)


def to_fine(mel_FM: np.ndarray) -> np.ndarray:
    """Nearest of 256 equal steps (0.55 dB) between FINE_FLOOR and FINE_CEILING, uint8: how shards keep a log-mel."""
    scaled = (mel_FM - FINE_FLOOR) * (255 / (FINE_CEILING - FINE_FLOOR))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def from_fine(fine_FM: np.ndarray) -> np.ndarray:
    """Log10 magnitude of each fine step: the inverse of `to_fine` on its grid."""
    return fine_FM.astype(np.float32) * np.float32((FINE_CEILING - FINE_FLOOR) / 255) + np.float32(FINE_FLOOR)


def dithered(pcm_S: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """`pcm_S` with the quiet room of DITHER added."""
    return pcm_S + np.float32(DITHER) * rng.standard_normal(len(pcm_S), dtype=np.float32)
