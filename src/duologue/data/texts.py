"""Open English to be spoken: sentences and definitions of WordNet, sentences of documentation, and made ones. Read `open_line` first.

One text in fifty, by its hash, is for tests and never trained on. Counts and licences: docs/data-card.md.
"""

import re
import zlib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import numpy as np

from duologue.data import grammar, wordnet
from duologue.data.bank import normal, spoken_words
from duologue.data.documentation import documentation
from duologue.data.script import Line
from duologue.data.spoken import spoken
from duologue.data.written import written

SHARES = {"sentences": 0.3, "definitions": 0.1, "documentation": 0.05, "grammar": 0.35, "written": 0.2}
FEWEST, MOST = 3, 20
PLAIN = re.compile(r"[A-Za-z '’,;!?.-]+")


def open_line(rng: np.random.Generator, split: str) -> Line:
    """A text of one split as a line of the family "hear"; where it is written otherwise, slot "written" says how."""
    kind = rng.choice(list(SHARES), p=list(SHARES.values()))
    held = split == "test"
    if kind in STORED:
        texts = STORED[kind](split)
        return Line("hear", "open", texts[int(rng.integers(len(texts)))], held_out=held)
    text = MADE[kind](rng)
    while is_test(normal(spoken(text))) != held:
        text = MADE[kind](rng)
    return Line("hear", "open", spoken(text), slots={"written": text} if spoken(text) != text else {}, held_out=held)


def is_test(key: str) -> bool:
    """Whether a text, in its normal form, is kept for tests."""
    return zlib.crc32(key.encode()) % 50 == 0


@cache
def sentences(split: str, folder: Path = wordnet.FOLDER) -> list[str]:
    """WordNet's example sentences of FEWEST to MOST plain words."""
    return _usable(split, (text for gloss in _glosses(folder) for text in gloss.split('"')[1::2]))


@cache
def definitions(split: str, folder: Path = wordnet.FOLDER) -> list[str]:
    """WordNet's definitions of FEWEST to MOST plain words, without what stands in brackets."""
    bare = (re.sub(r"\([^)]*\)", " ", gloss.split('"')[0]) for gloss in _glosses(folder))
    return _usable(split, (" ".join(part.split()) for gloss in bare for part in gloss.split(";")))


def _glosses(folder: Path) -> list[str]:
    """What stands behind each entry: a definition, then examples in quotes. Raises DataError where WordNet is missing."""
    return [row.split(" | ", 1)[1] for part in wordnet.PARTS for row in wordnet.rows(f"data.{part}", folder) if " | " in row]


@cache
def documented(split: str) -> list[str]:
    """Sentences of documentation of FEWEST to MOST words."""
    return _usable(split, documentation())


def _usable(split: str, texts: Iterable[str]) -> list[str]:
    """Each text once, in the split that its hash puts it in."""
    kept = {}
    for text in texts:
        words = spoken_words(text) if PLAIN.fullmatch(text) else ()
        if FEWEST <= len(words) <= MOST:
            kept[" ".join(words)] = text.strip(" ;,")
    return [text for key, text in kept.items() if is_test(key) == (split == "test")]


STORED: dict[str, Callable[[str], list[str]]] = {"sentences": sentences, "definitions": definitions, "documentation": documented}
MADE: dict[str, Callable[[np.random.Generator], str]] = {"grammar": grammar.sentence, "written": written}
