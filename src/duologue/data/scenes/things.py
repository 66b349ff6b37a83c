"""Things that can be shown: shapes, digits, written words, emoji, hands with fingers. Read `sprite` first."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from duologue.data.scenes import stock

COLOURS = {
    "red": (214, 38, 38), "blue": (35, 85, 215), "green": (35, 150, 60), "yellow": (248, 215, 40),
    "orange": (248, 135, 20), "purple": (130, 45, 165), "pink": (248, 150, 195), "brown": (115, 70, 38),
    "black": (24, 24, 26), "white": (246, 246, 246), "grey": (128, 128, 130),
}  # fmt: skip
EMOJI = {
    "apple": "1F34E", "banana": "1F34C", "lemon": "1F34B", "cherry": "1F352", "strawberry": "1F353", "pear": "1F350",
    "bread": "1F35E", "cheese": "1F9C0", "pizza": "1F355", "cake": "1F370", "cookie": "1F36A", "carrot": "1F955",
    "corn": "1F33D", "mushroom": "1F344", "dog": "1F415", "cat": "1F408", "mouse": "1F401", "cow": "1F404",
    "pig": "1F416", "sheep": "1F411", "horse": "1F40E", "duck": "1F986", "frog": "1F438", "bee": "1F41D",
    "fish": "1F41F", "whale": "1F433", "snake": "1F40D", "turtle": "1F422", "elephant": "1F418", "lion": "1F981",
    "tiger": "1F405", "monkey": "1F412", "rabbit": "1F407", "bear": "1F43B", "owl": "1F989", "butterfly": "1F98B",
    "car": "1F697", "bus": "1F68C", "bicycle": "1F6B2", "rocket": "1F680", "house": "1F3E0", "tree": "1F333",
    "flower": "1F33C", "snowman": "26C4", "umbrella": "1F302", "key": "1F511", "phone": "1F4F1", "camera": "1F4F7",
    "guitar": "1F3B8", "drum": "1F941", "hat": "1F3A9", "shoe": "1F45E", "shirt": "1F455", "glasses": "1F453",
    "crown": "1F451", "hammer": "1F528", "cup": "2615", "spoon": "1F944", "knife": "1F52A", "book": "1F4D5",
}  # fmt: skip
SHAPES = ("circle", "ball", "square", "triangle", "star", "heart", "cross", "diamond", "moon", "arrow", "ring")
SKIN = ((244, 208, 177), (224, 172, 125), (198, 134, 90), (141, 85, 54), (90, 56, 37))
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSansMono-Bold", "STIXGeneral")
TRAINING_FONTS = ("DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSerif-Italic", "STIXGeneralBol", "STIXGeneralItalic", "cmr10", "cmb10", "cmss10", "cmtt10")  # looks of training alone
OVERSAMPLED = 3
TRAINING_LOOKS = 1000
BENT, HUE, PALE_TO_BRIGHT = 0.12, 0.06, ((0.2, 0.7), (1.3, 1.15))  # how far a drawing's corners, colours, saturation and light go astray


class Thing(NamedTuple):
    """Something to show.

    kind: "shape" (`name` of SHAPES), "blob" (a shape without a name), "text" (`name` is what is written), "emoji" (`name` of EMOJI,
    `look` its style), "drawing" (`name` is any emoji's code point) or "hand" (`name` is how many fingers are up, `look` the skin).
    `colour` is a name of COLOURS, "" where there is none; `look` chooses among fonts, styles, skins and shades.
    """

    kind: str
    name: str
    colour: str = ""
    look: int = 0

    @property
    def style(self) -> str:
        """Of an emoji or a drawing: who drew it. Looks from TRAINING_LOOKS on are of training alone."""
        if self.kind == "drawing":
            styles = stock.styles_of(self.name)
        else:
            styles = stock.STYLES if self.look < TRAINING_LOOKS else stock.TRAINING_STYLES
        return styles[self.look % len(styles)]


@lru_cache(512)
def sprite(thing: Thing, size: int) -> Image.Image:
    """The thing as an RGBA picture `size` pixels high (and wide; written words are wider)."""
    if thing.kind in ("emoji", "drawing"):
        drawn = stock.emoji(thing.style, EMOJI.get(thing.name, thing.name)).resize((size, size), Image.Resampling.LANCZOS)
        return drawn if thing.look < TRAINING_LOOKS else _redrawn(drawn, thing.look)
    big = size * OVERSAMPLED
    drawn = {"shape": _shape, "blob": _blob, "text": _text, "hand": _hand}[thing.kind](thing, big)
    return drawn.resize((max(1, drawn.width // OVERSAMPLED), size), Image.Resampling.LANCZOS)


def _redrawn(drawn: Image.Image, look: int) -> Image.Image:
    """As another hand might have drawn it: bent, perhaps mirrored, in other colours."""
    rng = np.random.default_rng(look)
    corners = np.array([(0, 0), (0, 1), (1, 1), (1, 0)]) + rng.uniform(-BENT, BENT, (4, 2))
    quad = corners[:: rng.choice((1, -1))] * drawn.width
    bent = drawn.transform(drawn.size, Image.Transform.QUAD, tuple(quad.ravel()), Image.Resampling.BILINEAR)
    hsv = np.asarray(bent.convert("RGB").convert("HSV")).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + 256 * rng.normal(0, HUE)) % 256
    hsv[..., 1:] *= rng.uniform(*PALE_TO_BRIGHT)
    made = Image.fromarray(np.clip(hsv, 0, 255).astype(np.uint8), "HSV").convert("RGB")
    made.putalpha(bent.getchannel("A"))
    return made


def shade(colour: str, look: int) -> tuple[int, int, int]:
    """A colour as it comes, a little different for each look; "" is any at all."""
    rng = np.random.default_rng([look, len(colour)])
    if not colour:
        return tuple(int(c) for c in rng.integers(256, size=3))
    return tuple(int(c) for c in np.clip(np.array(COLOURS[colour]) * rng.uniform(0.88, 1.08) + rng.uniform(-9, 9, 3), 0, 255))


def nearest(shade: tuple[int, int, int]) -> str:
    """The name of the colour that is most like it."""
    return min(COLOURS, key=lambda name: float(np.square(np.subtract(COLOURS[name], shade)).sum()))


def _shape(thing: Thing, size: int) -> Image.Image:
    image = Image.new("RGBA", (size, size))
    draw, fill = ImageDraw.Draw(image), shade(thing.colour, thing.look)
    box = (0.04 * size, 0.04 * size, 0.96 * size, 0.96 * size)
    outline, line = _edge(fill) if thing.look % 4 else None, max(1, size // 24)
    if thing.name in ("circle", "ball"):
        draw.ellipse(box, fill, outline, line)
    elif thing.name == "ring":
        draw.ellipse(box, None, fill, size // 6)
    else:
        draw.polygon([((x * 0.46 + 0.5) * size, (y * 0.46 + 0.5) * size) for x, y in _corners(thing.name)], fill, outline, line)
    return _shaded(image) if thing.name == "ball" else image


def _blob(thing: Thing, size: int) -> Image.Image:
    """Something round or jagged that is nothing in particular."""
    rng, image = np.random.default_rng([thing.look, 7]), Image.new("RGBA", (size, size))
    around = np.linspace(0, 2 * np.pi, int(rng.choice((3, 4, 5, 7, 40))), endpoint=False) + rng.uniform(0, 2 * np.pi)
    waves = [rng.uniform(0, 0.35) * np.sin(k * around + rng.uniform(0, 2 * np.pi)) for k in (1, 2, 3)]
    radii = 1 + np.sum(waves, 0) + rng.uniform(0, 0.25) * rng.normal(size=len(around))
    corners = np.stack([radii * np.cos(around), radii * np.sin(around)], 1)
    corners = (corners - corners.min(0)) / np.ptp(corners, 0) * 0.92 + 0.04
    fill = shade(thing.colour, thing.look)
    ImageDraw.Draw(image).polygon([tuple(at) for at in corners * size], fill, _edge(fill) if thing.look % 4 else None, max(1, size // 24))
    return image


def _edge(fill: tuple[int, int, int]) -> tuple[int, int, int]:
    """A border against which the colour stands out, whatever lies behind."""
    return (250, 250, 250) if sum(fill) < 330 else (20, 20, 24)


def _shaded(image: Image.Image) -> Image.Image:
    """A disc made round: bright towards the upper left, dark at the rim."""
    size = image.width
    y, x = np.mgrid[0:size, 0:size] / size
    light = np.clip(1.35 - 1.5 * np.hypot(x - 0.35, y - 0.32), 0.35, 1.35)[..., None]
    shine = 190 * np.exp(-(((x - 0.34) ** 2 + (y - 0.3) ** 2) / 0.006))[..., None]
    rgba = np.asarray(image).astype(float)
    rgba[..., :3] = np.clip(rgba[..., :3] * light + shine, 0, 255)
    return Image.fromarray(rgba.astype(np.uint8), "RGBA")


def _corners(name: str) -> list[tuple[float, float]]:
    """Polygon in [-1, 1], y downwards."""
    around = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    if name == "star":
        radii = [1.0, 0.42] * 5
        return [(r * np.sin(k * np.pi / 5), -r * np.cos(k * np.pi / 5)) for k, r in enumerate(radii)]
    if name == "heart":
        x = 16 * np.sin(around) ** 3
        y = 13 * np.cos(around) - 5 * np.cos(2 * around) - 2 * np.cos(3 * around) - np.cos(4 * around)
        return list(zip(x / 16, -(y + 2.5) / 16, strict=True))
    if name == "moon":
        out = [(np.cos(a), np.sin(a)) for a in np.linspace(0.9, 2 * np.pi - 0.9, 40)]
        back = [(0.45 + 0.8 * np.cos(a), 0.8 * np.sin(a)) for a in np.linspace(2 * np.pi - 1.35, 1.35, 40)]
        return [(x - 0.1, y) for x, y in out + back]
    return {
        "square": [(-0.95, -0.95), (0.95, -0.95), (0.95, 0.95), (-0.95, 0.95)],
        "triangle": [(0, -1), (1, 0.85), (-1, 0.85)],
        "diamond": [(0, -1), (0.72, 0), (0, 1), (-0.72, 0)],
        "cross": [(-0.33, -1), (0.33, -1), (0.33, -0.33), (1, -0.33), (1, 0.33), (0.33, 0.33), (0.33, 1), (-0.33, 1),
                  (-0.33, 0.33), (-1, 0.33), (-1, -0.33), (-0.33, -0.33)],
        "arrow": [(1, 0), (0.2, -0.8), (0.2, -0.32), (-1, -0.32), (-1, 0.32), (0.2, 0.32), (0.2, 0.8)],
    }[name]  # fmt: skip


def font_of(thing: Thing) -> str:
    """What a text is written in. Looks from TRAINING_LOOKS on are of training alone."""
    fonts = FONTS if thing.look < TRAINING_LOOKS else TRAINING_FONTS
    return fonts[thing.look % len(fonts)]


def _text(thing: Thing, size: int) -> Image.Image:
    """Written or printed, on a card in one look of two."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{font_of(thing)}.ttf"
    font = ImageFont.truetype(str(path), int(size * 0.72))
    left, top, right, bottom = font.getbbox(thing.name)
    wide = max(right - left + size // 3, size // 2)
    card = thing.look % 2 == 0
    ground = (250, 248, 240) if thing.colour not in ("white", "yellow", "pink") else (40, 44, 60)
    image = Image.new("RGBA", (wide, size), (*ground, 255) if card else (0, 0, 0, 0))
    at = ((wide - (right - left)) // 2 - left, (size - (bottom - top)) // 2 - top)
    fill = shade(thing.colour, thing.look)
    stroke = 0 if card else size // 24
    ImageDraw.Draw(image).text(at, thing.name, fill, font, stroke_width=stroke, stroke_fill=_edge(fill))
    return image


def _hand(thing: Thing, size: int) -> Image.Image:
    """A palm with so many fingers up: the index first, the thumb last."""
    image = Image.new("RGBA", (size, size))
    draw, skin = ImageDraw.Draw(image), SKIN[thing.look % len(SKIN)]
    up = int(thing.name)
    dark = tuple(int(0.75 * c) for c in skin)
    for k, (x, length) in enumerate(((0.42, 0.36), (0.54, 0.4), (0.66, 0.36), (0.77, 0.28))):
        tip = 0.5 - length if k < up else 0.46
        _limb(draw, size, ((x, 0.6), (x + 0.02 * (k - 1), tip)), 0.1, skin if k < up else dark)
    thumb = (0.1, 0.42) if up == 5 else (0.42, 0.72)
    draw.rounded_rectangle([0.35 * size, 0.48 * size, 0.84 * size, 0.86 * size], 0.12 * size, skin)
    _limb(draw, size, ((0.4, 0.7), thumb), 0.11, skin if up == 5 else dark)
    draw.rectangle([0.44 * size, 0.84 * size, 0.74 * size, size], fill=skin)
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if thing.look % 2 else image


def _limb(draw: ImageDraw.ImageDraw, size: int, ends, width: float, fill) -> None:
    """A thick line with round ends, in shares of `size`."""
    points = [(x * size, y * size) for x, y in ends]
    draw.line(points, fill, int(width * size))
    for x, y in points:
        r = width * size / 2
        draw.ellipse((x - r, y - r, x + r, y + r), fill)
