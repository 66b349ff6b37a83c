"""Shards of random turns, for tests of the training code."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from duologue.media.patches import to_jpeg
from duologue.turn import PICTURE_HEIGHT, PICTURE_WIDTH


def colour_of(turn: int) -> np.ndarray:
    """A turn's picture: grey, another one each turn, dark above and bright below."""
    image = np.full((PICTURE_HEIGHT, PICTURE_WIDTH, 3), turn % 64 * 2, np.uint8)
    image[PICTURE_HEIGHT // 3 :] += 100
    return image


def make_shard(path: Path, turns: int = 600, seed: int = 0, shown: float = 0.0) -> Path:
    """Random sound and tokens, with typed text now and then; this share of the turns has a picture of one colour."""
    rng = np.random.default_rng(seed)
    speak = np.repeat(rng.random(turns // 10) < 0.3, 10).astype(np.uint8)
    arrays = {name: rng.integers(60, 220, (turns, 10, 80)).astype(np.uint8) for name in ("user_mel", "own_mel")}
    for name in ("hear", "say", "text", "act"):
        arrays[name] = ((rng.random((turns, 2)) < 0.2) * rng.integers(10, 4000, (turns, 2))).astype(np.int16)
    arrays["shown"] = ((rng.random((turns, 2)) < 0.1) * rng.integers(10, 4000, (turns, 2))).astype(np.int16)
    letters = rng.integers(0, 1 << 27, (turns, 2)).astype(np.uint32)
    typed = np.zeros((turns, 8), np.int16)
    typed[5::50, :3] = 44
    arrays |= {"speak": speak, "important": speak, "missing": speak * 3, "typed": typed, "letters": letters}
    arrays["moved"] = rng.integers(0, 4, (turns, 3)).astype(np.uint8)
    arrays["beside"] = np.repeat(rng.integers(0, 2, -(-turns // 50)), 50)[:turns].astype(np.uint8)
    arrays["own_phones"], arrays["own_ahead"] = rng.integers(0, 42, (2, turns, 10)).astype(np.uint8)
    if shown:
        seen = rng.random(turns) < shown
        files = [to_jpeg(colour_of(k), 90) if seen[k] else b"" for k in range(turns)]
        arrays["jpeg"] = np.frombuffer(b"".join(files), np.uint8)
        arrays["jpeg_bytes"] = np.array([len(file) for file in files], np.uint16)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(arrays, path)
    return path
