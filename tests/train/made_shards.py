"""A shard of random turns, for tests of the training code."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file


def make_shard(path: Path, turns: int = 600, seed: int = 0) -> Path:
    """Random sound and tokens, with typed text now and then."""
    rng = np.random.default_rng(seed)
    speak = np.repeat(rng.random(turns // 10) < 0.3, 10).astype(np.uint8)
    arrays = {name: rng.integers(60, 220, (turns, 10, 80)).astype(np.uint8) for name in ("user_mel", "own_mel")}
    for name in ("hear", "say", "text", "act"):
        arrays[name] = ((rng.random((turns, 2)) < 0.2) * rng.integers(10, 4000, (turns, 2))).astype(np.int16)
    letters = rng.integers(0, 1 << 27, (turns, 2)).astype(np.uint32)
    typed = np.zeros((turns, 8), np.int16)
    typed[5::50, :3] = 44
    arrays |= {"speak": speak, "important": speak, "missing": speak * 3, "typed": typed, "letters": letters}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(arrays, path)
    return path
