import altair
import pytest

from duologue.agent import ui
from duologue.agent.builtin.chart import chart
from duologue.errors import DataError

GOOD = [
    {"kind": "card", "title": "shopping", "text": "milk", "buttons": ["done"]},
    {"kind": "table", "columns": ["city", "rain"], "rows": [["oslo", 3], ["rome", None]]},
    {"kind": "timer", "seconds": 300, "title": "tea"},
    {"kind": "form", "fields": [{"name": "city", "label": "City", "kind": "choice", "choices": ["oslo", "rome"]}]},
    {"kind": "image", "data": "data:image/png;base64,iVBORw0KGgo=", "description": "a dot"},
    {"kind": "chart", "mark": "bar", "values": [{"a": 1, "b": 2}], "x": {"field": "a", "type": "ordinal"},
     "y": {"field": "b", "type": "quantitative"}},
]  # fmt: skip
BAD = [
    {"kind": "card", "html": "<b>"},
    {"kind": "script", "text": "alert(1)"},
    {"kind": "card", "buttons": ["<img onerror=x>"]},
    {"kind": "image", "data": "https://evil.example/x.png", "description": "a"},
    {"kind": "image", "data": "data:image/svg+xml;base64,PHN2Zz4=", "description": "a"},
    {"kind": "timer", "seconds": 10**9},
    {"kind": "chart", "mark": "bar", "values": [{"a": 1}], "x": {"field": "a", "type": "ordinal", "axis": {"labelExpr": "1"}},
     "y": {"field": "a", "type": "quantitative"}},
    {"kind": "chart", "mark": "bar", "data": {"url": "https://evil.example"}, "values": [{"a": 1}],
     "x": {"field": "a", "type": "ordinal"}, "y": {"field": "a", "type": "quantitative"}},
    {"kind": "form", "fields": []},
    {"kind": "card", "id": "a b"},
    {},
]  # fmt: skip


@pytest.mark.parametrize("value", GOOD, ids=lambda v: v["kind"])
def test_every_kind_is_read_and_written(value):
    spec = ui.parse({"id": "s1"} | value)
    assert ui.parse(spec.model_dump(mode="json")) == spec


@pytest.mark.parametrize("value", BAD, ids=range(len(BAD)))
def test_what_the_schema_does_not_have_is_refused_in_one_line(value):
    with pytest.raises(DataError) as refused:
        ui.parse({"id": "s1"} | value)
    assert "interface spec" in str(refused.value) and "\n" not in str(refused.value)


def test_charts_are_real_vega_lite():
    spec = ui.vega_lite(ui.parse({"id": "s1"} | chart("rain", ["mon", "tue"], [1, 2.5]).show))
    altair.Chart.from_dict(spec)
    with pytest.raises(Exception, match="hologram"):
        altair.Chart.from_dict(spec | {"mark": {"type": "hologram"}})


def test_short_calls_of_the_model():
    assert ui.from_call("timer 3 0 0 tea", "4.0").model_dump(exclude={"kind"}) == {
        "id": "4.0",
        "title": "tea",
        "seconds": 300,
    }
    assert ui.from_call("card buy milk", "4.0").text == "buy milk"
    assert ui.from_call('{"kind": "card", "text": "x"}', "4.0").id == "4.0"
    for wrong in ("", "timer", "timer soon", "{", '{"kind": 1}', "table x"):
        with pytest.raises(DataError):
            ui.from_call(wrong, "4.0")
