"""What the suites share that measure speaking up unasked: reactions as trials, false ones, twins from a screen.

Read `reactions` and `observed` first. Everything that a figure needs lies in the trials, so that frozen items have it too.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from duologue.data.families.time import ACK
from duologue.data.script import Check, Script
from duologue.evals.draws import Source
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome, segments
from duologue.evals.scenery import is_refilmed, twins
from duologue.evals.stats import Figure, of_sums, share
from duologue.evals.suite import Record
from duologue.evals.trials import FOREVER_S, Trial

OKAY, MEANWHILE = "okay", "meanwhile"  # rows of answers that are allowed, and not what is measured


def taken(source: Source, family: str, kind_of: Callable[[Item], str | None], cases: int) -> list[Item]:
    """The first conversations of a family, so many of each kind; None is no kind."""
    kept: dict[str, int] = {}
    found = []
    for item in source(family):
        kind = kind_of(item)
        if kind is not None and kept.get(kind, 0) < cases:
            kept[kind] = kept.get(kind, 0) + 1
            found.append(item)
    return found


def with_trials(items: Iterable[Item], trials_of: Callable[[Script], list[Trial] | None]) -> list[Item]:
    """Conversations with the trials that a suite has for them, those left out for which it has none; each with its twin."""
    found = ((script, trials_of(script)) for script, _ in items)
    return twins((script, trials) for script, trials in found if trials)


def reactions(script: Script, row: str, is_reaction: Callable[[Check], bool]) -> list[Trial]:
    """What is to be said at a moment, and beside it what may be: "okay" to the rule, answers to other questions."""
    answers = sorted((c for c in script.checks if c.kind == "answer"), key=lambda c: c.start_s)
    moments = [c.after_s for c in answers if is_reaction(c)] + [FOREVER_S]
    return [_trial(c, row, moments) if is_reaction(c) else _allowed(c) for c in answers]


def _trial(check: Check, row: str, moments: Sequence[float]) -> Trial:
    then_s = min(t for t in moments if t > check.after_s)
    return Trial(row, "word", check.start_s, check.end_s, check.accept, check.after_s, limit_s=then_s)


def _allowed(check: Check) -> Trial:
    row = OKAY if check.accept == (ACK,) else MEANWHILE
    return Trial(row, "answer", check.start_s, check.end_s, check.accept, check.after_s)


def wanted(trials: Sequence[Trial]) -> list[Trial]:
    """Those that are measured."""
    return [trial for trial in trials if not trial.row.endswith((OKAY, MEANWHILE))]


def false_ones(trials: Sequence[Trial], outcome: Outcome) -> int:
    """How often it began to speak where nothing was wanted; beginnings less than half a second after an end are none."""
    spoken = [begin_s for begin_s, _ in segments(outcome.spans)]
    open_spans = [(trial.begin_s, trial.end_s) for trial in trials if trial.kind in ("word", "answer")]
    return sum(not any(a - 1e-6 <= begin_s <= b for a, b in open_spans) for begin_s in spoken)


def every(records: Iterable[Record], name: str) -> list:
    """What was seen under a name in all of these conversations, in one list."""
    return [value for record in records for value in record["seen"][name]]


def direct(records: Sequence[Record]) -> list[Record]:
    """Conversations that were not filmed from a screen."""
    return [record for record in records if not is_refilmed(record)]


def per_minute(records: Sequence[Record]) -> Figure:
    """False beginnings a minute of conversation."""
    counts = [(record["seen"]["false"], record["seconds"] / 60) for record in records]
    return of_sums(counts, lambda false, minutes: false / minutes, "/min")


def refilmed(records: Sequence[Record], name: str) -> dict[str, Figure]:
    """A share of hits from a screen, and the points that the screen costs on the very same conversations."""
    pairs = [
        (sum(a["seen"][name]), len(a["seen"][name]), sum(b["seen"][name]), len(b["seen"][name]))
        for a, b in _paired(sorted(records, key=lambda record: record["case"]))
    ]
    hits = [hit for record in records if is_refilmed(record) for hit in record["seen"][name]]
    lost = of_sums(pairs, lambda right, all_, right_again, again: 100 * (right / all_ - right_again / again), "points")
    return {"refilmed": share(hits), "refilmed_loses": lost}


def _paired(records: Sequence[Record]) -> list[tuple[Record, Record]]:
    """Each conversation with its twin, which comes next."""
    return [(a, b) for a, b in pairwise(records) if is_refilmed(b)]
