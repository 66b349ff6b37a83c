"""Sums that nobody knows by heart, for the family `delegate`: as they are asked for, and what they make. Plain values.

The family `numbers` answers sums of 0 to 20 itself, so that the numbers alone tell the two apart.
"""

from operator import add, mul, sub

from duologue.data.families.lexicon import NUMBERS

_OPERATORS = {"plus": add, "minus": sub, "times": mul}
_FIRST, _SECOND = (97, 86, 74, 68, 59, 95, 83, 77, 64, 52, 91, 88, 73), (48, 37, 29, 45, 33, 26, 41)


def spoken(n: int) -> str:
    """0 to 9999 in words.

    >>> spoken(1776)
    'one thousand seven hundred seventy six'
    """
    for unit, name in ((1000, "thousand"), (100, "hundred")):
        if n >= unit:
            return f"{spoken(n // unit)} {name}" + (f" {spoken(n % unit)}" if n % unit else "")
    return NUMBERS[n].replace("-", " ")


_PAIRS = [(a, list(_OPERATORS)[i % 3], _SECOND[i % len(_SECOND)]) for i, a in enumerate(_FIRST * 3)]
RESULTS = {f"{spoken(a)} {op} {spoken(b)}": spoken(_OPERATORS[op](a, b)) for a, op, b in _PAIRS}
ASKED = (
    "what is <key>",
    "{what's|how much is|what do you get for} <key> {|exactly|altogether}",
    "{can you|could you|would you|please|} {work out|calculate|compute|tell me} {what <key> is|how much <key> is}",
    "{i need to know|i'd like to know|do you know|tell me} {what|how much} <key> {is|makes}",
    "{work out|calculate|figure out} <key>",
)
ANSWERS = ("<key> is <value>", "<key> makes <value>")  # of two results each must say whose it is
