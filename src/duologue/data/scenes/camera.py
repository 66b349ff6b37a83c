"""A camera: perspective, shake, blur, exposure, noise, lost pictures, and a screen that is filmed again. Read `Camera`, `photograph`.

Everything follows from the camera's seed and the time, so a scene shows the same whenever it is asked.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

from duologue.turn import PICTURE_HEIGHT, PICTURE_WIDTH, TURN_MS

SIZE = (PICTURE_WIDTH, PICTURE_HEIGHT)
CANVAS = (2 * PICTURE_WIDTH, 2 * PICTURE_HEIGHT)  # what is drawn, so that edges come out smooth


class Camera(NamedTuple):
    """How pictures come about; the defaults change nothing.

    Attributes:
        bend: how far each corner of the view lies inside the canvas, in shares of its size, [4][2] flat.
        shake: pixels of the picture.
        lost: share of the pictures that never arrive.
        each: a picture every so many turns.
        screen: whether the scene runs on a screen that is filmed again.
    """

    seed: int = 0
    bend: tuple[float, ...] = (0.0,) * 8
    shake: float = 0.0
    blur: float = 0.0
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gamma: float = 1.0
    noise: float = 0.0
    lost: float = 0.0
    each: int = 1
    screen: bool = False


def draw_camera(rng: np.random.Generator, screen: bool = False) -> Camera:
    """A camera at random: one in six is perfect, the others have some of everything."""
    seed = int(rng.integers(1 << 31))
    if rng.random() < 1 / 6:
        return Camera(seed, screen=screen)
    gain = rng.uniform(0.75, 1.2) * rng.uniform(0.93, 1.07, 3)
    return Camera(
        seed,
        tuple(rng.uniform(0, 0.07, 8)),
        float(rng.choice([0, 0.5, 1.5, 3.0])),
        float(rng.choice([0, 0, 0.5, 0.9])),
        tuple(gain),
        float(rng.uniform(0.8, 1.25)),
        float(rng.choice([0, 3, 8])),
        float(rng.choice([0, 0, 0.05, 0.15])),
        int(rng.choice([1, 1, 2])),
        screen,
    )


def photograph(camera: Camera, canvas: Image.Image, seconds: float) -> np.ndarray | None:
    """The canvas (RGB, CANVAS) as the camera sees it after so many seconds: uint8 [120, 160, 3], or None when it is lost."""
    number = int(seconds * 1000 / TURN_MS)
    if not arrives(camera, number):
        return None
    rng = np.random.default_rng([camera.seed, number])
    seen = _screen(camera, canvas, seconds) if camera.screen else canvas
    seen = seen.transform(SIZE, Image.Transform.PERSPECTIVE, _view(camera, seconds), Image.Resampling.BILINEAR)
    if camera.blur:
        seen = seen.filter(ImageFilter.GaussianBlur(camera.blur))
    light = np.asarray(seen.point(_exposure(camera)))
    if not camera.noise:
        return light
    return np.clip(light + rng.normal(0, camera.noise, light.shape), 0, 255).astype(np.uint8)


def _exposure(camera: Camera) -> list[int]:
    """What each level of red, green and blue becomes."""
    level = (np.arange(256) / 255) ** camera.gamma * 255
    return [int(x) for gain in camera.gain for x in np.clip(level * gain, 0, 255)]


def arrives(camera: Camera, number: int) -> bool:
    """Whether the picture of a turn (counted from the view's begin) comes through."""
    rng = np.random.default_rng([camera.seed, number, 2])
    return number % camera.each == 0 and rng.random() >= camera.lost


def seen_at(camera: Camera, event_s: float) -> float:
    """From when what happens at `event_s` can be seen, wherever the turns' borders lie: at once, or with the next pictures.

    A turn's picture may be older than the event, so the one after it must arrive too.
    """
    number = int(event_s * 1000 / TURN_MS + 1e-6)
    if arrives(camera, number) and arrives(camera, number + 1):
        return event_s
    later = next(n for n in range(number + 1, number + 1000) if arrives(camera, n))
    return later * TURN_MS / 1000


def _view(camera: Camera, seconds: float) -> list[float]:
    """Coefficients of the perspective from picture to canvas, the hand's shake included."""
    wide, high = CANVAS
    inside = np.array(camera.bend).reshape(4, 2) * CANVAS
    signs = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)])
    corners = np.array([(0, 0), (wide, 0), (wide, high), (0, high)]) + inside * signs
    seen = np.clip(corners + _shake(camera, seconds), 0, CANVAS)  # beyond the canvas there is nothing to be seen
    return coefficients(_corners(SIZE), seen)


def _shake(camera: Camera, seconds: float) -> np.ndarray:
    """Pixels of the canvas, x and y."""
    phases = np.random.default_rng(camera.seed).uniform(0, 2 * np.pi, (2, 3))
    sway = np.sin(2 * np.pi * seconds * np.array([0.4, 1.1, 2.3]) + phases) * np.array([0.6, 0.3, 0.2])
    return 2 * camera.shake * sway.sum(1)


def _corners(size: tuple[int, int]) -> np.ndarray:
    wide, high = size
    return np.array([(0, 0), (wide, 0), (wide, high), (0, high)], float)


def coefficients(of: np.ndarray, to: np.ndarray) -> list[float]:
    """The eight numbers that Pillow's PERSPECTIVE wants, so that the corners `of` the result read `to` in the source."""
    rows = []
    for (x, y), (u, v) in zip(of, to, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return list(np.linalg.solve(np.array(rows, float), to.ravel()))


class Screen(NamedTuple):
    """A screen in a room, all of it that does not change: what lies around, where the scene goes, factors and light."""

    room: Image.Image
    mask: Image.Image
    through: list[float]
    beats: np.ndarray  # float32 [H, W, 3], factors near one
    rolls: float  # pictures' heights a second
    light: np.ndarray  # float32 [H, W, 1]


def _screen(camera: Camera, canvas: Image.Image, seconds: float) -> Image.Image:
    """The canvas on a screen in a room: its frame, glare, the moire of its pixels, a band that rolls."""
    screen = _draw_screen(camera.seed)
    rows = np.arange(CANVAS[1], dtype=np.float32) / CANVAS[1]
    band = 0.05 * np.sin(2 * np.pi * (rows - screen.rolls * seconds)).astype(np.float32)[:, None, None]
    shown = Image.fromarray((np.asarray(canvas) * (screen.beats + band)).clip(0, 255).astype(np.uint8))
    room = screen.room.copy()
    room.paste(shown.transform(CANVAS, Image.Transform.PERSPECTIVE, screen.through, Image.Resampling.BILINEAR), (0, 0), screen.mask)
    return Image.fromarray((np.asarray(room) + screen.light).clip(0, 255).astype(np.uint8))


@lru_cache(16)
def _draw_screen(seed: int) -> Screen:
    rng = np.random.default_rng([seed, 1])
    wide, high = CANVAS
    room = Image.new("RGB", CANVAS, tuple(int(c) for c in rng.uniform(15, 120, 3)))
    inset = rng.uniform(0.03, 0.13, (4, 2)) * CANVAS * np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)])
    through = coefficients(_corners(CANVAS) + inset, _corners(CANVAS))
    beats, rolls = _moire(rng)
    mask = Image.new("L", CANVAS, 255).transform(CANVAS, Image.Transform.PERSPECTIVE, through)
    frame = mask.filter(ImageFilter.MaxFilter(2 * int(rng.integers(2, 7)) + 1))
    room.paste((18, 18, 20), (0, 0, wide, high), frame)
    return Screen(room, mask, through, beats, rolls, _glare(rng))


def _moire(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Beats of the screen's grid with the sensor's, a little apart for each colour; and how fast its band rolls."""
    wide, high = CANVAS
    y, x = np.mgrid[0:high, 0:wide]
    angle, period = rng.uniform(0, np.pi, 2), rng.uniform(9, 30, 2)
    waves = [
        np.sin(2 * np.pi * (x * np.cos(a) + y * np.sin(a)) / p + c) for c in range(3) for a, p in zip(angle, period, strict=True)
    ]
    beats, rolls = np.stack([waves[2 * c] + waves[2 * c + 1] for c in range(3)], -1), rng.uniform(0.2, 1.0)
    return (0.93 + rng.uniform(0.03, 0.09) * beats).astype(np.float32), float(rolls)


def _glare(rng: np.random.Generator) -> np.ndarray:
    """A lamp's reflection, soft and white."""
    wide, high = CANVAS
    y, x = np.mgrid[0:high, 0:wide]
    cx, cy, size = rng.uniform(0, wide), rng.uniform(0, high), rng.uniform(25, 70)
    light = rng.uniform(40, 150) * np.exp(-((x - cx) ** 2 + (1.7 * (y - cy)) ** 2) / (2 * size**2))
    return light[..., None].astype(np.float32)
