"""Charts on the page."""

from typing import Literal

from duologue.agent.tools import Result, Tool, tool


def chart(title: str, labels: list[str], values: list[float], mark: Literal["bar", "line"] = "bar") -> Result:
    """Draws values on the user's page, one for each label, as bars or a line."""
    if len(labels) != len(values):
        raise ValueError(f"{len(labels)} labels for {len(values)} values")
    rows = [{"label": label, "value": value} for label, value in zip(labels, values, strict=True)]
    spec = {
        "kind": "chart",
        "title": title,
        "mark": mark,
        "values": rows,
        "x": {"field": "label", "type": "ordinal"},
        "y": {"field": "value", "type": "quantitative"},
    }
    return Result("the chart is on the page", show=spec)


def charts() -> Tool:
    return tool(chart, changes=False, trusted=True)
