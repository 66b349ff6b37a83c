"""English that actors spoke, with its texts: some 6,400 lines of a game that Debian packages. Read `extract`.

Source: Flight of the Amazon Queen (John Passfield and Steven Stamatiadis, 1995), whose licence lets it be given away and changed.
How its one file is laid out is known from ScummVM's engine (engines/queen). A line is spoken in parts, cut at stage directions of
two letters behind a star, and every part is a sound of its own: "0600241P2" is the second part of line 0x0024 of dialogue 6.
"""

import re
import struct
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from duologue.config import cache_dir
from duologue.data.debian import unpacked
from duologue.errors import DataError, writing

PACKAGE, FILE = "flight-of-the-amazon-queen", "queen.1c"
TABLE, ENTRY = 13, struct.Struct(">12sBII")  # where the count of entries stands; name, bundle, offset, bytes
BANK = 20  # bytes in front of a dialogue or a scene
DIALOGUE, CHOICES = 32, 96  # bytes of a dialogue's head and of each of its levels
HERO = "joe"
REMARKS, FIRST_REPLY, REPLIES = 720, 1187, 40  # lines of QUEEN2.JAS: what he says of things; the first of what he says to commands
SOUND, FIRST = ".SB", ("0000", "SSSS")  # the first line of a dialogue is 0 in the text and SSSS in the sounds


class Part(NamedTuple):
    """What is in one sound, `stem` its name."""

    stem: str
    speaker: str
    text: str


def extract(folder: Path | None = None) -> tuple[Path, int]:
    """The game fetched with apt, each of its lines a sound with a .txt beside it in its speaker's folder: that folder, and how many.

    Raises DataError where there is no apt, for another game, and on a full disk.
    """
    place = folder or home()
    archive = Archive(next(unpacked([PACKAGE], cache_dir() / "games" / PACKAGE).rglob(FILE)))
    found = [part for part in parts(archive) if part.stem + SOUND in archive.places and sayable(part.text)]
    with writing(place):
        for part in found:
            theirs = place / part.speaker
            theirs.mkdir(parents=True, exist_ok=True)
            (theirs / f"{part.stem}.mp3").write_bytes(archive.read(part.stem + SOUND))
            (theirs / f"{part.stem}.txt").write_text(part.text + "\n", encoding="utf-8")
    return place, len(found)


def home() -> Path:
    """Where they lie unless told otherwise."""
    return cache_dir() / "actors"


class Archive:
    """The game's file: everything by name."""

    def __init__(self, path: Path):
        self.data = path.read_bytes()
        if self.data[:4] != b"QTBL":
            raise DataError(f"{path} is not {PACKAGE}'s; it begins with {self.data[:4]!r} instead of b'QTBL'")
        (count,) = struct.unpack_from(">H", self.data, TABLE)
        table = ENTRY.iter_unpack(self.data[TABLE + 2 :][: count * ENTRY.size])
        self.places = {name.split(b"\0")[0].decode("latin1"): slice(begin, begin + size) for name, _, begin, size in table}

    def read(self, name: str) -> bytes:
        return self.data[self.places[name]]

    def ending(self, suffix: str) -> Iterator[tuple[str, bytes]]:
        """Stem and bytes of all that end so."""
        return ((name.removesuffix(suffix), self.read(name)) for name in sorted(self.places) if name.endswith(suffix))


def parts(archive: Archive) -> Iterator[Part]:
    """All that is spoken: dialogues, scenes, and what the hero says of things and to commands."""
    remarks = archive.read("QUEEN2.JAS").decode("latin1").split("\r\n") if "QUEEN2.JAS" in archive.places else []
    return chain(
        chain.from_iterable(_dialogue(*found) for found in archive.ending(".DOG")),
        chain.from_iterable(_scene(*found) for found in archive.ending(".CUT")),
        _remarks(remarks[FIRST_REPLY : FIRST_REPLY + REPLIES], 1),
        _remarks(remarks[:REMARKS], 1 + REPLIES),
    )


def sayable(text: str) -> bool:
    """False for what no dictionary has: "<CRUNCH>", "Aaargh!"."""
    return not re.search(r"(?i)[<>]|([a-z])\1\1", text) and bool(re.search(r"[A-Za-z]{2}", text))


def _spoken(stem: str, speaker: str, line: str) -> Iterator[Part]:
    texts = (text.strip() for text in re.split(r"\*..", line))
    return (Part(f"{stem}{n}", speaker, text) for n, text in enumerate(texts, 1) if text)


def _dialogue(name: str, data: bytes) -> Iterator[Part]:
    """The hero's lines, then the other's, each with its number."""
    levels, _, key, hero, other = struct.unpack_from(">5h", data, BANK)
    (others,) = struct.unpack_from(">H", data, BANK + 22)
    speaker = name.rstrip("0123456789").lower()
    for side, who, at, count in (("J", HERO, DIALOGUE + CHOICES * abs(levels), hero), ("P", speaker, others, other)):
        at += BANK
        for _ in range(count):
            (number,) = struct.unpack_from(">H", data, at + 2)
            line, at = _string(data, at + 4, 4)
            digits = f"{number:04X}"
            for stem in FIRST if digits in FIRST else (digits,):
                yield from _spoken(f"{key:02d}{stem}{side}", who, line)


def _scene(name: str, data: bytes) -> Iterator[Part]:
    """Lines of whoever is there: a speaker to itself, for it is not said who."""
    at, end = (BANK + offset for offset in struct.unpack_from(">2H", data, BANK + 8))
    number = 0
    while at < min(end, len(data)):
        line, at = _string(data, at, 2)
        yield from _spoken(f"{name.ljust(5, '_')}{number:02d}", name.lower(), line)
        number += 1


def _remarks(lines: list[str], first: int) -> Iterator[Part]:
    return chain.from_iterable(_spoken(f"JOE{number:04d}", HERO, line) for number, line in enumerate(lines, first))


def _string(data: bytes, at: int, align: int) -> tuple[str, int]:
    """A string behind its length, and where the next thing begins: after one that is not empty, at a multiple of `align`."""
    end = at + 1 + data[at]
    return data[at + 1 : end].decode("latin1"), end + (-(end - BANK) % align if data[at] else 0)
