"""Pitch of recorded speech, the label that the vocoder's pitch read-out learns. Read `track` first. Training only.

Normalised autocorrelation (Boersma 1993) on 40 ms windows and the best path through the lags.
"""

import numpy as np

from duologue.media.dmel import HOP
from duologue.turn import SAMPLE_RATE_HZ

LAGS = np.arange(SAMPLE_RATE_HZ // 400, SAMPLE_RATE_HZ // 70 + 1)  # 400 to 70 Hz
WINDOW, FFT = 640, 2048
VOICED = 0.5  # normalised correlation from which a frame counts as voiced
JUMP = 3.0  # cost of an octave's jump within a hop, in units of correlation


def correlations(pcm_S: np.ndarray) -> np.ndarray:
    """Normalised autocorrelation [hops, lags + 2] of the window centred in each whole hop, one lag more each side."""
    hops = len(pcm_S) // HOP
    edge = (WINDOW - HOP) // 2
    padded = np.pad(pcm_S[: hops * HOP], edge)
    shape = np.hanning(WINDOW + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    frames = (frames - frames.mean(1, keepdims=True)) * shape
    lags = np.arange(LAGS[0] - 1, LAGS[-1] + 2)
    own = np.fft.irfft(np.abs(np.fft.rfft(shape, FFT)) ** 2)[lags] / (shape**2).sum()
    power = np.fft.irfft(np.abs(np.fft.rfft(frames, FFT)) ** 2)
    return (power[:, lags] / (power[:, :1] + 1e-3) / own).astype(np.float32)


def best_path(score_FL: np.ndarray) -> np.ndarray:
    """The lag index of each frame that maximises correlation minus the cost of jumps (Viterbi)."""
    octave = np.log2(LAGS).astype(np.float32)
    jump = JUMP * np.minimum(np.abs(octave[:, None] - octave), 0.5)
    total, back = score_FL[0], []
    for score in score_FL[1:]:
        ways = total - jump
        back.append(ways.argmax(1))
        total = ways.max(1) + score
    path = [int(total.argmax())]
    for origin in reversed(back):
        path.append(int(origin[path[-1]]))
    return np.array(path[::-1])


def track(pcm_S: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pitch in cycles a sample and voicing (bool) at the middle of each hop of float samples; gaps are interpolated."""
    score = correlations(pcm_S)
    path = best_path(score[:, 1:-1] - 0.05 * np.log2(LAGS / LAGS[0]).astype(np.float32))
    left, mid, right = (np.take_along_axis(score, path[:, None] + k, 1)[:, 0] for k in range(3))
    bend = left - 2 * mid + right
    peak = np.clip(0.5 * (left - right) / np.where(np.abs(bend) < 1e-6, 1, bend), -0.5, 0.5)
    voiced = mid > VOICED
    log_rate = -np.log(LAGS[path] + peak)
    if voiced.any():
        log_rate = np.interp(np.arange(len(path)), np.flatnonzero(voiced), log_rate[voiced])
    return np.exp(log_rate).astype(np.float32), voiced
