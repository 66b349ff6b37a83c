"""Exact arithmetic and units, by `pint` over fractions: nothing is rounded before the answer is told."""

import re
from fractions import Fraction
from functools import cache

import pint

from duologue.agent.tools import Tool, tool

LONGEST = 200  # characters of an expression
_POWER = re.compile(r"\*\*\s*(\S{0,5})")
PLACES = 3  # decimal places told of a result that is not whole


def calculate(expression: str, unit: str = "") -> str:
    """Works out an expression exactly, such as "17 * 23", "2.5 kilometre + 300 metre" or "(1/3 + 1/6) hour".

    With `unit`, the result is told in that unit, such as "foot" or "degF".
    """
    _refuse_huge(expression)
    value = _parse(expression)
    value = value.to(unit) if unit else value
    words = "" if value.dimensionless else f"{value.units:P}".replace("_", " ")
    return f"{told(Fraction(value.magnitude))} {words}".strip()


def told(value: Fraction) -> str:
    """A fraction as a decimal: exact if PLACES are enough, otherwise rounded and said to be so."""
    rounded = round(value, PLACES)
    text = f"{float(rounded):.{PLACES}f}".rstrip("0").rstrip(".") if value.denominator > 1 else str(value.numerator)
    return text if rounded == value else f"about {text}"


def calculator() -> Tool:
    return tool(calculate, changes=False, trusted=True)


def _parse(expression: str) -> pint.Quantity:
    """Raises ValueError in words for what is no expression."""
    number = re.match(r"\s*(-?[\d.]+)\s+(deg[CFK]\w*|celsius|fahrenheit)\s*$", expression)
    try:
        if number:  # a temperature is a point on its scale, not a multiple of a degree
            return units().Quantity(Fraction(number[1]), number[2])
        return units().Quantity(units().parse_expression(expression))
    except (pint.PintError, ArithmeticError, AssertionError, TypeError, SyntaxError) as error:
        raise ValueError(f"cannot work out {expression!r}: {error}") from None


def _refuse_huge(expression: str) -> None:
    """Powers of powers would run for ever."""
    powers = _POWER.findall(expression.replace("^", "**"))
    if len(expression) > LONGEST or len(powers) > 1 or any(not re.fullmatch(r"-?\d{1,3}\)*", p) for p in powers):
        raise ValueError(f"{expression[:60]!r} is too large to work out")


@cache
def units() -> pint.UnitRegistry:
    """All units that pint knows; made once, which takes seconds."""
    return pint.UnitRegistry(non_int_type=Fraction)
