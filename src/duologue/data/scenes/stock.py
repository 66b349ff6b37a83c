"""Pictures that others made: emoji in two styles, and photographs. Read `emoji` and `photographs` first.

OpenMoji 17.0.0 (CC-BY-SA-4.0) comes from the npm package `openmoji`, fetched into the cache on first use; Noto Color
Emoji (OFL-1.1) from Debian's fonts-noto-color-emoji; photographs from Debian's lomiri-wallpapers-16.04, -20.04 and
gnome-backgrounds, or from the folder that DUOLOGUE_PHOTOGRAPHS names.
"""

import io
import os
import tarfile
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from duologue.config import cache_dir
from duologue.data.npm import packed
from duologue.errors import DataError

STYLES = ("noto", "openmoji")
SIDE = 96  # pixels of an emoji
NOTO_FONT, NOTO_SIZE = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"), 109  # the one size that it holds
PACKAGE, SHA256 = "openmoji@17.0.0", "55ee7d13485dec86e9f38c1f3a645a13382d33ff97c0cd845ee824b0aef45e68"
WALLPAPERS = Path("/usr/share/backgrounds")
PHOTOGRAPH_SIZE = (320, 240)
PHOTOGRAPH_SUFFIXES = {".jpg", ".jpeg", ".webp", ".png"}


@cache
def emoji(style: str, code: str) -> Image.Image:
    """The emoji of a code point ("1F34E") as RGBA [SIDE, SIDE].

    Raises:
        DataError: the package that holds it is not there.
    """
    made = _noto(code) if style == "noto" else _openmoji(code)
    return made.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def _noto(code: str) -> Image.Image:
    if not NOTO_FONT.exists():
        raise DataError(f"no emoji font {NOTO_FONT}: apt install fonts-noto-color-emoji")
    font = ImageFont.truetype(str(NOTO_FONT), NOTO_SIZE)
    drawn = Image.new("RGBA", (160, 160))
    ImageDraw.Draw(drawn).text((80, 80), chr(int(code, 16)), font=font, embedded_color=True, anchor="mm")
    return _square(drawn)


def _openmoji(code: str) -> Image.Image:
    import resvg_py

    svg = (_openmoji_folder() / f"{code}.svg").read_text(encoding="utf-8")
    return _square(Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=192)))).convert("RGBA"))


def _square(drawn: Image.Image) -> Image.Image:
    """Cut down to what is drawn, in the middle of a square."""
    cut = drawn.crop(drawn.getbbox())
    side = max(cut.size)
    made = Image.new("RGBA", (side, side))
    made.paste(cut, ((side - cut.width) // 2, (side - cut.height) // 2))
    return made


@cache
def _openmoji_folder() -> Path:
    place = cache_dir() / "openmoji"
    if not (place / "svg").exists():
        place.mkdir(parents=True, exist_ok=True)
        _unpack(place)
    return place / "svg"


def _unpack(place: Path) -> None:
    """Fetches the package and keeps its coloured pictures; several processes may do so at once."""
    part = place / f"part{os.getpid()}"
    with tarfile.open(packed(PACKAGE, SHA256, place)) as tar:
        tar.extractall(part, [m for m in tar.getmembers() if m.name.startswith("package/color/svg/")], filter="data")
    try:
        (part / "package" / "color" / "svg").rename(place / "svg")
    except OSError:
        if not (place / "svg").exists():  # else another process was first
            raise


def photographs() -> dict[str, np.ndarray]:
    """Every photograph by its file's name, uint8 [240, 320, 3] each; shrunk once, then kept in the cache.

    Raises:
        DataError: there is none.
    """
    own = os.environ.get("DUOLOGUE_PHOTOGRAPHS")
    return _photographs(Path(own or WALLPAPERS), cache_dir() / f"photographs{'-own' if own else ''}.npz")


@cache
def _photographs(folder: Path, kept: Path) -> dict[str, np.ndarray]:
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in PHOTOGRAPH_SUFFIXES)
    if not files:
        raise DataError(
            f"no photographs in {folder}: apt install lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 gnome-backgrounds, "
            "or name a folder in DUOLOGUE_PHOTOGRAPHS"
        )
    found = dict(np.load(kept)) if kept.exists() else {}
    if set(found) != {p.name for p in files}:
        found = {p.name: _shrunk(p) for p in files}
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(f".{os.getpid()}.npz")
        np.savez(part, **found)
        part.replace(kept)
    return found


def _shrunk(path: Path) -> np.ndarray:
    """The middle of a photograph in the shape of the camera's picture."""
    with Image.open(path) as image:
        image.draft("RGB", (640, 480))
        plain = image.convert("RGB")
    wide, high = PHOTOGRAPH_SIZE
    scale = max(wide / plain.width, high / plain.height)
    grown = plain.resize((round(plain.width * scale + 0.5), round(plain.height * scale + 0.5)), Image.Resampling.LANCZOS)
    left, top = (grown.width - wide) // 2, (grown.height - high) // 2
    return np.asarray(grown.crop((left, top, left + wide, top + high)))
