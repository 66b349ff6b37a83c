"""A suite: conversations with what is wanted in them, and the figures that follow from what was seen.

Read `Suite`, then `record_of`. Each suite is a file of its own in `suites/`. Everything between a conversation and its
figures is a record, a plain dict that can be stored: so a run can be resumed, and figures be drawn anew from old runs.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from duologue.data.script import Script
from duologue.evals.draws import Source
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome
from duologue.evals.score import Reader, Verdict, score
from duologue.evals.stats import Figure, mean, quantile, share
from duologue.evals.trials import ANSWER_S, Trial

Record = dict  # case, seconds, failure, spans, trials (a dict each) and seen (what the suite looked at besides)
Observed = Callable[[Script, Sequence[Trial], Sequence[Verdict], Outcome, Reader], dict]
ORACLE_LEAST = 98.0  # percent of the headline that the labels themselves must reach


class Suite(NamedTuple):
    """One thing that is measured.

    Attributes:
        asks: what a system must do, in one line for people.
        mirrors: the published benchmark that it resembles, and that the data differs.
        items: conversations for a number of cases.
        figures: all its numbers; the one named `headline` is in percent, and more is better.
        chance: the most that each control gets of the headline, in percent; the oracle gets ORACLE_LEAST at least.
        observe: facts about one conversation besides its verdicts.
        beside: controls that only this suite has, run with every system.
        short: rows of its conversations that have fewer cases than were asked for: how many, of how many.
    """

    name: str
    asks: str
    mirrors: str
    items: Callable[[Source, int], list[Item]]
    figures: Callable[[Sequence[Record]], dict[str, Figure]]
    headline: str
    chance: dict[str, float]
    observe: Observed = lambda *_: {}
    beside: tuple[str, ...] = ()
    short: Callable[[Sequence[Item], int], dict[str, tuple[int, int]]] = lambda *_: {}


class Ears(NamedTuple):
    """Who listens: the headline's reader, and beside it one that knows only the words of the world (None: not asked)."""

    reader: Reader
    closed: Reader | None = None


def record_of(suite: Suite, case: int, item: Item, outcome: Outcome, ears: Ears) -> Record:
    """What is kept of one conversation; a system that failed has everything wrong."""
    script, trials = item
    verdicts = [score(trial, outcome, ears.reader) for trial in trials]
    rows = [_row(trial, verdict, outcome, ears) for trial, verdict in zip(trials, verdicts, strict=True)]
    seen = suite.observe(script, trials, verdicts, outcome, ears.reader)
    about = {"case": case, "seconds": script.length_s, "failure": outcome.failure, "spans": outcome.spans}
    return _rounded({**about, "trials": rows, "seen": seen})


def _row(trial: Trial, verdict: Verdict, outcome: Outcome, ears: Ears) -> dict:
    closed = verdict.right
    if ears.closed and verdict.heard:
        closed = score(trial, outcome, ears.closed).right
    return {"row": trial.row, **verdict._asdict(), "likely": verdict.right or verdict.likely, "closed": closed}


def _rounded(value):
    """Times to the millisecond, tuples as lists: what comes back from JSON is the same."""
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(entry) for entry in value]
    return round(float(value), 3) if isinstance(value, float) else value


def rows(records: Sequence[Record], row: str = "") -> list[dict]:
    """The trials of a row (of all rows), in the order of the cases."""
    every = (trial for record in records for trial in record["trials"])
    return [trial for trial in every if not row or trial["row"] == row or trial["row"].startswith(f"{row}/")]


def seen(records: Sequence[Record], name: str) -> Iterator:
    """What `observe` found under this name, of each conversation that has it."""
    return (record["seen"][name] for record in records if name in record["seen"])


def right(trials: Sequence[dict], reading: str = "right") -> Figure:
    return share([trial[reading] for trial in trials])


def readings(trials: Sequence[dict], name: str = "right") -> dict[str, Figure]:
    """A content score by all three ears: Whisper, Whisper choosing among the world's answers, PocketSphinx."""
    return {name: right(trials), f"{name}_likely": right(trials, "likely"), f"{name}_closed": right(trials, "closed")}


def latencies(onsets_s: Sequence[float | None], missed_s: float = ANSWER_S) -> dict[str, Figure]:
    """How late the answers began, signed; in the penalised mean a missed one costs the whole window."""
    taken = [onset_s for onset_s in onsets_s if onset_s is not None]
    return {
        "taken": share([onset_s is not None for onset_s in onsets_s]),
        "p50_s": quantile(taken, 50),
        "p90_s": quantile(taken, 90),
        "penalised_s": mean([missed_s if onset_s is None else onset_s for onset_s in onsets_s]),
    }
