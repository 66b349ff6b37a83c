"""Long session: ten minutes of questions, recitals, interruptions and pauses in one session, and the same ones afresh.

What falls with the minutes is drift only if the very same probes do better in sessions of their own. Probes that silence or
babble would win are left out. Between them is a stretch in which nothing is asked. Read `SUITE`, then `_session`.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, pairwise

import numpy as np

from duologue.data.mix import joined
from duologue.data.script import Script
from duologue.evals.draws import Source, take
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome, onset_in
from duologue.evals.score import Reader, Verdict
from duologue.evals.stats import Figure, of_sums, share
from duologue.evals.suite import Record, Suite, right, rows, seen
from duologue.evals.trials import Trial, moved

LENGTH_S = 600.0
IDLE_S, SETTLED_S = 5.0, 2.0  # of nothing between two probes, the first seconds of which are not looked at
BINS_S = (0.0, 60.0, 120.0, 300.0, 1e9)
CASES_A_SESSION = 30
MOST_ITEMS, MOST_TRIALS = 6, 4  # conversations of a family in a session, and probes in each
PROBES = {  # family -> rows that neither silence nor babble wins
    "talk": ("answers",), "numbers": ("answers",), "order": ("answers",), "facts": ("answers",), "repeat": ("answers",),
    "pause": ("answers", "repair"), "interrupt": ("stop", "answers"),
}  # fmt: skip


def items(source: Source, cases: int) -> list[Item]:
    """One session for every CASES_A_SESSION cases, then each of their probes alone."""
    rng, sessions = np.random.default_rng(161), max(1, cases // CASES_A_SESSION)
    each, trials = MOST_ITEMS * sessions, MOST_ITEMS * MOST_TRIALS * sessions
    pool = [item for family, kinds in PROBES.items() for item in islice(take(source, family, dict.fromkeys(kinds, trials)), each)]
    order = [pool[i] for i in rng.permutation(len(pool))]
    held = [_session(order[n::sessions]) for n in range(sessions)]
    return [item for item, _ in held] + [_alone(probe) for _, probes in held for probe in probes]


def _session(probes: Sequence[Item]) -> tuple[Item, list[Item]]:
    """Probe after probe up to LENGTH_S, and which ones they were."""
    whole, trials, used = Script("long", 1.0), [], []
    for script, wanted in probes:
        if whole.length_s + script.length_s + IDLE_S > LENGTH_S:
            continue
        begin_s = float(np.ceil(whole.length_s / 0.2 - 1e-6) * 0.2)
        whole = joined(whole, script)
        trials += [moved(trial, begin_s) for trial in wanted]
        trials.append(Trial("idle", "no_onset", whole.length_s + SETTLED_S, whole.length_s + IDLE_S))
        whole.length_s += IDLE_S
        used.append((script, wanted))
    whole.family = "long"
    return (whole, trials), used


def _alone(probe: Item) -> Item:
    script, trials = probe
    return script, [replace(trial, row=f"fresh/{trial.row}") for trial in trials]


def observe(
    script: Script, trials: Sequence[Trial], verdicts: Sequence[Verdict], outcome: Outcome, reader: Reader
) -> dict:
    """at_s: of a session's probes, when each was and whether it went right. idle: false alarms, and minutes of idling."""
    if script.family != "long":
        return {}
    pairs = list(zip(trials, verdicts, strict=True))
    idle = [t for t, _ in pairs if t.row == "idle"]
    alarms = sum(onset_in(outcome.spans, t.begin_s, t.end_s) is not None for t in idle)
    minutes = sum(t.end_s - t.begin_s for t in idle) / 60
    return {"probes": [[t.begin_s, v.right] for t, v in pairs if t.row != "idle"], "idle": [alarms, minutes]}


def _bins(record: Record) -> list[int]:
    """Right ones and all of each bin, side by side."""
    probes = record["seen"]["probes"]
    found = [[good for at_s, good in probes if a <= at_s < b] for a, b in pairwise(BINS_S)]
    return [count for hits in found for count in (sum(hits), len(hits))]


def _slope(record: Record) -> list[float]:
    """Sums of a straight line's least squares: right or wrong against minutes."""
    x_N, y_N = np.array([(at_s / 60, good) for at_s, good in record["seen"]["probes"]]).reshape(-1, 2).T
    return [len(x_N), x_N.sum(), y_N.sum(), (x_N * y_N).sum(), (x_N**2).sum()]


def figures(records: Sequence[Record]) -> dict[str, Figure]:
    sessions = [record for record in records if record["seen"]]
    bins, idle = [_bins(record) for record in sessions], list(seen(records, "idle"))
    names = [f"right/{int(a / 60)}-{int(b / 60) if b < 1e9 else 10} min" for a, b in pairwise(BINS_S)]
    probes = [probe for found in seen(records, "probes") for probe in found]
    by_bin = [[good for at_s, good in probes if a <= at_s < b] for a, b in pairwise(BINS_S)]
    slopes = [_slope(record) for record in sessions]
    return {
        "late": share(by_bin[-1]),
        **{name: share(hits) for name, hits in zip(names, by_bin, strict=True)},
        "fresh": right(rows(records, "fresh")),
        "retention": of_sums(bins, lambda a, n, *rest: 100 * rest[-2] * n / (rest[-1] * a)),
        "slope": of_sums(slopes, lambda n, x, y, xy, xx: 100 * (n * xy - x * y) / (n * xx - x * x), "points/min"),
        "false_alarms": of_sums(idle, lambda alarms, minutes: 10 * alarms / minutes, "/10 min"),
    }


SUITE = Suite(
    name="long",
    asks="be as good in the tenth minute of a session as in the first, and say nothing when nothing is asked",
    mirrors="Full-Duplex-Bench v2 time bins, MTR-DuplexBench rounds; other data; no fact recall, no cost over time",
    items=items,
    figures=figures,
    headline="late",
    chance={"silent": 0, "always": 10, "random": 20, "metronome": 10},
    observe=observe,
)
