"""Start and stop: "say start when he jumps and stop when he stops": how well the two words enclose it. Read `SUITE` first.

Charades' temporal overlap. The headline forgives each word a second, for nobody can know an action by its first picture nor its
end by the last; `overlap` forgives nothing, as published. Beside it, what two intervals get that follow nothing that is seen: from
the rule to the end of the pictures, and from the mean beginning to the mean end of all items; `above_control` is the overlap less
the better of these.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from duologue.data.script import Check, Script
from duologue.evals.draws import Source
from duologue.evals.heard import Heard, first_at, timed_words
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome, Span
from duologue.evals.score import Reader, Verdict
from duologue.evals.stats import Figure, mean, of_sums, quantile, share
from duologue.evals.suite import Record, Suite, readings, rows, seen
from duologue.evals.trials import Trial
from duologue.evals.unasked import direct, false_ones, per_minute, reactions, refilmed, taken, with_trials

FORGIVEN_S = 1.0
LEAST = (0.3, 0.5, 0.7)  # overlaps that count as found
GOOD = 0.5


def items(source: Source, cases: int) -> list[Item]:
    return with_trials(taken(source, "watch", _kind, cases), trials_of)


def _kind(item: Item) -> str | None:
    """Scripts in which an action begins and ends, and nothing so lossy that it cannot be known in FORGIVEN_S."""
    about = item[0].about["items"][0]
    if about["class"] != "span" or not about["happens_s"]:
        return None
    said_s = sorted(own.start_s for own in item[0].own)[-2:]
    fair = all(own_s - at_s <= FORGIVEN_S for own_s, at_s in zip(said_s, about["happens_s"], strict=True))
    return "span" if fair else None


def trials_of(script: Script) -> list[Trial]:
    """Two trials, "start" and "stop", that count from when it really began and ended."""
    seen_s, happens_s = script.views[0].events_s, script.about["items"][0]["happens_s"]

    def is_mark(check: Check) -> bool:
        return check.after_s in seen_s

    trials = reactions(script, "", is_mark)
    marks = [trial for trial in trials if trial.kind == "word"]
    named = [
        replace(mark, row=row, begin_s=at_s, after_s=at_s)
        for mark, row, at_s in zip(marks, ("start", "stop"), happens_s, strict=True)
    ]
    return named + [trial for trial in trials if trial.kind != "word"]


def overlap(one: Span | None, other: Span) -> float:
    """Intersection over union of two intervals in time, 0 to 1; 0 for none.

    >>> overlap((0.0, 2.0), (1.0, 3.0))
    0.3333333333333333
    """
    if one is None or one[1] <= one[0]:
        return 0.0
    shared = max(0.0, min(one[1], other[1]) - max(one[0], other[0]))
    return shared / (max(one[1], other[1]) - min(one[0], other[0])) if shared else 0.0


def marked(heard: Heard, start: str, stop: str, from_s: float, until_s: float) -> Span | None:
    """The interval that was told: from the first starting word to the stopping word after it, or to the end."""
    begin_s = first_at(heard, start, from_s, until_s)
    if begin_s is None:
        return None
    end_s = first_at(heard, stop, begin_s + 1e-6, until_s)
    return begin_s, until_s if end_s is None else end_s


def _forgiven(told_s: float, true_s: float) -> float:
    """A mark moved back by as much as it is late, FORGIVEN_S at most."""
    return told_s - min(max(told_s - true_s, 0.0), FORGIVEN_S)


def observe(
    script: Script, trials: Sequence[Trial], verdicts: Sequence[Verdict], outcome: Outcome, reader: Reader
) -> dict:
    """strict and fair: the overlap as it is, and with lateness forgiven. true: when it began and ended and the pictures ended,
    counted from the rule. off_s: lateness of both marks."""
    start, stop = (next(t for t in trials if t.row.endswith(name)) for name in ("start", "stop"))
    true, from_s = (start.after_s, stop.after_s), _rule_end(script, start.after_s)
    told = marked(timed_words(outcome, reader), start.accept[0], stop.accept[0], from_s, script.length_s)
    fair = told and (_forgiven(told[0], true[0]), _forgiven(told[1], true[1]))
    found = {"strict": overlap(told, true), "fair": overlap(fair, true), "good": [overlap(told, true) >= GOOD]}
    found |= {"true": [t - from_s for t in (*true, script.length_s)]}
    return found | {"off_s": [told[0] - true[0], told[1] - true[1]] if told else [], "false": false_ones(trials, outcome)}


def _rule_end(script: Script, before_s: float) -> float:
    """When the rule has been given, so that its own words are not taken for marks."""
    said = [s.start_s + s.speech.seconds for s in script.sounds] + [at_s for at_s, _ in script.typed]
    return max((end_s for end_s in said if end_s <= before_s), default=0.0)


def _above(strict: np.ndarray, whole: np.ndarray, usual: np.ndarray, cases: np.ndarray) -> np.ndarray:
    return 100 * (strict - np.maximum(whole, usual)) / cases


def figures(records: Sequence[Record]) -> dict[str, Figure]:
    mine = direct(records)
    strict, fair, true = (list(seen(mine, name)) for name in ("strict", "fair", "true"))
    usual = np.mean(true, 0) if true else np.zeros(3)
    whole = [overlap((0.0, end_s), (a, b)) for a, b, end_s in true]
    middling = [overlap((usual[0], usual[1]), (a, b)) for a, b, _ in true]
    return {
        "enclosed": mean([100 * value for value in fair], "%"),
        "overlap": mean([100 * value for value in strict], "%"),
        **{f"found/{least}": share([value >= least for value in strict]) for least in LEAST},
        "control/whole": mean([100 * value for value in whole], "%"),
        "control/usual": mean([100 * value for value in middling], "%"),
        "above_control": of_sums([(*row, 1) for row in zip(strict, whole, middling, strict=True)], _above, "points"),
        "start_late_s": quantile([off[0] for off in seen(mine, "off_s") if off], 50),
        "stop_late_s": quantile([off[1] for off in seen(mine, "off_s") if off], 50),
        **readings([*rows(mine, "start"), *rows(mine, "stop")], "mark"),
        "false_per_minute": per_minute(mine),
        **refilmed(records, "good"),
    }


SUITE = Suite(
    name="startstop",
    asks="say one word when an action begins and another when it ends",
    mirrors="Charades as streamed (temporal overlap); other data: drawn figures",
    items=items,
    figures=figures,
    headline="enclosed",
    chance={"silent": 0, "always": 10, "random": 30, "metronome": 15},
    observe=observe,
)
