"""Numbers with what they are worth: shares with Wilson's 95 % interval, word error rates with a bootstrap over cases."""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

Z = 1.959964
RESAMPLES = 1000


class Rate(NamedTuple):
    """A share of cases in percent."""

    percent: float
    low: float
    high: float
    cases: int


def rate(right: int, cases: int) -> Rate:
    """Wilson, 1927: never outside 0 to 100, honest for few cases."""
    if not cases:
        return Rate(float("nan"), 0.0, 100.0, 0)
    p, spread = right / cases, Z**2 / cases
    middle = (p + spread / 2) / (1 + spread)
    half = Z * sqrt(p * (1 - p) / cases + spread / (4 * cases)) / (1 + spread)
    return Rate(100 * p, 100 * max(0.0, middle - half), 100 * min(1.0, middle + half), cases)


def ratio(wrong: Sequence[int], words: Sequence[int], seed: int = 0) -> Rate:
    """Errors per word over all cases, the interval by resampling cases."""
    wrong_N, words_N = np.asarray(wrong, float), np.asarray(words, float)
    if not words_N.sum():
        return Rate(float("nan"), 0.0, 100.0, 0)
    picked = np.random.default_rng(seed).integers(len(wrong_N), size=(RESAMPLES, len(wrong_N)))
    low, high = np.percentile(wrong_N[picked].sum(1) / np.maximum(words_N[picked].sum(1), 1), [2.5, 97.5])
    return Rate(100 * wrong_N.sum() / words_N.sum(), 100 * low, 100 * high, len(wrong_N))


def paired_difference(first: Sequence[bool], then: Sequence[bool], seed: int = 0) -> Rate:
    """Points of percent by which `then` is better than `first` on the same cases, the interval by resampling them."""
    gain_N = np.asarray(then, float) - np.asarray(first, float)
    if not len(gain_N):
        return Rate(float("nan"), -100.0, 100.0, 0)
    picked = np.random.default_rng(seed).integers(len(gain_N), size=(RESAMPLES, len(gain_N)))
    low, high = np.percentile(gain_N[picked].mean(1), [2.5, 97.5])
    return Rate(100 * gain_N.mean(), 100 * low, 100 * high, len(gain_N))


def quantiles(values: Sequence[float]) -> tuple[float, float]:
    """p50 and p90; not a number when there are none."""
    return tuple(float(q) for q in np.percentile(values, [50, 90])) if len(values) else (float("nan"),) * 2
