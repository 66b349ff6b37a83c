"""What lies behind: plain, graded, patterned, cloudy grounds and leaves made from nothing, and photographs. Read `draw_ground` first.

A photograph is on one side of the split by its file's name, whatever is cut out of it.
"""

import zlib
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from duologue.data.scenes import stock
from duologue.errors import DataError

KINDS = {"train": ("plain", "graded", "stripes", "cloudy", "photograph", "leaves"), "test": ("checks", "cloudy", "photograph", "graded")}
WEIGHTS = {"train": (0.05, 0.1, 0.1, 0.15, 0.35, 0.25), "test": (0.2, 0.2, 0.5, 0.1)}
TEST_SHARE = 25  # percent of the photographs
LEAVES, LARGEST, SMALLEST = (20, 200), 0.7, 0.04  # how many; radii in shares of the height
MIRRORED, TURNED, MIXED, PALER = 0.5, 0.5, 0.3, (0.3, 1.2)  # shares of the photographs in training, and how much colour is left


class Ground(NamedTuple):
    """A ground by its recipe; equal ones look equal."""

    kind: str
    seed: int
    split: str


def draw_ground(rng: np.random.Generator, split: str) -> Ground:
    return Ground(str(rng.choice(KINDS[split], p=WEIGHTS[split])), int(rng.integers(1 << 31)), split)


def paint(ground: Ground, size: tuple[int, int]) -> Image.Image:
    """The ground as RGB of `size` (width, height)."""
    rng = np.random.default_rng(ground.seed)
    if ground.kind == "photograph":
        return _photograph(rng, ground.split, size) if ground.split == "test" else _varied(rng, size)
    if ground.kind == "leaves":
        return _leaves(rng, size)
    y, x = np.mgrid[0 : size[1], 0 : size[0]] / size[1]
    one = rng.uniform(30, 235, 3)
    two = np.clip(one + rng.uniform(-70, 70, 3), 10, 245)  # near each other: what is shown must stand out
    pattern = {"plain": _plain, "graded": _graded, "stripes": _stripes, "checks": _checks, "cloudy": _cloudy}
    share = pattern[ground.kind](rng, x, y)[..., None]
    return Image.fromarray((one + (two - one) * share).astype(np.uint8))


def _plain(rng, x, y) -> np.ndarray:
    return np.zeros(x.shape)


def _graded(rng, x, y) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    return (along - along.min()) / np.ptp(along)


def _stripes(rng, x, y) -> np.ndarray:
    angle, wide = rng.uniform(0, np.pi), rng.uniform(0.08, 0.3)
    return ((x * np.cos(angle) + y * np.sin(angle)) / wide % 1 > 0.5).astype(float)


def _checks(rng, x, y) -> np.ndarray:
    wide = rng.uniform(0.1, 0.3)
    return ((x // wide + y // wide) % 2).astype(float)


def _cloudy(rng, x, y) -> np.ndarray:
    """Noise of several sizes, as on walls, cloth and leaves."""
    total = np.zeros(x.shape)
    for cells in (3, 6, 12, 25):
        grid = Image.fromarray(rng.uniform(0, 255, (cells, cells + cells // 3)).astype(np.uint8))
        total += np.asarray(grid.resize(x.shape[::-1], Image.Resampling.BICUBIC), float) / 255 * 3 / cells
    return (total - total.min()) / np.ptp(total)


def _leaves(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """Patches of all sizes over one another, which have edges and contrasts as photographs do, and are no shape that has a name.

    Source: dead leaves, Lee, Mumford, Huang, Occlusion Models for Natural Images, IJCV 2001; as what to learn seeing from,
    Baradad et al., arXiv 2106.05963. Radii r have a density falling with r to the third.
    """
    palette = rng.uniform(20, 235, 3) + rng.normal(0, 1, (int(rng.integers(2, 8)), 3)) * rng.uniform(10, 80)
    image = Image.new("RGB", size, _near(palette[0], rng))
    draw, edges, angles = ImageDraw.Draw(image), int(rng.choice((4, 6, 9, 14))), rng.uniform(0.1, 0.6)
    for _ in range(rng.integers(*LEAVES)):
        share = rng.random()
        radius = (SMALLEST**-2 * (1 - share) + LARGEST**-2 * share) ** -0.5 * size[1]
        around = np.sort(rng.uniform(0, 2 * np.pi, edges))
        radii = radius * (1 + angles * rng.normal(size=edges))
        at = rng.uniform(0, 1, 2) * size + (np.stack([np.cos(around), np.sin(around)]) * radii).T
        draw.polygon([*map(tuple, at)], _near(palette[rng.integers(len(palette))], rng))
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 3)))


def _near(colour: np.ndarray, rng: np.random.Generator) -> tuple[int, int, int]:
    return tuple(int(c) for c in np.clip(colour + rng.normal(0, 12, 3), 0, 255))


def for_tests(name: str) -> bool:
    """Whether only tests see this file."""
    return zlib.crc32(name.encode()) % 100 < TEST_SHARE


def photograph_of(ground: Ground) -> str:
    """The file of a ground that is a photograph, "" for others."""
    return _drawn_photograph(np.random.default_rng(ground.seed), ground.split) if ground.kind == "photograph" else ""


def _drawn_photograph(rng: np.random.Generator, split: str) -> str:
    pictures = stock.photographs()
    names = sorted(name for name in pictures if for_tests(name) == (split == "test"))
    if not names:
        raise DataError(f"none of {len(pictures)} photographs is for {split} (a quarter is for tests, by name): add some")
    return names[rng.integers(len(names))]


def _varied(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """One for training: there are few, so each is mirrored, turned over, in other colours, or under another."""
    image = _photograph(rng, "train", size)
    if rng.random() < MIRRORED:
        image = ImageOps.mirror(image)
    if rng.random() < TURNED:
        image = ImageOps.flip(image)
    hsv = np.asarray(image.convert("HSV")).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + rng.uniform(0, 256)) % 256
    hsv[..., 1] *= rng.uniform(*PALER)
    image = Image.fromarray(np.clip(hsv, 0, 255).astype(np.uint8), "HSV").convert("RGB")
    return Image.blend(image, _photograph(rng, "train", size), rng.uniform(0.3, 0.7)) if rng.random() < MIXED else image


def _photograph(rng: np.random.Generator, split: str, size: tuple[int, int]) -> Image.Image:
    """A random part of a random photograph of the split, more or less dimmed."""
    image = Image.fromarray(stock.photographs()[_drawn_photograph(rng, split)])
    part = rng.uniform(0.45, 1.0)
    wide, high = part * image.width, part * image.height
    left, top = rng.uniform(0, image.width - wide), rng.uniform(0, image.height - high)
    cut = image.resize(size, Image.Resampling.BILINEAR, (left, top, left + wide, top + high))
    return Image.fromarray((np.asarray(cut) * rng.uniform(0.6, 1.0)).astype(np.uint8))
