"""The report: one self-contained HTML page, and the same figures as JSON beside it. Read `report`, then `render`."""

import base64
import html
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import duologue
from duologue.errors import DataError
from duologue.evals import curves, draw
from duologue.evals.contestants import OURS, Contestant
from duologue.evals.glossary import meaning
from duologue.evals.report import number
from duologue.evals.runs import EXAMPLES, HEADLINED, Asked, Progress, ceiling_of, ceilings, run_all, stem, stored
from duologue.evals.suite import Record, Suite, seen

TIERS = {"quick": 15, "report": 300}  # cases of each kind
FIGURES = 8  # shown of a suite at once; the rest can be unfolded
UNITS = {"min": "minutes into the session", "interruptions": "times the refusal was talked over"}
VIEWS = (  # of the curves: suite and figure, title, what is counted
    ("pause", "takeover", "False take-over", "% of pauses taken for the end: less is better"),
    ("overlap", "mean", "Stopping and going on", "% right, mean of the four overlaps: more is better"),
    ("timed", "correct", "Speaking at a time agreed on", "% right, mean of four kinds: more is better"),
)
STEP = re.compile(rf"(\w+)/(\d+) ({'|'.join(UNITS)})")


def report(
    tier: str,
    suites: Sequence[Suite],
    who: Sequence[Contestant],
    asked: Asked,
    out: Path,
    progress: Progress = lambda *_: None,
) -> list[dict]:
    """Measures the systems on the suites, and writes the page and its JSON. Returns the summaries.

    In tier "report" the oracle is listened to, and is the judge's ceiling; in "quick" the ceilings are those on file.

    Raises:
        ConfigError: a judge is missing. DataError: there are no conversations, or the page cannot be written.
    """
    heard = {"oracle"} if tier == "report" else set()
    found = run_all(suites, who, asked, progress, listened=lambda one: not one.is_control or one.name in heard)
    best = ceilings() | (ceiling_of(found) if heard else {})
    about = {"version": duologue.__version__, "tier": tier, "cases": asked.cases, "seed": asked.seed, "weights": who[0].about}
    result = {"about": about, "ceilings": best, "suites": found, "curves": curves.kept(curves.FOLDER)}
    _write(out, render(result, suites, asked.folder))
    _write(out.with_suffix(".json"), json.dumps(result, indent=1) + "\n")
    return found


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot write {path}: {error}") from error


def render(result: Mapping, suites: Sequence[Suite], run: Path) -> str:
    """The whole page.

    Args:
        result: what `report` writes as JSON.
        run: the folder of the run, for examples and histograms.
    """
    by_suite = {suite.name: {s["system"]: s for s in result["suites"] if s["suite"] == suite.name} for suite in suites}
    about = result["about"]
    parts = {
        "intro": "A computer that talks must know more than what to say: when to wait, when to answer, when to stop, when to go on. "
        f"Here it is measured, in {about['cases']} cases of each kind, on what is heard in its sound.",
        "headlined": f"{HEADLINED:g}",
        "panel": _panel(suites, by_suite, result["ceilings"]),
        "curves": _curves(result["curves"]),
        "suites": "".join(_suite(suite, by_suite[suite.name], result["ceilings"].get(suite.name, {}), run) for suite in suites),
        "about": html.escape(", ".join(f"{name} {value}" for name, value in about.items())),
    }
    before, *rest = files("duologue.evals").joinpath("page.html").read_text(encoding="utf-8").split("{{")
    return before + "".join(parts[key] + tail for key, tail in (piece.split("}}", 1) for piece in rest))


def _panel(suites: Sequence[Suite], by_suite: Mapping, best: Mapping[str, Mapping]) -> str:
    systems = list(dict.fromkeys(system for found in by_suite.values() for system in found))
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ["task", *systems, "by chance", "judge"])
    rows = "".join(_panel_row(suite, by_suite[suite.name], systems, best.get(suite.name, {})) for suite in suites)
    return f"<table><tr>{head}</tr>{rows}</table>"


def _panel_row(suite: Suite, found: Mapping, systems: Sequence[str], best: Mapping[str, float]) -> str:
    cells = "".join(f'<td class="n">{_cell(found[name], suite.headline) if name in found else ""}</td>' for name in systems)
    chance, ceiling = max(suite.chance.values()), best.get(suite.headline)
    judge = "not measured" if ceiling is None else f"{ceiling:.1f}" + ("" if ceiling >= HEADLINED else "<br>do not quote")
    task = f'<a href="#{suite.name}"><b>{suite.name}</b></a><br><span class="soft">{html.escape(suite.asks)}</span>'
    return f'<tr><td>{task}</td>{cells}<td class="n">{chance:g}</td><td class="n">{judge}</td></tr>'


def _cell(summary: Mapping, headline: str) -> str:
    figure = summary["figures"][headline]
    if figure["value"] is None:
        return f'<span class="soft">none<br>n={figure["cases"]}</span>'
    spread = f'{figure["low"]:.0f} to {figure["high"]:.0f}<br>n={figure["cases"]}'
    failed = sum(summary["failed"].values())
    return f'<b>{figure["value"]:.1f}</b><br><span class="soft">{spread}{f"<br>{failed} failed" if failed else ""}</span>'


def _curves(found: Sequence[Mapping]) -> str:
    if not found:
        return '<p class="soft">No curve has been measured yet: duologue eval curve --system ours, and --system cascade.</p>'
    counts = ", ".join(f"{curve['system']}: {curve['cases']} cases of each kind" for curve in found)
    return "".join(_figure(_swept(found, view), f"{counts}.") for view in VIEWS)


def _swept(found: Sequence[Mapping], view: tuple[str, str, str, str]) -> str:
    suite, figure, title, y_name = view
    lines = {curve["system"]: sorted(point for p in curve["points"] if (point := _curve_point(p, suite, figure))) for curve in found}
    return draw.curves(lines, title, "seconds to the answer, median", y_name)


def _curve_point(point: Mapping, suite: str, figure: str) -> tuple[float, float, str] | None:
    late, value = point["turn"]["p50_s"]["value"], point[suite][figure]["value"]
    label = f"{point['setting']}: {value} % after {late} s; right and in time {point['turn']['good']['value']} %"
    return None if late is None or value is None else (late, value, label)


def _suite(suite: Suite, found: Mapping, best: Mapping[str, float], run: Path) -> str:
    headline = {name: summary["figures"][suite.headline] for name, summary in found.items()}
    records = {name: stored(run, suite.name, name) for name in found}
    return (
        f'<h2 id="{suite.name}">{suite.name}: {html.escape(suite.asks)}</h2>'
        f'<p class="soft">Resembles {html.escape(suite.mirrors)}.</p>'
        f"<figure>{draw.bars(headline, suite.headline)}<figcaption>{html.escape(meaning(suite.headline))}</figcaption></figure>"
        f"{_timing(records)}{_drift(found)}{_steps(found)}{_table(found, best)}{_examples(suite, found, records, run)}"
    )


def _table(found: Mapping, best: Mapping[str, float]) -> str:
    """All figures of ours (of the first system where ours is not there), the first ones open; the judge's ceiling beside."""
    name = OURS if OURS in found else next(iter(found))
    rows = [
        f"<tr><td>{html.escape(meaning(key))}</td><td class='n'>{html.escape(number(figure))}</td>"
        f"<td class='n soft'>{'' if best.get(key) is None else f'judge {best[key]:.3g}'}</td></tr>"
        for key, figure in found[name]["figures"].items()
    ]
    rest = f"<details><summary>all figures</summary><div class='wide'><table>{''.join(rows[FIGURES:])}</table></div></details>"
    return f"<p><b>{html.escape(name)}</b>, with 95 % intervals:</p><div class='wide'><table>{''.join(rows[:FIGURES])}</table></div>" + (
        rest if len(rows) > FIGURES else ""
    )


def _timing(records: Mapping[str, Sequence[Record]]) -> str:
    """When it began, against when it was wanted; nothing for tasks without a moment."""
    shown = {name: found for name, found in records.items() if name not in ("silent", "always")}
    slots = {name: [e for errors in seen(found, "errors_s") for e in errors if e is not None] for name, found in shown.items()}
    if any(slots.values()):
        return _figure(draw.histogram(slots, -2, 2, "Timing"), "When it spoke against the moment that was agreed on, every timer.")
    onsets = {name: [t["onset_s"] for r in found for t in r["trials"] if t["onset_s"] is not None] for name, found in shown.items()}
    if not any(onsets.values()):
        return ""
    return _figure(draw.histogram(onsets, -0.5, 2.5, "Timing"), "When answers began, counted from the end of what was asked.")


def _figure(picture: str, caption: str) -> str:
    return f"<figure>{picture}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _drift(found: Mapping) -> str:
    """Over the minutes of a session, where a task has them."""
    lines = {}
    for name, summary in found.items():
        bins = [figure for key, figure in summary["figures"].items() if key.startswith("right/")]
        points = [(minute, f["value"], f"{f['value']:.0f} %, n={f['cases']}") for minute, f in zip((0.5, 1.5, 3.5, 7.5), bins, strict=False)
                  if f["value"] is not None]  # fmt: skip
        lines |= {name: points} if points else {}
    if not lines:
        return ""
    return _figure(draw.curves(lines, "Drift", "minutes into the session", "% right"), "Probes right in the minutes of a session.")


def _steps(found: Mapping) -> str:
    """Figures that are measured step by step, named "refused/5 min" or "refused/3 interruptions": a picture of each kind."""
    lines: dict[tuple[str, str], dict[str, list]] = {}
    for system, summary in found.items():
        for key, figure in summary["figures"].items():
            if (step := STEP.fullmatch(key)) and figure["value"] is not None:
                label = f"{figure['value']:.0f} % ({figure['low']:.0f} to {figure['high']:.0f}), n={figure['cases']}"
                lines.setdefault((step[1], step[3]), {}).setdefault(system, []).append((float(step[2]), figure["value"], label))
    drawn = (_figure(draw.curves(points, f"{name} by {unit}", UNITS[unit], "%"), f"{meaning(name)}.") for (name, unit), points in lines.items())
    return "".join(drawn)


def _examples(suite: Suite, found: Mapping, records: Mapping[str, Sequence[Record]], run: Path) -> str:
    """The first conversations, not the best ones: sound, and its timeline."""
    name = OURS if OURS in found else next(iter(found))
    told = "".join(_example(suite, name, record, run) for record in records[name][:EXAMPLES])
    key = ('<p class="key soft">The first cases, not the best ones; left ear: the user, right ear: the system. '
           '<i style="background:#2f66c4"></i>what it hears <i style="background:#2f8f57"></i>where something is wanted '
           '<i style="background:#c0a030"></i>where silence is wanted <i style="background:#d4532a"></i>its sound</p>')  # fmt: skip
    return f"<h3>To listen to: {html.escape(name)}</h3>{key}{told}"


def _example(suite: Suite, name: str, record: Record, run: Path) -> str:
    sound = run / f"{stem(suite.name, name)}.{record['case']}.ogg"
    if record["failure"] or not sound.exists():
        return f"<p>Case {record['case']} failed: {html.escape(record['failure'] or 'its sound is missing')}</p>"
    data = base64.b64encode(sound.read_bytes()).decode()
    said = "; ".join(_verdict(trial) for trial in record["trials"][:12])
    picture = draw.timeline(record["story"], record["spans"], f"{suite.name}, case {record['case']}")
    player = f'<audio controls preload="none" src="data:audio/ogg;base64,{data}"></audio>'
    return f"<figure>{picture}{player}<figcaption>{html.escape(said)}</figcaption></figure>"


def _verdict(trial: Mapping) -> str:
    heard = f" (heard: {trial['heard']})" if trial["heard"] else ""
    return f"{trial['row']}: {'right' if trial['right'] else trial['reason'] or 'wrong'}{heard}"
