"""Open English to be spoken: sentences and definitions of WordNet, and made ones with names, dates, money and measures.

Read `open_line` first. Source: WordNet 3.0 (Debian package wordnet-base); names and patterns are our own. One text in fifty, by
its hash, is for tests and never trained on.
"""

import re
import zlib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import numpy as np

from duologue.data.bank import normal, spoken_words
from duologue.data.families.exchange import pick, vary
from duologue.data.script import Line
from duologue.data.spoken import MONTHS, spoken
from duologue.errors import DataError

FOLDER = Path("/usr/share/wordnet")
SHARES = (0.6, 0.2, 0.2)  # of sentences, definitions, made ones
FEWEST, MOST = 3, 20
PLAIN = re.compile(r"[A-Za-z '’,;!?.-]+")


def open_line(rng: np.random.Generator, split: str) -> Line:
    """A text of one split as a line of the family "hear"; where it is written otherwise, slot "written" says how."""
    kind = int(np.searchsorted(np.cumsum(SHARES), rng.random() * sum(SHARES), side="right"))
    held = split == "test"
    if kind < 2:
        texts = (sentences, definitions)[kind](split)
        return Line("hear", "open", texts[int(rng.integers(len(texts)))], held_out=held)
    written = made(rng)
    while is_test(normal(spoken(written))) != held:
        written = made(rng)
    return Line("hear", "open", spoken(written), slots={"written": written}, held_out=held)


def is_test(key: str) -> bool:
    """Whether a text, in its normal form, is kept for tests."""
    return zlib.crc32(key.encode()) % 50 == 0


@cache
def sentences(split: str, folder: Path = FOLDER) -> list[str]:
    """WordNet's example sentences of FEWEST to MOST plain words."""
    return _usable(split, (text for gloss in _glosses(folder) for text in gloss.split('"')[1::2]))


@cache
def definitions(split: str, folder: Path = FOLDER) -> list[str]:
    """WordNet's definitions of FEWEST to MOST plain words, without what stands in brackets."""
    bare = (re.sub(r"\([^)]*\)", " ", gloss.split('"')[0]) for gloss in _glosses(folder))
    return _usable(split, (" ".join(part.split()) for gloss in bare for part in gloss.split(";")))


def _glosses(folder: Path) -> list[str]:
    """What stands behind each entry: a definition, then examples in quotes. Raises DataError where WordNet is missing."""
    try:
        rows = [row for part in ("noun", "verb", "adj", "adv") for row in (folder / f"data.{part}").read_text(encoding="latin-1").splitlines()]
    except OSError as error:
        raise DataError(f"WordNet is not there ({error}): apt install wordnet-base") from None
    return [row.split(" | ", 1)[1] for row in rows if " | " in row]


def _usable(split: str, texts: Iterable[str]) -> list[str]:
    """Each text once, in the split that its hash puts it in."""
    kept = {}
    for text in texts:
        words = spoken_words(text) if PLAIN.fullmatch(text) else ()
        if FEWEST <= len(words) <= MOST:
            kept[" ".join(words)] = text.strip(" ;,")
    return [text for key, text in kept.items() if is_test(key) == (split == "test")]


FIRST = "James Mary Robert Linda David Susan Ahmed Ana Carlos Chen Elena Fatima George Hannah Igor Julia Kofi Laura Maria Nadia Omar Peter".split()
LAST = "Adams Baker Clark Davis Evans Fischer Garcia Hughes Ivanov Jones Khan Lopez Miller Novak Owens Patel Quinn Reed Silva Turner Weber Young".split()
PLACES = "Boston Cairo Delhi Dublin Geneva Havana Lagos Lima Lisbon London Madrid Nairobi Oslo Paris Rome Sydney Tokyo Vienna Warsaw Zurich".split()
THINGS = "bridge book car coat garden house lamp letter machine painting piano road ship table ticket tower train wall".split()
STREETS = "Main Oak Park Church Mill High River Hill Lake School".split()
CALLED = "{Dr.|Mr.|Mrs.|Ms.|Prof.|} "
MADE = (
    "{On|By|Until|Before|After} <date>{,|, only|, about} <count> people {came|voted|left|stayed|had signed}.",
    CALLED + "<name> {arrived in|left|moved to|came back from} <place> on <date>.",
    "The <thing> {cost|costs|was sold for|is worth} <money>{|, e.g. in <place>}.",
    "It is <time> in <place>{| and <degrees>}.",
    CALLED + "<name> was born in <year> and died in <year>.",
    "The <thing> is <measure> {long|wide|high|away}.",
    "{Please call|You can call|Ring} " + CALLED + "<name> at <phone>.",
    "{About|Only|Almost|Over} <percent> of {the people|those asked|all visitors} {agreed|said no|had heard of it}.",
    CALLED + "<name> lives at <small> <street> {St.|Ave.|Rd.}",
    "The <ordinal> train {leaves|arrives} at <time>{| from platform <small>}.",
    "{In the <decade>s|Since <year>|Around <year>} the <thing> {was rebuilt|stood empty|belonged to " + CALLED + "<name>}.",
    "See {p. <small>|No. <small>|fig. <small>|pages <small> and <small>}{ for the <thing>|, i.e. the <thing>|}.",
    "{The U.S.|The U.K.|The E.U.|The UN} {bought|ordered|paid for} <count> of them{| for <money>}.",
    "It {weighs|weighed} <weight>{, vs. <weight> {last year|before|in <year>}|}.",
    "The {meeting|flight|concert|lesson} {begins|ends} at <time> on the <ordinal>{| of <month>}.",
    "{She|He|" + CALLED + "<name>} ran <measure> in <small> min{| and <small> sec}.",
    "St. <first>'s {church|school|hospital} is near Mt. <last>, <measure> from <place>.",
    "{My|Our|Her|His} number is <phone>, {the code|room|extension} <small>.",
)


def made(rng: np.random.Generator) -> str:
    """A sentence as it is written, with figures and abbreviations in it."""
    text = vary(rng, pick(rng, MADE))
    while found := re.search(r"<(\w+)>", text):
        text = text[: found.start()] + SLOTS[found[1]](rng) + text[found.end() :]
    return re.sub(r"\s+([.,])", r"\1", text)


def _any(*items: str) -> Callable[[np.random.Generator], str]:
    return lambda rng: pick(rng, items)


def _count(rng: np.random.Generator) -> str:
    return f"{int(10 ** rng.uniform(0, 6.5)):,}"


def _amount(rng: np.random.Generator, most: float) -> str:
    """Up to `most`, small ones more often, one in three with a decimal."""
    value = most ** rng.uniform(0, 1)
    return f"{value:.1f}" if rng.random() < 0.33 else str(max(2, int(value)))


def _money(rng: np.random.Generator) -> str:
    sum_ = f"{int(10 ** rng.uniform(0.4, 4)):,}" + (f".{rng.integers(5, 100):02d}" if rng.random() < 0.4 else "")
    return pick(rng, "$$$£€") + sum_ + (" million" if "." not in sum_ and len(sum_) < 4 and rng.random() < 0.2 else "")


def _time(rng: np.random.Generator) -> str:
    clock = f"{rng.integers(1, 13)}:{pick(rng, ('00', '15', '30', '45', f'{rng.integers(1, 60):02d}'))}"
    return clock + pick(rng, ("", " a.m.", " p.m.", " pm"))


def _date(rng: np.random.Generator) -> str:
    day, month = int(rng.integers(1, 29)), pick(rng, MONTHS)
    short = month[:3] + "." if rng.random() < 0.2 and month != "May" else month
    return pick(rng, (f"{short} {day}", f"{day} {month}", f"{month} {day}, {_year(rng)}", f"{short} {day}, {_year(rng)}"))


def _year(rng: np.random.Generator) -> str:
    return str(rng.integers(1700, 2031))


def _ordinal(rng: np.random.Generator) -> str:
    n = int(rng.integers(1, 32))
    return f"{n}{'th' if n in (11, 12, 13) else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}"


SLOTS: dict[str, Callable[[np.random.Generator], str]] = {
    "first": _any(*FIRST), "last": _any(*LAST), "place": _any(*PLACES), "thing": _any(*THINGS), "street": _any(*STREETS),
    "month": _any(*MONTHS), "date": _date, "year": _year, "time": _time, "money": _money, "count": _count, "ordinal": _ordinal,
    "name": lambda rng: pick(rng, FIRST) + " " + pick(rng, LAST) if rng.random() < 0.5 else pick(rng, LAST),
    "decade": lambda rng: f"{rng.integers(180, 203)}0",
    "small": lambda rng: str(rng.integers(1, 120)),
    "percent": lambda rng: _amount(rng, 99) + "%",
    "measure": lambda rng: f"{_amount(rng, 900)} {pick(rng, ('km', 'm', 'cm', 'mm', 'ft'))}",
    "weight": lambda rng: f"{_amount(rng, 500)} {pick(rng, ('kg', 'g', 'lbs', 'oz'))}",
    "degrees": lambda rng: f"{rng.integers(-20, 45)} {pick(rng, ('°C', '°F'))}",
    "phone": lambda rng: f"555-{rng.integers(0, 10_000):04d}",
}  # fmt: skip
