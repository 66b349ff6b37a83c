"""Generated interface: small declarative specs that the page draws while the talk goes on. Read `Spec` first.

Everything is data: no script, no markup, no address that the page would have to fetch. What the user clicks comes back
as a note of source "ui", "<spec> <element>" and the values: "form-1 send: city paris".
"""

import json
import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from duologue.errors import DataError

Short = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9 _-]{0,39}$")]
Picture = Annotated[
    str, StringConstraints(pattern=r"^data:image/(png|jpeg);base64,[A-Za-z0-9+/=]+$", max_length=400_000)
]
Cell = str | int | float | bool | None


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Annotated[str, StringConstraints(pattern=r"^[\w.-]{1,64}$")]
    title: Annotated[str, StringConstraints(max_length=200)] = ""


class Card(_Spec):
    """A few words, perhaps with buttons."""

    kind: Literal["card"] = "card"
    text: Annotated[str, StringConstraints(max_length=2000)] = ""
    buttons: Annotated[list[Name], Field(max_length=6)] = []


class Table(_Spec):
    kind: Literal["table"] = "table"
    columns: Annotated[list[Short], Field(min_length=1, max_length=20)]
    rows: Annotated[list[list[Cell]], Field(max_length=500)]


class Axis(BaseModel):
    """One encoding channel of a chart."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    field: Short
    type: Literal["quantitative", "temporal", "ordinal", "nominal"]
    title: Short | None = None


class Chart(_Spec):
    """The harmless part of Vega-Lite: values inline, no expressions, no addresses. `vega_lite` makes the whole spec."""

    kind: Literal["chart"] = "chart"
    mark: Literal["bar", "line", "point", "area"]
    values: Annotated[list[dict[str, Cell]], Field(min_length=1, max_length=1000)]
    x: Axis
    y: Axis
    color: Axis | None = None


class Timer(_Spec):
    kind: Literal["timer"] = "timer"
    seconds: Annotated[int, Field(ge=1, le=86_400)]


class Input(BaseModel):
    """One field of a form."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Name
    label: Short
    kind: Literal["text", "number", "choice", "yes or no"] = "text"
    choices: Annotated[list[Short], Field(max_length=30)] = []


class Form(_Spec):
    kind: Literal["form"] = "form"
    fields: Annotated[list[Input], Field(min_length=1, max_length=12)]


class Image(_Spec):
    kind: Literal["image"] = "image"
    data: Picture
    description: Short


Spec = Annotated[Card | Table | Chart | Timer | Form | Image, Field(discriminator="kind")]
SPEC = TypeAdapter(Spec)


def parse(value: dict) -> Spec:
    """Checks a spec against the schema. Raises DataError that names what is wrong."""
    try:
        return SPEC.validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(f"interface spec: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def from_call(text: str, id: str) -> Spec:
    """The text of an `interface` call: "timer 300 tea", "card buy milk", or a whole spec in JSON. Raises DataError."""
    if text.lstrip().startswith("{"):
        try:
            return parse({"id": id} | json.loads(text))
        except json.JSONDecodeError as error:
            raise DataError(f"interface spec: no JSON: {error}; see docs/delegation.md") from None
    kind, _, rest = re.sub(r"(?<=\d) (?=\d)", "", text).partition(" ")
    if kind == "timer":
        seconds, _, title = rest.partition(" ")
        return parse({"id": id, "kind": kind, "seconds": seconds, "title": title})
    return parse({"id": id, "kind": kind, "text": rest})


def vega_lite(chart: Chart) -> dict:
    """The chart as a whole Vega-Lite 5 spec."""
    axes = {"x": chart.x, "y": chart.y, "color": chart.color}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": chart.title,
        "data": {"values": chart.values},
        "mark": {"type": chart.mark, "tooltip": True},
        "encoding": {name: axis.model_dump(exclude_none=True) for name, axis in axes.items() if axis},
    }


def elements(spec: Spec) -> list[str]:
    """What the user can do with it, as the notes of clicks name it."""
    return {"card": getattr(spec, "buttons", []), "form": ["send"], "timer": ["over", "stop"]}.get(spec.kind, [])


def clicked(text: str) -> tuple[str, str]:
    """Spec and element of a click's note."""
    spec, _, element = text.partition(":")[0].partition(" ")
    return spec, element
