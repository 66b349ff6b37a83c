"""Sentences as they are written, with names, dates, times, money, measures, telephone numbers and abbreviations in them. Read `written`.

`spoken` says how they are said. Names are those of `names`, things and occupations those of `words`.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from duologue.data import names, words
from duologue.data.families.exchange import pick
from duologue.data.grammar import ARTEFACT, PERSON, filled
from duologue.data.spoken import MONTHS
from duologue.data.words import Draw, drawn_by_use

STREETS = "Main Oak Park Church Mill High River Hill Lake School".split()
CALLED = "{Dr.|Mr.|Mrs.|Ms.|Prof.|Capt.|Rev.|Sen.|} "
SENTENCES = (
    "{On|By|Until|Before|After} <date>{,|, only|, about} <count> <ones> {came|voted|left|stayed|had signed}.",
    CALLED + "<name> {arrived in|left|moved to|came back from} <place> on <date>.",
    "The <thing> {cost|costs|was sold for|is worth} <money>{|, e.g. in <place>}.",
    "It is <time> in <place>{| and <degrees>}.",
    CALLED + "<name> {lived from <lived>|was born in <year>}.",
    "The <thing> is {<measure> {long|wide|high}|<far> away}.",
    "{Please call|You can call|Ring} " + CALLED + "<name> at <phone>.",
    "{About|Only|Almost|Over} <percent> of {the <ones>|those asked|all visitors} {agreed|said no|had heard of it}.",
    CALLED + "<name> lives at <small> {<street>|<last>|<place>} {St.|Ave.|Rd.|Blvd.}",
    "The <ordinal> train {leaves|arrives} at <time>{| from platform <small>| from <place>}.",
    "{In the <decade>s|Since <year>|Around <year>} the <thing> {was rebuilt|stood empty|belonged to " + CALLED + "<name>}.",
    "See {p. <small>|No. <small>|fig. <small>|pages <small> and <small>}{ for the <thing>|, i.e. the <thing>|}.",
    "{The U.S.|The U.K.|The E.U.|The UN|<place>} {bought|ordered|paid for} <count> {of them|<things>}{| for <money>}.",
    "It {weighs|weighed} <weight>{, vs. <weight> {last year|before|in <year>}|}.",
    "The {meeting|flight|concert|lesson} {begins|ends} at <time> on the <ordinal>{| of <month>}.",
    "{She|He|" + CALLED + "<name>} ran <far> in <small> min{| and <small> sec}.",
    "St. <first>'s {church|school|hospital} is near Mt. <last>, <far> from <place>.",
    "{My|Our|Her|His} number is <phone>, {the code|room|extension} <small>.",
    "{Is|Was} <name> {the <one> from <place>|still in <place>|a <one>}, {<first>|" + CALLED + "<last>}?",
    "{<first>, <first> and <first>|<first> and " + CALLED + "<last>} {flew|drove|travelled|wrote} {to|from} <place>{| on <date>| in <year>}.",
    "{Does anybody here know|Have you met} {the <one> |our <one> |}<name>{| from <place>}?",
    "{I work for|Ask|This is|Give it to} {the <one> |our <one> |}<name>{| from <place>}.",
    "{How far is it|Is there a flight|Who went} from <place> to <place>{?| on <date>?}",
    "{A ticket|The flight|The road} from <place> to <place>{: <money>|, <far>|, <time> to <time>}.",
    "{Meet me|Be there|Wake me|The shop opens|Dinner is} at <time>{|, on <date>|, <first>}.",
    "{Buy|We need|Add|Take} <weight> of {it|that}, <volume> of {water|milk|oil} and <few> <things>.",
    "{The <last> Co.|<last> Inc.|<last> and <last> Ltd.} {{makes|sells} {<things>|<count> <things> a year}|{made|lost} <money> in <year>}.",
    "The <thing> {runs on <power>|needs <power>|has <memory>}{| and <percent> is left|, approx. <few> hrs}.",
    "{Chapter|Part|Question|Lesson|Room} <few>, {<one> and <one>|the <thing> of <place>|<things>, <things>, etc.}",
    "The {wind|car|train} reached <speed> near <place>{| at <time>| on <date>}.",
    "{Open|Closed|Sale|Holiday} {from <date> to <date>|until <time>|since <year>|every <ordinal> of the month}.",
    "{Send it|Write|The letter went} to {<first> <last> Jr.|" + CALLED + "<name>}, <small> <street> {St.|Ave.|Rd.}, <place>.",
    "<name> {won|lost} by <few> to <few>{ in <place>|, the <ordinal> time since <year>|}.",
    "{He turns|She is|They were} <few> {on <date>|years old|, i.e. born in <year>}{| in <place>}.",
)


def written(rng: np.random.Generator) -> str:
    """A sentence as it is written, with figures and abbreviations in it."""
    return filled(rng, SENTENCES, SLOTS).replace("..", ".")  # an abbreviation's point ends the sentence too


def _any(*items: str) -> Callable[[np.random.Generator], str]:
    return lambda rng: pick(rng, items)


@cache
def _noun(kind: int) -> Draw[words.Noun]:
    return drawn_by_use([noun for noun in words.nouns() if noun.kind == kind and noun.many], lambda noun: noun.one)


def _count(rng: np.random.Generator) -> str:
    return f"{int(10 ** rng.uniform(0.4, 6.5)):,}"


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


def _name(rng: np.random.Generator) -> str:
    last = pick(rng, names.family())
    return f"{pick(rng, names.given())} {last}" if rng.random() < 0.5 else last


def _measure(most: float, *units: str) -> Callable[[np.random.Generator], str]:
    return lambda rng: f"{_amount(rng, most)} {pick(rng, units)}"


SLOTS: dict[str, Callable[[np.random.Generator], str]] = {
    "first": lambda rng: pick(rng, names.given()), "last": lambda rng: pick(rng, names.family()), "name": _name,
    "place": lambda rng: pick(rng, names.places()), "thing": lambda rng: _noun(ARTEFACT)(rng).one,
    "things": lambda rng: _noun(ARTEFACT)(rng).many, "one": lambda rng: _noun(PERSON)(rng).one, "ones": lambda rng: _noun(PERSON)(rng).many,
    "street": _any(*STREETS), "month": _any(*MONTHS), "date": _date, "year": _year, "time": _time, "money": _money, "count": _count,
    "ordinal": _ordinal, "decade": lambda rng: f"{rng.integers(180, 203)}0", "small": lambda rng: str(rng.integers(1, 120)),
    "few": lambda rng: str(rng.integers(2, 60)), "percent": lambda rng: _amount(rng, 99) + "%",
    "lived": lambda rng: f"{(born := int(rng.integers(1700, 1950)))} to {born + int(rng.integers(20, 95))}",
    "measure": _measure(900, "m", "cm", "mm", "ft"), "far": _measure(900, "km", "m"), "weight": _measure(500, "kg", "g", "lbs", "oz", "mg"),
    "volume": _measure(500, "ml", "l"), "power": _measure(240, "V", "W", "Hz"), "memory": _measure(512, "GB", "MB"),
    "speed": _measure(300, "km/h", "mph"), "degrees": lambda rng: f"{rng.integers(-20, 45)} {pick(rng, ('°C', '°F'))}",
    "phone": lambda rng: f"555-{rng.integers(0, 10_000):04d}",
}  # fmt: skip
