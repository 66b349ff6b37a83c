"""Numbers with what they are worth: shares with Wilson's 95 % interval, everything else with a bootstrap over cases.

`Figure` is what the suites give: read it and `of_sums` first.
"""

from collections.abc import Callable, Sequence
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


class Figure(NamedTuple):
    """A number with its 95 % interval and the number of cases it stands on; None where there are none."""

    value: float | None
    low: float | None
    high: float | None
    cases: int
    unit: str = "%"


def share(hits: Sequence[bool]) -> Figure:
    """How many of them, in percent, with Wilson's interval."""
    if not len(hits):
        return Figure(None, None, None, 0)
    return _figure(*rate(sum(map(bool, hits)), len(hits)), "%")


def of_sums(counts_NK: Sequence[Sequence[float]], statistic: Callable[..., np.ndarray | float], unit: str = "%") -> Figure:
    """A figure that follows from K counts summed over N cases (a ratio, F1, so many a minute), by resampling the cases.

    Args:
        statistic: takes the K sums as arrays of any one shape; not a number where it is not defined.
    """
    table_NK = np.asarray(counts_NK, float)
    if not len(table_NK):
        return Figure(None, None, None, 0, unit)
    picked_RN = np.random.default_rng(0).integers(len(table_NK), size=(RESAMPLES, len(table_NK)))
    with np.errstate(invalid="ignore", divide="ignore"):
        value = float(np.asarray(statistic(*table_NK.sum(0))))
        found_R = np.asarray(statistic(*table_NK[picked_RN].sum(1).T), float)
    return _bounded(value, found_R, len(table_NK), unit)


def points(first: Sequence[bool], then: Sequence[bool]) -> Figure:
    """Points of percent by which `then` is better than `first` on the same cases, by resampling them."""
    gains = [(float(b) - float(a), 1) for a, b in zip(first, then, strict=True)]
    return of_sums(gains, lambda gain, cases: 100 * gain / cases, "points")


def quantile(values: Sequence[float], percent: float = 50, unit: str = "s") -> Figure:
    """A percentile of some values (the median), by resampling them."""
    if not len(values):
        return Figure(None, None, None, 0, unit)
    values_N = np.asarray(values, float)
    picked_RN = np.random.default_rng(0).integers(len(values_N), size=(RESAMPLES, len(values_N)))
    found_R = np.percentile(values_N[picked_RN], percent, axis=1)
    return _bounded(float(np.percentile(values_N, percent)), found_R, len(values_N), unit)


def mean(values: Sequence[float], unit: str = "s") -> Figure:
    """The mean of some values, by resampling them."""
    return of_sums([(value, 1) for value in values], lambda total, count: total / count, unit)


def _bounded(value: float, found_R: np.ndarray, cases: int, unit: str) -> Figure:
    there = found_R[np.isfinite(found_R)]
    if not np.isfinite(value) or not len(there):
        return Figure(None, None, None, cases, unit)
    return _figure(value, *np.percentile(there, [2.5, 97.5]), cases, unit)


def _figure(value: float, low: float, high: float, cases: int, unit: str) -> Figure:
    return Figure(*(round(float(number), 4) for number in (value, low, high)), cases, unit)
