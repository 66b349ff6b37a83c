"""What is said into the voice bank: lines of every family, open sentences, and what the own voice says. Read `mixed_lines` and
`own_lines` first."""

import importlib
import math
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice, zip_longest
from types import ModuleType

import numpy as np

from duologue.data import families
from duologue.data.bank import LIST_INTENT, spoken_words
from duologue.data.script import Line
from duologue.data.texts import open_line
from duologue.data.words import frequency
from duologue.errors import ConfigError

OPEN_SHARE = 0.35  # of the utterances; the families share the rest by WEIGHTS
WEIGHTS = {"typed": 0.3, "numbers": 2.0, "order": 1.5, "facts": 1.5, "repeat": 1.5}  # family -> weight, 1 unless named
LIST_WORDS = 7
ANSWERED_LINES = 2000  # drawn from each family with a fixed seed: their answers are said whole
LIST_ROUNDS = 2
CANDIDATES = 400  # open sentences among which the own voice chooses its next
RAREST_WORD = 3e-7  # share of all words of English that a word must have to be worth saying


def family_modules() -> list[ModuleType]:
    """Every family: the modules of `data/families` that have a NAME."""
    names = [info.name for info in pkgutil.iter_modules(families.__path__)]
    modules = [importlib.import_module(f"{families.__name__}.{name}") for name in names]
    return [module for module in modules if hasattr(module, "NAME")]


def open_lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless open sentences as lines of the family "hear"."""
    while True:
        yield open_line(rng, split)


def chosen_modules(names: Sequence[str]) -> list[ModuleType]:
    """The families of these names that have lines, of none all. Raises ConfigError for a name that no family has."""
    known = {module.NAME: module for module in family_modules()}
    if unknown := sorted(set(names) - set(known)):
        raise ConfigError(f"no family {unknown[0]!r}; there are {', '.join(sorted(known))}")
    return [module for name, module in known.items() if hasattr(module, "lines") and (not names or name in names)]


def mixed_lines(rng: np.random.Generator, split: str, names: Sequence[str] = ()) -> Iterator[Line]:
    """Endless lines of all sources in their shares."""
    modules = chosen_modules(names)
    sources = [open_lines(rng, split), *(m.lines(rng, split) for m in modules)]
    weights = np.array([WEIGHTS.get(m.NAME, 1.0) for m in modules])
    shares = np.array([OPEN_SHARE, *((1 - OPEN_SHARE) * weights / weights.sum())] if modules else [1.0])
    while True:
        yield next(sources[rng.choice(len(sources), p=shares / shares.sum())])


def covering(lines: Iterator[Line], said: Iterable[str]) -> Iterator[Line]:
    """The lines in an order in which new words come soon: each time, of CANDIDATES, the one with most of them for its length.

    A new word counts by how often people use it, those of `said` and those of lines given no more: a greedy cover.
    """
    known, waiting = {word for text in said for word in spoken_words(text)}, list(islice(lines, CANDIDATES))
    words = [spoken_words(line.text) for line in waiting]
    while waiting:
        best = max(range(len(waiting)), key=lambda k: sum(map(_worth, set(words[k]) - known)) / (len(words[k]) + 1))
        yield waiting[best]
        known.update(words[best])
        del waiting[best], words[best]
        for line in islice(lines, 1):
            waiting.append(line)
            words.append(spoken_words(line.text))


@cache
def _worth(word: str) -> float:
    """What it is worth to have said a word: 1 for each tenfold by which it is commoner than RAREST_WORD, nothing below."""
    return max(0.0, math.log10(max(frequency(word), 1e-9) / RAREST_WORD))


def own_lines(seed: int, names: Sequence[str] = (), said: Iterable[str] = ()) -> Iterator[Line]:
    """What the own voice says: every reply, lists of every word, the answers of many lines; then open sentences.

    Those go with new words first, beside `said`, the texts that it has said before.
    """
    rng, modules = np.random.default_rng(seed), chosen_modules(names)
    lexicon = () if names else getattr(importlib.import_module(f"{families.__name__}.lexicon"), "WORDS", ())
    replies = dict.fromkeys(text for m in modules if hasattr(m, "own_texts") for text in m.own_texts())
    drawn = (line for m in modules for line in islice(m.lines(rng, "train"), ANSWERED_LINES))
    answers = dict.fromkeys([*replies, *(text for line in drawn for text in line.answers)])
    for text in replies:
        yield Line("own", "reply", text)
    words = sorted({word for text in [*answers, *lexicon] for word in spoken_words(text)})
    yield from word_lists(words)
    sentences = covering(open_lines(np.random.default_rng(), "train"), said)
    for text, word in zip_longest(answers, words):  # a word said alone needs no cutting
        yield from (Line("own", "reply", said) for said in (text, word) if said)
        yield from islice(sentences, 2)
    yield from sentences


def word_lists(words: Sequence[str]) -> Iterator[Line]:
    """Comma lists of these words, each word in LIST_ROUNDS lists."""
    for seed in range(LIST_ROUNDS):
        order = np.random.default_rng(seed).permutation(len(words))
        for at in range(0, len(words), LIST_WORDS):
            picked = [words[i] for i in order[at : at + LIST_WORDS]]
            yield Line("own", LIST_INTENT, ", ".join(picked) + ".")
