"""Sentences of documentation: docstrings of numpy, scipy and matplotlib, and Python's own reference. Read `documentation`.

All are installed with the extras that make the data. Licences: BSD-3-Clause, BSD-3-Clause, Matplotlib's and the PSF's.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from pydoc_data import topics

from duologue.data.bank import spoken_words
from duologue.data.words import frequency

PACKAGES = ("numpy", "scipy", "matplotlib")
DOCSTRING = re.compile(r'"""(.*?)"""', re.S)
KNOWN = 1e-6  # share of all words of English of every word: names of functions are out
SENTENCE = re.compile(r"[A-Z][a-z]*(?: [A-Za-z][a-z']*,?)+[.?!]")


@cache
def documentation() -> tuple[str, ...]:
    """Each sentence of known words once; what is not installed is left out."""
    texts = (text for texts in (topics.topics.values(), *map(_docstrings, PACKAGES)) for text in texts)
    found = dict.fromkeys(sentence for text in texts for sentence in _sentences(text))
    return tuple(sentence for sentence in found if all(frequency(word) >= KNOWN for word in spoken_words(sentence)))


def _docstrings(package: str) -> Iterator[str]:
    """What stands in triple quotes: parsing the files would take minutes."""
    spec = find_spec(package)
    for path in sorted(Path(spec.origin).parent.rglob("*.py")) if spec and spec.origin else ():
        if "tests" not in path.parts:
            yield from DOCSTRING.findall(path.read_text(encoding="utf-8"))


def _sentences(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text):
        yield from (part for part in re.split(r"(?<=[.!?])\s+(?=[A-Z])", " ".join(paragraph.split())) if SENTENCE.fullmatch(part))
