"""Noise that is counted, not drawn: the same for one session, turn and lane, whoever else is there, on every machine.

Source: Philox, Salmon et al., SC 2011, as in numpy.
"""

import numpy as np


def noise_for(seed: int, turn: int, lane: int, count: int, *, uniform: bool = False) -> np.ndarray:
    """`count` numbers for one session, turn and lane: standard normal fp32, or uniform fp64 within (0, 1)."""
    rng = np.random.Generator(np.random.Philox(key=[seed, lane], counter=[0, 0, 0, turn]))
    return rng.uniform(1e-9, 1 - 1e-9, count) if uniform else rng.standard_normal(count, dtype=np.float32)
