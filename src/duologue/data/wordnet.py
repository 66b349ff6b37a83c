"""WordNet 3.0 (Debian package wordnet-base), read where it lies: entries, forms, uses, and the names among them. Read `entries` first.

Source of the layout: wndb(5WN), lexnames(5WN) and senseidx(5WN).
"""

import re
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import NamedTuple

from duologue.errors import DataError

FOLDER = Path("/usr/share/wordnet")
PARTS = ("noun", "verb", "adj", "adv")
PERSON, PLACE = 18, 15  # numbers of lexicographer files, which tell what kind of thing an entry is
_PART_OF_TYPE = {"1": "noun", "2": "verb", "3": "adj", "4": "adv", "5": "adj"}


class Entry(NamedTuple):
    """One meaning and the words that have it, as they are written. `kind` is the number of its lexicographer file."""

    kind: int
    words: tuple[str, ...]
    links: tuple[tuple[str, str], ...]  # what sort of pointer, and to which entry
    frames: frozenset[int]  # sentence frames of a verb
    gloss: str


def rows(name: str, folder: Path = FOLDER) -> list[str]:
    """The lines of one file, without the licence at its head. Raises DataError where WordNet is missing."""
    try:
        text = (folder / name).read_text(encoding="latin-1")
    except OSError as error:
        raise DataError(f"WordNet is not there ({error}): apt install wordnet-base") from None
    return [row for row in text.splitlines() if not row.startswith("  ")]


@cache
def entries(part: str, folder: Path = FOLDER) -> dict[str, Entry]:
    """Every meaning of a part of speech, by its offset."""
    return {row[:8]: _entry(row) for row in rows(f"data.{part}", folder)}


def _entry(row: str) -> Entry:
    head, _, gloss = row.partition(" | ")
    fields = head.split()
    count = int(fields[3], 16)
    words = tuple(re.sub(r"\(.*", "", word) for word in fields[4 : 4 + 2 * count : 2])
    at = 5 + 2 * count
    links, frames = fields[at : at + 4 * int(fields[at - 1])], fields[at + 4 * int(fields[at - 1]) :]
    every = [int(frame) for frame, word in zip(frames[2::3], frames[3::3], strict=False) if word == "00"]
    return Entry(int(fields[1]), words, tuple(zip(links[::4], links[1::4], strict=True)), frozenset(every), gloss)


@cache
def meanings(part: str, folder: Path = FOLDER) -> dict[str, list[str]]:
    """Offsets of a word's meanings, the usual ones first, by the word in lower case."""
    fields = (row.split() for row in rows(f"index.{part}", folder))
    return {word: rest[-int(rest[1]) :] for word, *rest in fields}


@cache
def uses(folder: Path = FOLDER) -> Counter[tuple[str, str]]:
    """How often a word stood for each part of speech in the texts that WordNet's makers marked."""
    counted: Counter[tuple[str, str]] = Counter()
    for row in rows("cntlist.rev", folder):
        key, _, times = row.split()
        word, _, sense = key.partition("%")
        counted[word, _PART_OF_TYPE[sense[0]]] += int(times)
    return counted


@cache
def irregular(part: str, folder: Path = FOLDER) -> dict[str, list[str]]:
    """Forms that follow no rule, by their base."""
    forms = defaultdict(list)
    for row in rows(f"{part}.exc", folder):
        form, *bases = row.split()
        for base in bases:
            forms[base].append(form)
    return forms


@cache
def named(kind: int, folder: Path = FOLDER) -> tuple[Entry, ...]:
    """Entries of single persons or places, known by their proper names."""
    return tuple(entry for entry in entries("noun", folder).values() if entry.kind == kind and any(sort == "@i" for sort, _ in entry.links))
