"""Pictures of the report as SVG text: bars with intervals, curves, histograms, drift, and a conversation on its clock.

Read `bars` first: all share `_svg` and colours that work on light and dark paper.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

import numpy as np

WIDTH = 760
INK = {"ours": "#d4532a", "oracle": "#2f8f57", "cascade": "#2f66c4", "engineered": "#7a5ea8"}
OTHER, SOFT, USER, WANTED, QUIET = "#8a857c", "#77726a", "#2f66c4", "#2f8f57", "#c0a030"
LANE, LABEL = 26, 124


def ink_of(system: str) -> str:
    return INK.get(system.partition("@")[0], OTHER)


def _svg(parts: Sequence[str], height: float, title: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title, True)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _text(x: float, y: float, text: str, anchor: str = "start", extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(text)}</text>'


def _line(points: Sequence[tuple[float, float]], ink: str, extra: str = "") -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{ink}" {extra}/>'


Place = tuple[float, float, float, float]  # left, top, width, height


def _box(place: Place, ink: str, extra: str = "", title: str = "") -> str:
    x, y, wide, tall = place
    tip = f"<title>{escape(title)}</title>" if title else ""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(wide, 0.8):.1f}" height="{tall:.1f}" fill="{ink}" {extra}>{tip}</rect>'


def bars(figures: Mapping[str, dict], title: str) -> str:
    """A bar a system from 0 to 100 with its interval as a line; what has no value stays empty."""
    parts, right = [], WIDTH - 150
    for row, (system, figure) in enumerate(figures.items()):
        y = row * LANE
        parts.append(_text(LABEL - 8, y + 17, system, "end"))
        if figure["value"] is None:
            parts.append(_text(LABEL, y + 17, "no value", extra='class="soft"'))
            continue
        value, low, high = (LABEL + max(0.0, figure[name]) * (right - LABEL) / 100 for name in ("value", "low", "high"))
        parts.append(_box((LABEL, y + 5, value - LABEL, LANE - 10), ink_of(system), 'opacity="0.75"'))
        parts.append(_line([(low, y + LANE / 2), (high, y + LANE / 2)], "currentColor", 'stroke-width="1.5"'))
        label = f"{figure['value']:.1f} ({figure['low']:.0f} to {figure['high']:.0f}), n={figure['cases']}"
        parts.append(_text(max(value, high) + 6, y + 17, label, extra='class="soft"'))
    return _svg(parts, len(figures) * LANE + 4, title)


def curves(lines: Mapping[str, Sequence[tuple[float, float, str]]], title: str, x_name: str, y_name: str) -> str:
    """Points (x, y, label) of each system, joined; y from 0 to 100, x from 0 to the largest."""
    left, top, wide, tall = 60, 14, WIDTH - 210, 260
    most = max([1.0, *(x for points in lines.values() for x, _, _ in points)])
    parts = _axes((left, top, wide, tall), most, x_name, y_name)
    for row, (system, points) in enumerate(lines.items()):
        placed = [(left + max(0.0, x) / most * wide, top + tall * (1 - y / 100)) for x, y, _ in points]
        parts.append(_line(placed, ink_of(system), 'stroke-width="2"'))
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{ink_of(system)}"><title>{escape(name)}</title></circle>'
            for (x, y), (_, _, name) in zip(placed, points, strict=True)
        ]
        parts.append(_text(left + wide + 14, top + 16 + 18 * row, system, extra=f'style="fill: {ink_of(system)}" class="name"'))
    return _svg(parts, top + tall + 44, title)


def _axes(place: Place, most: float, x_name: str, y_name: str) -> list[str]:
    left, top, wide, tall = place
    parts = [_line([(left, top), (left, top + tall), (left + wide, top + tall)], SOFT)]
    for share in (0, 25, 50, 75, 100):
        y = top + tall * (1 - share / 100)
        parts.append(_text(left - 6, y + 4, str(share), "end", 'class="soft"'))
        parts.append(_line([(left, y), (left + wide, y)], SOFT, 'opacity="0.2"'))
    parts += [_text(left + wide * k / 4, top + tall + 16, f"{most * k / 4:.2g}", "middle", 'class="soft"') for k in range(5)]
    parts.append(_text(left + wide / 2, top + tall + 36, x_name, "middle"))
    return [*parts, _text(left, top - 3, y_name, extra='class="soft"')]


def histogram(values: Mapping[str, Sequence[float]], low: float, high: float, title: str) -> str:
    """For each system how many values fall into each of forty bins; those outside are put into the outermost."""
    parts, tall, names = [], 56, [name for name, found in values.items() if len(found)]
    for row, name in enumerate(names):
        counts, edges = np.histogram(np.clip(values[name], low, high), 40, (low, high))
        top = row * (tall + 22)
        parts.append(_text(LABEL - 8, top + tall, f"{name}, n={len(values[name])}", "end"))
        scale, wide = (WIDTH - LABEL - 20) / (high - low), (WIDTH - LABEL - 20) / 40
        for count, edge in zip(counts, edges, strict=False):
            bar = tall * count / counts.max()
            parts.append(_box((LABEL + (edge - low) * scale, top + tall - bar, wide - 1, bar), ink_of(name), title=str(count)))
        ticks = np.linspace(low, high, 6)
        parts += [_text(LABEL + (t - low) * scale, top + tall + 14, f"{t:.2g} s", "middle", 'class="soft"') for t in ticks]
    return _svg(parts, max(1, len(names)) * (tall + 22), title)


def timeline(story: Mapping, spans: Sequence[Sequence[float]], title: str) -> str:
    """One conversation on its clock: what was said to the system, what was wanted, when it made sound."""
    seconds = max(1.0, story["seconds"])
    scale = (WIDTH - LABEL - 10) / seconds
    lanes = [_lane("they say", 0), _lane("wanted", 1), _lane("it sounds", 2)]
    for begin_s, end_s, text in story["user"]:
        lanes.append(_box((LABEL + begin_s * scale, 4, (end_s - begin_s) * scale, LANE - 8), USER, 'rx="3"', text))
    for kind, begin_s, end_s, text in story["wanted"]:
        ink, tip = (QUIET, "silence") if kind in ("quiet", "no_onset") else (WANTED, f"{kind}: {text}")
        wide = (min(end_s, seconds) - begin_s) * scale
        lanes.append(_box((LABEL + begin_s * scale, LANE + 4, wide, LANE - 8), ink, 'rx="3" opacity="0.55"', tip))
    for begin_s, end_s in spans:
        if begin_s < seconds:
            wide = (min(end_s, seconds) - begin_s) * scale
            lanes.append(_box((LABEL + begin_s * scale, 2 * LANE + 4, wide, LANE - 8), INK["ours"], 'rx="3"'))
    return _svg([*lanes, *_clock(seconds, scale)], 3 * LANE + 20, title)


def _lane(name: str, row: int) -> str:
    return _text(LABEL - 8, row * LANE + 17, name, "end")


def _clock(seconds: float, scale: float) -> Iterator[str]:
    step = next(s for s in (1, 2, 5, 10, 30, 60, 1e9) if seconds / s <= 16)
    for k in range(int(seconds / step) + 1):
        x = LABEL + k * step * scale
        yield _line([(x, 0), (x, 3 * LANE)], SOFT, 'opacity="0.25"')
        yield _text(x, 3 * LANE + 14, f"{k * step:g} s", "middle", 'class="soft"')
