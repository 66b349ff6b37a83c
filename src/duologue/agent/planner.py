"""The embedded background model: a planner over the built-in tools, without weights or network. Read `plan` first.

It reads the words of the request and nothing else: what a tool found is told, never read as a request.
"""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from text_to_num import alpha2digit

from duologue.agent.builtin import arithmetic, chart, dictionary, documents, moment
from duologue.agent.packet import Packet
from duologue.agent.tools import Tool, Toolbox
from duologue.errors import BackendError

_NUMBER = r"-?\d+(?:\.\d+)?"
_OPERATORS = {
    "plus": "+", "and": "+", "minus": "-", "less": "-", "times": "*", "multiplied by": "*", "divided by": "/", "over": "/",
    "to the power of": "**",
}  # fmt: skip
_SUM = re.compile(rf"{_NUMBER}(?: (?:{'|'.join(_OPERATORS)}) {_NUMBER})+")
_SHARE = re.compile(rf"({_NUMBER}) percent of ({_NUMBER})")
_UNIT = r"((?:degrees? )?(?:(?:square|cubic) )?[a-z]+(?: (?:per|an?) [a-z]+)?)"
_HOW_MANY = re.compile(
    rf"how (?:many|much) {_UNIT} (?:are|is|make|do)?(?: there)? ?(?:in |make )?(?:an? )?({_NUMBER})? ?{_UNIT}$"
)
_CONVERT = re.compile(rf"({_NUMBER}) {_UNIT} (?:in|to|into|as) {_UNIT}$")
_TIME = re.compile(r"\bwhat(?:'s| is)? (?:the )?time\b(?:.* in ([a-z ]+))?|\bwhat time is it(?: in ([a-z ]+))?")
_DAY = re.compile(r"\bwhat(?:'s| is)? (?:the )?(?:date|day)\b.*?(today|tomorrow|yesterday)?$")
_MEANS = re.compile(
    r"(?:what does|what's|what is) (?:the word )?([a-z]+) mean|\bdefine ([a-z]+)"
    r"|(?:meaning|definition) of (?:the word )?([a-z]+)"
)
_SEARCH = re.compile(r"(?:look up|look for|search(?: for)?|find|what do my|in my|my) (.*)")
_NOISE = set(
    "a about an and are can could do does documents document files file find for have i in is it look me my note notes of on "
    "papers please say says search something tell the there to up was what when where which who would you".split()
)
_COURTESY = re.compile(r"(?: (?:please|for me|then|now|thanks|thank you|duo))*[. ]*$")
_TEMPERATURES = {"celsius": "degC", "fahrenheit": "degF", "kelvin": "kelvin"}
AHEAD = {"today": 0, "tomorrow": 1, "yesterday": -1}


class Step(NamedTuple):
    """One call of a tool, and how its result is told ("<>" is the result)."""

    tool: str
    arguments: dict
    form: str


def plan(request: str) -> list[Step]:
    """The tools that a request asks for; all of them are asked at once. Search is the last resort."""
    text = normal(request)
    steps = [step for rule in (_sums, _units, _moments, _words) for step in rule(text)]
    return steps or _searches(text)


def normal(request: str) -> str:
    """Lower case, figures for number words, courtesies at the end left out."""
    words = " ".join(re.findall(r"[\w'.%-]+", request.lower()))
    words = re.sub(r"\bsecond\b", "seconds", words)  # the unit, not the one after the first
    text = alpha2digit(words, "en", threshold=0)
    return _COURTESY.sub("", re.sub(r"(\d+) and a half", r"\1.5", text))


class Planner:
    """See `Backend`. `builtin_tools` makes the tools that it knows to use."""

    async def answer(self, packet: Packet, tools: Toolbox) -> AsyncIterator[str]:
        """The results of all steps, in order. Raises BackendError when there is nothing to tell."""
        steps = [step for step in plan(packet.request) if step.tool in tools.tools]
        if not steps:
            raise BackendError(f"no tool for {packet.request!r}", spoken="i do not know how to find that out")
        results = await tools.call_all((step.tool, step.arguments) for step in steps)
        found = [(step.form, data) for step, result in zip(steps, results, strict=True) if (data := _data(result))]
        if not found:
            raise BackendError(f"no result for {packet.request!r}: {results}"[:300], spoken="i could not find that out")
        for form, data in found:
            yield form.replace("<>", data).rstrip(".") + ".\n"


def builtin_tools(folder: Path | None = None) -> list[Tool]:
    """The tools that need no network; with a folder, search over it. Raises ConfigError when it is none."""
    found = [arithmetic.calculator(), moment.clock(), chart.charts()]
    if (dictionary.FOLDER / "index.noun").exists():
        found.append(dictionary.dictionary())
    return found + ([documents.documents(folder)] if folder else [])


def _data(result: str) -> str:
    """What a labelled result holds; nothing of an error."""
    return "" if result.startswith("error:") else json.loads(result)["data"]


def _sums(text: str) -> list[Step]:
    text = _SHARE.sub(r"\1 times \2 divided by 100", text)
    for found in _SUM.findall(text):
        expression = re.sub("|".join(_OPERATORS), lambda word: _OPERATORS[word[0]], found)
        return [Step("calculate", {"expression": expression}, f"{found} is <>")]
    return []


def _units(text: str) -> list[Step]:
    if found := _HOW_MANY.search(text):
        wanted, number, unit = found.groups()
    elif found := _CONVERT.search(text):
        number, unit, wanted = found.groups()
    else:
        return []
    number = number or "1"
    arguments = {"expression": f"{number} {_unit(unit)}", "unit": _unit(wanted)}
    return [Step("calculate", arguments, f"{number} {unit} is <>")]


def _unit(words: str) -> str:
    """As pint writes it: "square metres" is "metres**2", "miles an hour" is "miles / hour"."""
    words = re.sub(r"degrees? ", "", words)
    words = _TEMPERATURES.get(words, words)
    words = re.sub(r"square ([a-z]+)", r"\1**2", re.sub(r"cubic ([a-z]+)", r"\1**3", words))
    return re.sub(r" (?:per|an?) ", " / ", words)


def _moments(text: str) -> list[Step]:
    if found := _TIME.search(text):
        place = (found[1] or found[2] or "").strip()
        return [Step("now", {"place": place}, f"in {place} it is <>" if place else "it is <>")]
    if found := _DAY.search(text):
        return [Step("now", {"days_ahead": AHEAD[found[1] or "today"]}, f"{found[1] or 'today'} is <>")]
    return []


def _words(text: str) -> list[Step]:
    found = _MEANS.search(text)
    word = found and next(filter(None, found.groups()))
    return [Step("define", {"word": word}, f"{word} means <>")] if word else []


def _searches(text: str) -> list[Step]:
    found = _SEARCH.search(text)
    words = [w for w in (found[1] if found else text).split() if w not in _NOISE]
    return [Step("search", {"words": " ".join(words)}, "this is what i found: <>")] if words else []
