"""A system is a curve, not a point: soon against too soon, for each setting of its own dial. Read `curve` first.

Ours has one dial, patience, a shift of the decision's own logit; the standard cascade has its end-point and its barge-in. Curves
take long, so they are made once, kept in `curves/` as JSON, and drawn from there by every report.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from duologue.errors import ConfigError, DataError
from duologue.evals.contestants import CASCADE, OURS, QUIET, Contestant, contestant, ours
from duologue.evals.runs import Asked, Progress, run_all
from duologue.evals.suites import SUITES

FOLDER = Path(__file__).parent / "curves"
PATIENCES = (-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0)
ENDPOINTS_S, BARGE_INS_S = (0.2, 0.3, 0.5, 0.7, 1.0), (0.1, 0.25, 0.5)
KEPT = {  # of each suite that is swept, what is drawn
    "pause": ("takeover", "leak", "held", "p50_s", "p90_s", "penalised_s"),
    "turn": ("good", "premature", "p50_s", "p90_s", "penalised_s"),
    "overlap": ("interruption", "backchannel", "to_others", "background", "least", "mean", "stop_p50_s", "false_yield"),
    "timed": ("correct", "once", "every", "elapsed", "cancel"),
}


def settings(name: str, checkpoint: Path | None = None) -> list[Contestant]:
    """A system at every setting of its dial. Raises ConfigError for one that has none."""
    if name == OURS:
        return ours(checkpoint, list(PATIENCES))
    if name in (CASCADE, QUIET):
        return [contestant(f"{name}@{endpoint_s:g},{barge_in_s:g}") for endpoint_s in ENDPOINTS_S for barge_in_s in BARGE_INS_S]
    raise ConfigError(f"{name!r} has no dial to turn; curves are made of {OURS}, {CASCADE} and {QUIET}")


def curve(name: str, points: Sequence[Contestant], asked: Asked, progress: Progress = lambda *_: None) -> dict:
    """What each setting comes to on the suites that are swept."""
    found = run_all([SUITES[suite] for suite in KEPT], points, asked, progress)
    return {"system": name, "about": points[0].about, "cases": asked.cases, "points": [_point(p.name, found) for p in points]}


def _point(name: str, summaries: Sequence[dict]) -> dict:
    mine = {summary["suite"]: summary["figures"] for summary in summaries if summary["system"] == name}
    return {"setting": name, **{suite: {key: mine[suite][key] for key in keys} for suite, keys in KEPT.items()}}


def keep(found: dict, folder: Path) -> Path:
    """Writes a curve to where reports look for it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{found['system']}.json"
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return path


def kept(folder: Path) -> list[dict]:
    """All curves there are. Raises DataError for one that cannot be read."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read the curve {path}: {error}") from error
    return found
