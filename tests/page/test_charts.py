"""Charts that the background side shows: colours are explained, and moments lie where they belong in time."""

import pytest

CITY = {"field": "city", "type": "nominal", "title": "City"}
HIGH = {"field": "high", "type": "quantitative"}


def show(visit, mark: str, values: list[dict], x: dict, **more) -> None:
    spec = {"id": mark, "kind": "chart", "mark": mark, "values": values, "x": x, "y": HIGH, **more}
    visit.server.say({"type": "session.interface", "id": mark, "spec": spec})
    visit.until(lambda: visit.js("return document.querySelector(`[data-id=${arguments[0]}] svg[role=img]`)", mark))


def each(visit, selector: str, of: str) -> list:
    return visit.js(f"return [...document.querySelectorAll(arguments[0])].map((part) => {of})", selector)


def ticks(visit, mark: str) -> dict[str, float]:
    """Names under the chart, and how far to the right they stand."""
    names = each(visit, f"[data-id={mark}] svg[role=img] text[text-anchor=middle]", "[part.textContent, +part.getAttribute('x')]")
    return dict(names)


@pytest.mark.parametrize("mark", ["bar", "line", "area", "point"])
def test_every_colour_is_named_beside_a_sample_of_its_look(visit, mark):
    visit.begin()
    cities = [f"city {k}" for k in range(9)]
    values = [{"day": day, "high": 3 + k, "city": city} for k, city in enumerate(cities) for day in ("Mon", "Tue")]
    show(visit, mark, values, {"field": "day", "type": "ordinal"}, color=CITY)
    assert each(visit, ".key li", "part.textContent") == cities
    assert visit.js("return document.querySelector('.key').ariaLabel") == "City"
    samples = each(visit, ".key svg > :last-child", "[part.getAttribute('class'), part.getAttribute('stroke-dasharray')].join()")
    drawn = each(visit, f"[data-id={mark}] svg[role=img] :is(rect, path:not(.wash))", "[part.getAttribute('class'), part.getAttribute('stroke-dasharray')].join()")
    assert set(drawn) == set(samples) and len(set(samples[:4])) == 4
    if mark in ("line", "area"):
        assert len(set(samples)) == 9
    if mark == "point":
        assert len({*zip(samples, each(visit, ".key path", "part.getAttribute('d')"), strict=True)}) == 9


def test_a_chart_of_one_colour_has_no_legend(visit):
    visit.begin()
    show(visit, "bar", [{"day": "Mon", "high": 3}], {"field": "day", "type": "ordinal"})
    assert not visit.js("return document.querySelector('.key')")


def test_moments_lie_to_scale_and_in_order_whatever_the_order_of_the_values(visit):
    visit.begin()
    values = [{"day": f"2026-05-{day:02}", "high": day} for day in (11, 1, 2, 5)]
    show(visit, "point", [*values, {"day": "soon", "high": 1}], {"field": "day", "type": "temporal"})
    places = each(visit, "svg[role=img] path.fill", "+part.getAttribute('transform').match(/[\\d.]+/)[0]")
    assert len(places) == 4 and places == sorted(places)
    steps = [(place - places[0]) / (places[1] - places[0]) for place in places]
    assert steps == pytest.approx([0, 1, 4, 10])
    named = ticks(visit, "point")
    assert {"1 May", "3 May", "2026"} <= named.keys()
    assert named["1 May"] == pytest.approx(places[0]) and named["5 May"] == pytest.approx(places[2])


def test_hours_are_named_with_the_day_where_it_begins(visit):
    visit.begin()
    values = [{"at": at, "high": 1} for at in ("2026-05-01T22:00", "2026-05-02T04:00")]
    show(visit, "line", values, {"field": "at", "type": "temporal"})
    assert list(ticks(visit, "line")) == ["22:00", "1 May", "00:00", "2 May", "02:00", "04:00"]


@pytest.mark.parametrize("first, last", [("2019", "2026"), (-8.64e15, 8.64e15), (0, 3000), ("2025-11-03", "2026-02-03"), (1e300, 2e300), ("1 2", "")])
def test_whatever_the_moments_there_are_few_names(visit, first, last):
    visit.begin()
    show(visit, "line", [{"at": first, "high": 1}, {"at": last, "high": 2}], {"field": "at", "type": "temporal"})
    assert 1 <= len(ticks(visit, "line")) <= 12


def test_bars_in_time_do_not_cover_each_other(visit):
    visit.begin()
    values = [{"day": f"2026-05-{day:02}", "high": 5, "city": city} for day in (1, 2, 9) for city in ("Oslo", "Rome")]
    show(visit, "bar", values, {"field": "day", "type": "temporal"}, color=CITY)
    bars = sorted(each(visit, "svg[role=img] rect", "[+part.getAttribute('x'), +part.getAttribute('width')]"))
    assert len(bars) == 6 and all(x + width <= next_x + 1e-6 for (x, width), (next_x, _) in zip(bars, bars[1:], strict=False))
