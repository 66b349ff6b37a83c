"""Pictures to 40x40 patches: 160x120 pixels are four by three of them. No learned weights."""

import numpy as np

from duologue.turn import PICTURE_HEIGHT, PICTURE_WIDTH

PATCH = 40


def to_patches(image: np.ndarray) -> np.ndarray:
    """uint8 [120, 160, 3] to float32 [12, 40, 40, 3] in [-1, 1], in reading order."""
    if image.shape != (PICTURE_HEIGHT, PICTURE_WIDTH, 3) or image.dtype != np.uint8:
        raise ValueError(f"picture must be uint8 [{PICTURE_HEIGHT}, {PICTURE_WIDTH}, 3], got {image.dtype} {image.shape}")
    grid = image.reshape(PICTURE_HEIGHT // PATCH, PATCH, PICTURE_WIDTH // PATCH, PATCH, 3).swapaxes(1, 2)
    return (grid.reshape(-1, PATCH, PATCH, 3).astype(np.float32) / 127.5) - 1


def from_patches(patches: np.ndarray) -> np.ndarray:
    """The inverse of `to_patches`."""
    rows, columns = PICTURE_HEIGHT // PATCH, PICTURE_WIDTH // PATCH
    grid = patches.reshape(rows, columns, PATCH, PATCH, 3).swapaxes(1, 2)
    return np.rint((grid.reshape(PICTURE_HEIGHT, PICTURE_WIDTH, 3) + 1) * 127.5).astype(np.uint8)
