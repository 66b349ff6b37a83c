"""Timed speech: "in seven seconds say tea", "every four seconds", "how long since I said go", "never mind".

An item is right when every word comes in its time and nothing comes between; the headline is the mean over the four kinds.
A cancelled timer counts only when the cancelling was answered, or silence would be right; a told time only when nothing was begun
within the question, or a metronome that knows the answer would be right. Read `SUITE` first.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from duologue.data.families.lexicon import NUMBERS
from duologue.data.script import Script
from duologue.evals.draws import Source, take
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome, onset_in
from duologue.evals.score import Reader, Verdict
from duologue.evals.stats import Figure, mean, of_sums, quantile, share
from duologue.evals.suite import Record, Suite, readings, right, rows, seen
from duologue.evals.trials import ANSWER_S, Trial
from duologue.evals.wording import words_of

KINDS = ("once", "every", "elapsed", "cancel")
TOLERANCES_S = (0.2, 0.5, 1.0, 2.0)
UNCLEAR = {"tea", "up"}  # said alone in the reference voice, the judge hears "see you" and "happy": nobody could be right


def items(source: Source, cases: int) -> list[Item]:
    def understood(family: str) -> Iterator[Item]:
        return (item for item in source(family) if not UNCLEAR & {own.speech.text for own in item[0].own})

    return take(understood, "time", {f"time/{kind}": cases for kind in KINDS})


def observe(
    script: Script, trials: Sequence[Trial], verdicts: Sequence[Verdict], outcome: Outcome, reader: Reader
) -> dict:
    """kind, good, errors_s: of each slot how far the nearest beginning is (None: none near), off_s: of a told time."""
    trial, verdict = trials[0], verdicts[0]
    kind = trial.row.removeprefix("time/")
    fair = {"cancel": _acknowledged, "elapsed": _heard_out}.get(kind, lambda *_: True)
    good = verdict.right and fair(script, outcome)
    off_s = _told(verdict.heard, trial) if kind == "elapsed" else None
    return {"kind": kind, "good": good, "errors_s": [_error(slot_s, outcome) for slot_s in trial.slots_s], "off_s": off_s}


def _acknowledged(script: Script, outcome: Outcome) -> bool:
    """Whether anything was said after the user's last words, the cancelling ones."""
    end_s = _last(script)[1]
    return onset_in(outcome.spans, end_s - 0.2, end_s + ANSWER_S) is not None


def _heard_out(script: Script, outcome: Outcome) -> bool:
    """Whether nothing was begun within the user's last words, the question."""
    begin_s, end_s = _last(script)
    return onset_in(outcome.spans, begin_s, end_s - 0.2) is None


def _last(script: Script) -> tuple[float, float]:
    """When the user's last words begin and end."""
    return max((sound.start_s, sound.start_s + sound.speech.seconds) for sound in script.sounds)


def _error(slot_s: float, outcome: Outcome) -> float | None:
    near = [begin_s - slot_s for begin_s, _ in outcome.spans if abs(begin_s - slot_s) <= TOLERANCES_S[-1]]
    return min(near, key=abs, default=None)


def _told(heard: str, trial: Trial) -> float | None:
    """Seconds by which a told time is wrong; the first of the accepted answers is the exact one."""
    said, exact = (_number(words_of(text)) for text in (heard, trial.accept[0]))
    return None if said is None else float(abs(said - exact))


def _number(words: Sequence[str]) -> int | None:
    text = " ".join(words)
    found = [n for n, name in enumerate(NUMBERS) if re.search(rf"\b{name}\b", text)]
    return max(found, default=None)


def _counts(record: Record) -> list[int]:
    """Good ones and all of each of KINDS, side by side."""
    mine = record["seen"]
    return [count for kind in KINDS for count in (mine["good"] * (mine["kind"] == kind), mine["kind"] == kind)]


def _macro(*sums: np.ndarray) -> np.ndarray:
    table = np.asarray(sums, float)
    return 100 * np.nanmean(table[::2] / np.where(table[1::2] == 0, np.nan, table[1::2]), 0)


def figures(records: Sequence[Record]) -> dict[str, Figure]:
    slots = [errors for errors in seen(records, "errors_s") if errors]
    every = [error for errors in slots for error in errors]
    there = [error for error in every if error is not None]
    drifts = [(e[-1] - e[0]) / (len(e) - 1) for e in slots if len(e) > 1 and None not in (e[0], e[-1])]
    told = [off_s for off_s in seen(records, "off_s") if off_s is not None]
    by_kind = {kind: [r["seen"]["good"] for r in records if r["seen"]["kind"] == kind] for kind in KINDS}
    return {
        "correct": of_sums([_counts(record) for record in records], _macro),
        **{kind: share(by_kind[kind]) for kind in KINDS},
        **{f"within/{t}": share([e is not None and abs(e) <= t for e in every]) for t in TOLERANCES_S},
        "bias_s": quantile(there, 50),
        "drift_s": mean(drifts),
        "told_off_s": mean(told),
        **readings(rows(records, "time")),
        "slots_right": right([*rows(records, "time/once"), *rows(records, "time/every")]),
    }


SUITE = Suite(
    name="timed",
    asks="speak at a time that was agreed on, keep a period, tell elapsed seconds, let a cancelled timer pass",
    mirrors="TimeSpeak (unpublished: windows are ours, the larger of 0.5 s and a tenth), Game-Time; other data",
    items=items,
    figures=figures,
    headline="correct",
    chance={"silent": 0, "always": 0, "random": 10, "metronome": 10},
    observe=observe,
)
