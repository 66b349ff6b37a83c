"""A page that shows scripts as film strips with their labels, so that a person can check data by eye. Read `page` first."""

import base64
import html
from collections.abc import Iterable, Sequence

from duologue.data.labels import own_end
from duologue.data.render import pictures
from duologue.data.script import Script

SECOND = 160  # pixels
EACH = 2  # turns between the pictures of a strip
QUALITY = 70
STYLE = """
body { font: 13px/1.3 system-ui, sans-serif; margin: 16px; color: #222; background: #fff }
section { overflow-x: auto; margin: 0 0 28px; border-top: 1px solid #ccc }
h2 { font-size: 14px; margin: 8px 0; position: sticky; left: 0 }
.lane { position: relative; height: 21px; margin: 2px 0 }
.strip { height: 50px }
.lane * { position: absolute; top: 0; box-sizing: border-box; overflow: hidden; white-space: nowrap }
img { width: 64px; height: 48px }
.lane span { height: 20px; padding: 1px 2px; border-left: 2px solid; border-radius: 2px }
.user span { background: #dbeafe; border-color: #1d4ed8 }
.typed span { background: #fef3c7; border-color: #b45309; overflow: visible }
.own span { background: #dcfce7; border-color: #15803d }
.quiet span { background: #eee; border-color: #999 }
.answer span { background: #fce7f3; border-color: #be185d; opacity: 0.8 }
.events i { width: 2px; height: 20px; background: #dc2626 }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd } .lane span { color: #222 } }
"""


def page(scripts: Sequence[Script]) -> str:
    """Self-contained HTML: one strip a script, with what is said, typed, wanted and to be kept quiet below it.

    Raises:
        DataError: photographs or emoji are not installed.
    """
    body = "\n".join(_section(number, script) for number, script in enumerate(scripts))
    return f"<!doctype html><meta charset=utf-8><title>Scripts</title><style>{STYLE}</style>\n{body}\n"


def _section(number: int, script: Script) -> str:
    words = [(s.start_s + w.start_s, s.start_s + w.end_s, w.text) for s in script.sounds for w in s.speech.words]
    spans = {kind: [(c.start_s, c.end_s, " / ".join(c.accept)) for c in script.checks if c.kind == kind] for kind in ("answer", "quiet")}
    lanes = {
        "user": words,
        "typed": [(t, t + 0.4, text) for t, text in script.typed],
        "own": [(o.start_s, own_end(o), o.speech.text) for o in script.own],
        **spans,
    }
    width = round(script.length_s * SECOND)
    drawn = "".join(_lane(name, found, width) for name, found in lanes.items() if found)
    about = html.escape(str(script.about))
    return f"<section><h2>{number} {script.family}: {about}</h2>{_strip(script, width)}{_events(script, width)}{drawn}</section>"


def _strip(script: Script, width: int) -> str:
    """The pictures as they reach the model; gaps are lost ones."""
    files = pictures(script, QUALITY) if script.views else []
    shown = [(turn, file) for turn, file in enumerate(files) if file and turn % EACH == 0]
    images = "".join(
        f'<img style="left:{(turn + 1) * SECOND // 5}px" src="data:image/jpeg;base64,{base64.b64encode(file).decode()}">'
        for turn, file in shown
    )
    return f'<div class="lane strip" style="width:{width}px">{images}</div>' if shown else ""


def _events(script: Script, width: int) -> str:
    """When something is seen to which the model reacts."""
    times = [view.start_s + t for view in script.views for t in view.events_s]
    marks = "".join(f'<i style="left:{round(t * SECOND)}px"></i>' for t in times)
    return f'<div class="lane events" style="width:{width}px">{marks}</div>' if marks else ""


def _lane(name: str, spans: Iterable[tuple[float, float, str]], width: int) -> str:
    boxes = "".join(
        f'<span style="left:{round(a * SECOND)}px;width:{max(4, round((b - a) * SECOND) - 1)}px" title="{a:.2f} s">'
        f"{html.escape(text)}</span>"
        for a, b, text in spans
    )
    return f'<div class="lane {name}" style="width:{width}px" title="{name}">{boxes}</div>'
