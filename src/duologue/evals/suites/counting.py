"""Counting: repetitions in the picture are counted aloud as they come. Read `SUITE` first.

The headline counts numbers heard within a second of their repetition's end, and takes off those said too often. RepCount-A's
figure as it is streamed stands beside it: the last number said after the last repetition but one has ended is off by one at
most. Whoever says the numbers in order at any time gets much of that one, as does a good guess of the usual count.
"""

from collections.abc import Sequence

import numpy as np

from duologue.data.families.lexicon import NUMBERS
from duologue.data.script import Check, Script
from duologue.evals.draws import Source
from duologue.evals.heard import Heard, sounding, timed_words
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome
from duologue.evals.score import Reader, Verdict
from duologue.evals.stats import Figure, mean, of_sums, share
from duologue.evals.suite import Record, Suite, readings, rows, seen
from duologue.evals.trials import Trial
from duologue.evals.unasked import (
    OKAY,
    direct,
    every,
    false_ones,
    per_minute,
    reactions,
    refilmed,
    taken,
    with_trials,
)

ROW, NOTHING = "repetition", "nothing"
NONE_SHARE = 8  # conversations with something to count for each without


def items(source: Source, cases: int) -> list[Item]:
    some = taken(source, "count", lambda item: "some" if item[0].views[0].events_s else None, cases)
    none = taken(source, "count", lambda item: None if item[0].views[0].events_s else "none", max(1, cases // NONE_SHARE))
    return with_trials([*some, *none], trials_of)


def trials_of(script: Script) -> list[Trial]:
    """A trial a repetition, from when its end has been seen, or one of silence; the asked total is allowed, and ends the count."""
    seen_s = script.views[0].events_s

    def is_repetition(check: Check) -> bool:
        return check.after_s in seen_s

    trials = reactions(script, f"{ROW}/{script.about['items'][0]['class']}", is_repetition)
    return trials if seen_s else [*trials, Trial(NOTHING, "quiet", 0.0, 0.0)]


def observe(
    script: Script, trials: Sequence[Trial], verdicts: Sequence[Verdict], outcome: Outcome, reader: Reader
) -> dict:
    """each: by repetition, whether its number came in time. counts: in time, wanted, numbers said until the total is asked for, those
    of them that had been said before. said: the last of them after the last repetition but one, None for none; near: whether it is
    off by one at most. kept: where there was nothing to count, whether no number was said."""
    ends_s = [trial.after_s for trial in trials if trial.kind == "word"]
    numbers = _numbers(timed_words(outcome, reader), _over_s(script, trials, ends_s))
    from_s = ends_s[-2:][0] if ends_s else 0.0
    said = next((n for t, n in reversed(numbers) if t > from_s), None)
    each = [v.right for t, v in zip(trials, verdicts, strict=True) if t.kind == "word"]
    near = (said is not None or not ends_s) and abs((said or 0) - len(ends_s)) <= 1 and not outcome.failure
    counts = [sum(each), len(each), len(numbers), len(numbers) - len({n for _, n in numbers})]
    kept = [] if ends_s else [not numbers and not outcome.failure]
    return {"each": each, "counts": counts, "said": said, "near": [near], "kept": kept, "false": false_ones(trials, outcome)}


def _numbers(heard: Heard, until_s: float) -> list[tuple[float, int]]:
    return [(t, NUMBERS.index(sounding(word))) for t, word in heard if t <= until_s and sounding(word) in NUMBERS]


def _over_s(script: Script, trials: Sequence[Trial], ends_s: Sequence[float]) -> float:
    """When the total is asked for, or the end."""
    last_s = ends_s[-1] if ends_s else _begun_s(trials)
    return min((t.begin_s for t in trials if t.kind == "answer" and t.begin_s > last_s), default=script.length_s)


def _begun_s(trials: Sequence[Trial]) -> float:
    """When "okay" has had its time, where there is nothing to count."""
    return max((t.end_s for t in trials if t.row.endswith(OKAY)), default=0.0)


def figures(records: Sequence[Record]) -> dict[str, Figure]:
    mine = direct(records)
    sums = list(seen(mine, "counts"))
    counts = [count for _, count, *_ in sums]
    off = [abs((said or 0) - count) / (count + 0.1) for said, count in zip(seen(mine, "said"), counts, strict=True)]
    constant = max(counts, key=lambda c: sum(abs(c - count) <= 1 for count in counts), default=0)
    return {
        "counted": of_sums(sums, lambda hit, count, said, _: 100 * np.maximum(0, hit - np.maximum(0, said - count)) / count),
        "off_by_one": share(every(mine, "near")),
        "each": share(every(mine, "each")),
        "repetition_f1": of_sums(sums, lambda hit, count, said, _: 200 * hit / (count + said)),
        "counted_twice": of_sums(sums, lambda hit, count, said, again: 100 * again / said),
        "kept_quiet": share(every(mine, "kept")),
        **readings(rows(mine, ROW), "number"),
        "error": mean(off, "of the count"),
        "constant": share([abs(constant - count) <= 1 for count in counts]),
        "false_per_minute": per_minute(mine),
        **refilmed(records, "near"),
    }


SUITE = Suite(
    name="counting",
    asks="count repetitions aloud as they are seen",
    mirrors="RepCount-A as streamed (off by one on the last number after the last repetition but one); other data: drawn figures",
    items=items,
    figures=figures,
    headline="counted",
    chance={"silent": 0, "always": 10, "random": 25, "metronome": 10},
    observe=observe,
)
