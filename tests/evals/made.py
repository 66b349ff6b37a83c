"""Outcomes and scripts made by hand for the scorers' tests."""

import numpy as np

from duologue.evals.outcome import Outcome, sounding
from duologue.turn import SAMPLE_RATE_HZ


def outcome(*spans: tuple[float, float], said: str = "", at_s: float | None = None, length_s: float = 30.0) -> Outcome:
    """A tone in each span; `said` is written where the first begins."""
    sound_S = np.zeros(int(length_s * SAMPLE_RATE_HZ), np.float32)
    for begin_s, end_s in spans:
        begin, end = round(begin_s * SAMPLE_RATE_HZ), round(end_s * SAMPLE_RATE_HZ)
        sound_S[begin:end] = 0.1 * np.sin(0.2 * np.arange(end - begin))
    when_s = spans[0][0] if at_s is None and spans else at_s or 0.0
    return Outcome(sound_S, sounding(sound_S), [(when_s + 0.2 * i, word) for i, word in enumerate(said.split())])
