"""Pictures that others made: emoji in nine styles, and photographs. Read `emoji` and `photographs` first.

OpenMoji 17.0.0 (CC-BY-SA-4.0), Twemoji 15.0.0 (CC-BY-4.0) and Fluent Emoji (MIT) come from the npm packages `openmoji`,
`@twemoji/svg` and `fluentui-emoji`, Fluent Emoji shaded (MIT), Emoji One in two editions (CC-BY-4.0, CC-BY-SA-4.0), Firefox OS's
(Apache-2.0) and Streamline's (CC-BY-4.0) from `@iconify-json/*`, fetched into the cache on first use; Noto Color Emoji (OFL-1.1) from Debian's
fonts-noto-color-emoji; photographs from Debian's lomiri-wallpapers-16.04, -20.04 and gnome-backgrounds, or from the
folder that DUOLOGUE_PHOTOGRAPHS names.
"""

import io
import json
import os
import tarfile
import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from duologue.config import cache_dir
from duologue.data.npm import packed
from duologue.errors import DataError

STYLES = ("noto", "openmoji")  # of which tests have some pictures to themselves
TRAINING_STYLES = ("twemoji", "fluent", "emojione", "emojione-v1", "fxemoji", "streamline", "fluent-shaded")  # of training alone: one drawing of a lion does not teach what a lion is
SIDE = 96  # pixels of an emoji
NOTO_FONT, NOTO_SIZE = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"), 109  # the one size that it holds
OTHER_NAMES = {
    "1F33D": ("ear-of-corn",), "1F411": ("ewe",), "1F52A": ("kitchen-knife",), "1F355": ("pizza", "pizza-1"), "1F3E0": ("house",), "1F941": ("drum",),
    "1F453": ("glasses", "glasses-1"), "1F45E": ("mensshoe",), "1F455": ("mansshirt",), "1F4F1": ("cellphone",), "1F433": ("whale", "spoutingwhale"),
}  # than Unicode's, with or without "face", with or without hyphens
ALL_EMOJI = (range(0x1F300, 0x1F3FB), range(0x1F400, 0x1F53E), range(0x1F680, 0x1F700), range(0x1F900, 0x1FA00), range(0x1FA70, 0x1FB00))  # nearly
COMPLETE = "emojione"  # has what another style lacks
WALLPAPERS = Path("/usr/share/backgrounds")
PHOTOGRAPH_SIZE = (320, 240)
PHOTOGRAPH_SUFFIXES = {".jpg", ".jpeg", ".webp", ".png"}


class Drawings(NamedTuple):
    """An npm package of SVG files, and the folder in it where they lie, or one file of them all as Iconify has them."""

    package: str
    sha256: str
    inside: str


PACKAGES = {
    "openmoji": Drawings("openmoji@17.0.0", "55ee7d13485dec86e9f38c1f3a645a13382d33ff97c0cd845ee824b0aef45e68", "package/color/svg"),
    "twemoji": Drawings("@twemoji/svg@15.0.0", "1d2907557a422c7c4e3feca50ef915c39da1db3d76b4a4d7e73fb59bce4403c3", "package"),
    "fluent": Drawings("fluentui-emoji@1.3.0", "ec892e607e854859b812c7d827801756adc19955b0ef56d4ae8afcddd19492c5", "package/icons/flat"),
    "emojione": Drawings("@iconify-json/emojione@1.2.3", "26a14f44284407e8bcde91799388dca2bfd91dbcd55a97f425524a1c5b73610e", "package/icons.json"),
    "emojione-v1": Drawings("@iconify-json/emojione-v1@1.2.3", "6641d59d48a42823fdc2b84e7427e9f302944eb98d2c7d94d6e67c139e7b37b3", "package/icons.json"),
    "fxemoji": Drawings("@iconify-json/fxemoji@1.2.2", "f3e72b3c59d05e1db03b7e308d55c0d05bd7ba3f625a90da1b79313c12858eef", "package/icons.json"),
    "streamline": Drawings("@iconify-json/streamline-emojis@1.2.4", "5dac87c876b322500989828c5823143e0100d78881627a2e4081a4b897cbfdbc", "package/icons.json"),
    "fluent-shaded": Drawings("@iconify-json/fluent-emoji@1.2.7", "8044210dbf11e016d4de85f15d01a243423bd832457e7e2491df1b751c0e272b", "package/icons.json"),
}


@cache
def emoji(style: str, code: str) -> Image.Image:
    """The emoji of a code point ("1F34E") as RGBA [SIDE, SIDE].

    Raises:
        DataError: the package that holds it is not there.
    """
    made = _noto(code) if style == "noto" else _drawn(style, code)
    return made.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


@cache
def styles_of(code: str) -> tuple[str, ...]:
    """Who drew the emoji of a code point, Noto left out. Raises DataError when the packages are not there."""
    return tuple(style for style in PACKAGES if _file(style, code))


def _noto(code: str) -> Image.Image:
    if not NOTO_FONT.exists():
        raise DataError(f"no emoji font {NOTO_FONT}: apt install fonts-noto-color-emoji")
    font = ImageFont.truetype(str(NOTO_FONT), NOTO_SIZE)
    drawn = Image.new("RGBA", (160, 160))
    ImageDraw.Draw(drawn).text((80, 80), chr(int(code, 16)), font=font, embedded_color=True, anchor="mm")
    return _square(drawn)


def _drawn(style: str, code: str) -> Image.Image:
    try:
        import resvg_py
    except ModuleNotFoundError:
        raise DataError("no resvg_py, which draws emoji: pip install 'duologue[synth]'") from None
    svg = (_file(style, code) or _file(COMPLETE, code) or drawings(style) / code).read_text(encoding="utf-8")
    return _square(Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=192)))).convert("RGBA"))


def _file(style: str, code: str) -> Path | None:
    """Where a style has it: by its code point, or by a name."""
    named = unicodedata.name(chr(int(code, 16)), "nothing").lower().replace(" ", "-")
    known = (code, code.lower(), *OTHER_NAMES.get(code, ()), named, named.removesuffix("-face"), named.replace("-", ""))
    return next((path for name in known if (path := drawings(style) / f"{name}.svg").exists()), None)


def _square(drawn: Image.Image) -> Image.Image:
    """Cut down to what is drawn, in the middle of a square."""
    cut = drawn.crop(drawn.getbbox())
    side = max(cut.size)
    made = Image.new("RGBA", (side, side))
    made.paste(cut, ((side - cut.width) // 2, (side - cut.height) // 2))
    return made


@cache
def drawings(style: str) -> Path:
    """The folder of a style's SVG files, in the cache; filled from its package on first use."""
    place = cache_dir() / style
    if not (place / "svg").exists():
        place.mkdir(parents=True, exist_ok=True)
        _unpack(PACKAGES[style], place)
    return place / "svg"


def _unpack(drawn: Drawings, place: Path) -> None:
    """Fetches the package and keeps its pictures; several processes may do so at once."""
    part = place / f"part{os.getpid()}"
    with tarfile.open(packed(drawn.package, drawn.sha256, place)) as tar:
        wanted = [m for m in tar.getmembers() if m.name == drawn.inside or (m.name.startswith(f"{drawn.inside}/") and m.name.endswith(".svg"))]
        tar.extractall(part, wanted, filter="data")
    made = part / drawn.inside
    try:
        (_each(made) if made.suffix == ".json" else made).rename(place / "svg")
    except OSError:
        if not (place / "svg").exists():  # else another process was first
            raise


def _each(icons: Path) -> Path:
    """A folder with a file for each of Iconify's icons."""
    found, folder = json.loads(icons.read_text(encoding="utf-8")), icons.with_suffix("")
    folder.mkdir()
    for name, icon in found["icons"].items():
        size = f"0 0 {icon.get('width', found.get('width', 16))} {icon.get('height', found.get('height', 16))}"
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{size}">{icon["body"]}</svg>'
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    return folder


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
