"""Order: days and months, the next, the one before, and all of them in a row. Read `MAKERS` first."""

from collections.abc import Iterable, Iterator

import numpy as np

from duologue.data.families import exchange
from duologue.data.families.lexicon import DAYS, MONTHS
from duologue.data.script import Line, Script

NAME = "order"
RINGS = {"day": DAYS, "month": MONTHS}
_FORMS = ("it's <>", "that's <>", "<> of course")

_NEXT = (
    "what comes after <item>",
    "which <kind> comes after <item>",
    "{what|which <kind>|what <kind>} {comes|is|comes right|comes just|follows} {|directly }after <item>",
    "{what's|what is|tell me|name|give me|say} the {|next }<kind> {|right |just }after <item>",
    "{what's|what is|tell me} the next <kind> after <item>",
    "after <item> {comes|comes what|what comes|what's next|which <kind> comes}",
    "{which <kind>|what <kind>} {follows|comes next after|is next after} <item>",
    "{can you tell me|could you tell me|would you say|do you know} {what|which <kind>} comes after <item>",
    "<item> and {then|then what|next|what comes next}",
    "{if|suppose|say} {it's|it is|this is} <item> {|now }{what's|which <kind> is} next",
)
_BEFORE = (
    "what comes before <item>",
    "which <kind> comes before <item>",
    "{what|which <kind>|what <kind>} {comes|is|comes right|comes just|was} {|directly }before <item>",
    "{what's|what is|tell me|name|give me|say} the <kind> {|right |just }before <item>",
    "{what's|what is|tell me} the previous <kind> {before|to} <item>",
    "before <item> {comes|comes what|what comes|which <kind> comes|what was there}",
    "{which|what} <kind> {precedes|is just before|was just before} <item>",
    "{can you tell me|could you tell me|would you say|do you know} {what|which <kind>} comes before <item>",
    "{if|suppose|say} {it's|it is|this is} <item> {what|which <kind>} {came|was} before",
)
_TOMORROW = (
    "today is <item> what day is tomorrow",
    "{today is|it's|it is|if today is|say today is|suppose today is} <item> "
    "{what's|what is|what day is|which day is} tomorrow",
    "{what|which} day {is|comes|will it be} tomorrow {if|when} today is <item>",
    "{what's|what is} tomorrow if {today's|today is|it's} <item>",
)
_YESTERDAY = (
    "today is <item> what day was yesterday",
    "{today is|it's|it is|if today is|say today is|suppose today is} <item> {what|what day|which day} was yesterday",
    "{what|which} day was {it |}yesterday {if|when} today is <item>",
    "what was yesterday if {today's|today is|it's} <item>",
)
_ALL = (
    "say the <list>",
    "tell me the <list>",
    "{say|name|list|recite|tell me|give me|read out|go through|let me hear} {all |}the <list>",
    "{can|could|would|will} you {|please }{say|name|list|recite} {all |}the <list>",
    "{what are|which are|do you know|i want to hear|let's hear} {all |}the <list>",
    "{please|now|go ahead and} {say|name|list} the <list> {|in order|one by one}",
    "{i'd like|i want|i need} you to {say|name|list} the <list>",
    "the <list> {please|in order please|one by one}",
)
_LISTS = {"day": ("days of the week", "days", "weekdays from monday to sunday"),
          "month": ("months of the year", "months", "months from january to december")}  # fmt: skip


def _step(rng: np.random.Generator, intent: str, patterns, step: int, kind: str) -> Line:
    ring = RINGS[kind]
    i = int(rng.integers(len(ring)))
    fact = ring[(i + step) % len(ring)]
    slots = {"item": ring[i], "kind": kind, "fact": fact}
    return exchange.line(rng, NAME, f"{kind}_{intent}", patterns, exchange.replies(fact, *_FORMS), slots)


def _next(rng: np.random.Generator) -> Line:
    return _step(rng, "next", _NEXT, 1, exchange.pick(rng, ("day", "month")))


def _before(rng: np.random.Generator) -> Line:
    return _step(rng, "before", _BEFORE, -1, exchange.pick(rng, ("day", "month")))


def _tomorrow(rng: np.random.Generator) -> Line:
    return _step(rng, "tomorrow", _TOMORROW, 1, "day")


def _yesterday(rng: np.random.Generator) -> Line:
    return _step(rng, "yesterday", _YESTERDAY, -1, "day")


def _all(rng: np.random.Generator) -> Line:
    kind = "day" if rng.random() < 0.65 else "month"
    words = RINGS[kind]
    slots = {"list": exchange.pick(rng, _LISTS[kind]), "recital": words}
    return exchange.line(rng, NAME, f"{kind}_all", _ALL, (", ".join(words),), slots)


MAKERS = ((3, _next), (3, _before), (1, _tomorrow), (1, _yesterday), (2.5, _all))


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless questions about days and months, with their answers."""
    return exchange.draw(rng, split, MAKERS)


def own_texts() -> Iterable[str]:
    """Every answer: each day and month in each form, and both lists."""
    facts = [text for ring in RINGS.values() for item in ring for text in exchange.replies(item, *_FORMS)]
    return exchange.unique([*facts, ", ".join(DAYS), ", ".join(MONTHS)])


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """One to four questions about days and months."""
    return exchange.questions(rng, bank, split, NAME, voice)
