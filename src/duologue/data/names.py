"""Names to be spoken: given names, family names and places, those of WordNet's persons and places that are well known. Read `given` first."""

import re
from collections import Counter
from functools import cache

from duologue.data.wordnet import PERSON, PLACE, entries, meanings, named
from duologue.data.words import GRIM, frequency

KNOWN, COMMON = 6e-7, 5e-4  # share of all words of English that a name has at least and at most
BEARERS = 2  # a given name that one person alone has may be a title or a nickname
MOST_PLACE_WORDS = 2


@cache
def given() -> tuple[str, ...]:
    """The first names of at least BEARERS persons who have a second one."""
    first = Counter(name[0] for name in _persons())
    return tuple(sorted(name for name, bearers in first.items() if bearers >= BEARERS and _is_name(name)))


@cache
def family() -> tuple[str, ...]:
    """The last names of persons with such a given one."""
    firsts = set(given())
    return tuple(sorted(last for last in {name[-1] for name in _persons() if name[0] in firsts} - firsts if _is_name(last)))


@cache
def places() -> tuple[str, ...]:
    """Cities, countries, islands, each by its first name."""
    found = {tuple(entry.words[0].split("_")) for entry in named(PLACE)}
    known = (name for name in found if len(name) <= MOST_PLACE_WORDS and all(_is_known(word) for word in name))
    return tuple(sorted(" ".join(name) for name in known if len(name) > 1 or _is_name(name[0])))


@cache
def _persons() -> tuple[tuple[str, ...], ...]:
    """Full names in their words; none of those of whom grim things are told."""
    told = (entry for entry in named(PERSON) if not GRIM.search(entry.gloss))
    return tuple({name for entry in told for name in (tuple(word.split("_")) for word in entry.words) if len(name) > 1})


def _is_name(word: str) -> bool:
    return _is_known(word) and frequency(word.lower()) < COMMON and not any(_is_common(word, part) for part in ("noun", "verb", "adj"))


def _is_known(word: str) -> bool:
    return bool(re.fullmatch("[A-Z][a-z]{2,}", word)) and frequency(word.lower()) >= KNOWN


def _is_common(name: str, part: str) -> bool:
    """Whether it is first of all a word, as "Sir" is."""
    offsets = meanings(part).get(name.lower())
    return bool(offsets) and name not in entries(part)[offsets[0]].words
