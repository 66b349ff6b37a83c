"""Pictures to 40x40 patches: 160x120 pixels are four by three of them; and pictures as JPEG files, sent sparingly. No learned weights."""

import io
from collections.abc import Iterable, Iterator

import numpy as np
from PIL import Image

from duologue.turn import PICTURE_HEIGHT, PICTURE_WIDTH

PATCH = 40
LEVEL = 1 / 127.5  # of 256 in [-1, 1]; to be multiplied with: where a GPU is asked to divide by a number, it multiplies too
STILL = 25  # turns: the longest that a picture stands for those after it


def to_patches(image: np.ndarray) -> np.ndarray:
    """uint8 [120, 160, 3] to float32 [12, 40, 40, 3] in [-1, 1], in reading order."""
    if image.shape != (PICTURE_HEIGHT, PICTURE_WIDTH, 3) or image.dtype != np.uint8:
        raise ValueError(f"picture must be uint8 [{PICTURE_HEIGHT}, {PICTURE_WIDTH}, 3], got {image.dtype} {image.shape}")
    return cut(image).astype(np.float32) * LEVEL - 1


def cut(images: np.ndarray) -> np.ndarray:
    """[..., 120, 160, 3] to [..., 12, 40, 40, 3], values unchanged."""
    *lead, high, wide, colours = images.shape
    grid = images.reshape(*lead, high // PATCH, PATCH, wide // PATCH, PATCH, colours).swapaxes(-4, -3)
    return grid.reshape(*lead, (high // PATCH) * (wide // PATCH), PATCH, PATCH, colours)


def from_patches(patches: np.ndarray) -> np.ndarray:
    """The inverse of `to_patches`."""
    rows, columns = PICTURE_HEIGHT // PATCH, PICTURE_WIDTH // PATCH
    grid = patches.reshape(rows, columns, PATCH, PATCH, 3).swapaxes(1, 2)
    return np.rint((grid.reshape(PICTURE_HEIGHT, PICTURE_WIDTH, 3) + 1) * 127.5).astype(np.uint8)


def only_changed(images: Iterable[np.ndarray | None], least: float) -> Iterator[np.ndarray | None]:
    """Spares the line: a picture passes when it differs by `least` levels of 255 on average from the last that passed.

    Where nothing changes a picture still passes every STILL turns, for the model forgets. 0: every one.
    """
    last, since = None, 0
    for image in images:
        since += 1
        if image is not None and last is not None and since < STILL and difference(image, last) < least:
            yield None
            continue
        if image is not None:
            last, since = image, 0
        yield image


def difference(image: np.ndarray, other: np.ndarray) -> float:
    """Mean distance of two pictures in levels, 0 to 255."""
    return float(np.abs(image.astype(np.int16) - other).mean())


def to_jpeg(image: np.ndarray, quality: int) -> bytes:
    """A picture uint8 [H, W, 3] as the bytes of a JPEG file."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "jpeg", quality=quality)
    return file.getvalue()


def from_jpeg(data: bytes) -> np.ndarray:
    """The picture uint8 [H, W, 3] of a JPEG file."""
    return np.asarray(Image.open(io.BytesIO(data)))
