"""Cued: the user gives a rule, then tells, counts or recites; the right word must come at each cue, while the user goes on.

An item is right when every cue is answered in its window and nothing is said besides; the headline is the mean over the kinds
of rules, of what is told aloud: into typed and written text nobody speaks. Windows close before the user ends, so waiting for
the end is worth nothing. Words that sound nearly like a cue are let pass, and unusual ones where wrong ones are cues (`near`). Read
`SUITE` first.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from duologue.data.families.rule import HOLD_S
from duologue.data.families.time import ACK
from duologue.data.script import Check, Script
from duologue.evals.draws import Source
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome
from duologue.evals.score import Reader, Verdict
from duologue.evals.stats import Figure, of_sums, quantile, share
from duologue.evals.suite import Record, Suite, readings, right, rows, seen
from duologue.evals.trials import Trial
from duologue.evals.unasked import (
    direct,
    every,
    false_ones,
    per_minute,
    reactions,
    refilmed,
    taken,
    wanted,
    with_trials,
)

FAMILIES = ("cue", "correct_me", "pronounce")
KINDS = ("word", "animal", "number", "opposite", "tally", "switch", "danger", "count", "list", "sum", "pronounce")
ALOUD, NEAR = "aloud", "near"
WAYS = (ALOUD, "typed", "written")
WITHIN_S, SHORTEST_S = 1.5, 0.8  # a window; one that the user's end would make shorter than this is unfair
END_S, JOIN_S = 0.2, 1.0  # before the user's end; silence that is no end


def items(source: Source, cases: int) -> list[Item]:
    drawn = [item for family in FAMILIES for item in taken(source, family, _kind, cases)]
    return with_trials(drawn, trials_of)


def _kind(item: Item) -> str | None:
    """The kind of rule and how it is kept; nothing for a conversation that cannot be measured."""
    rows = [t.row for t in trials_of(item[0]) or () if t.kind in ("word", "quiet")]
    return None if not rows or rows[0].endswith("mixed") else rows[0]


def trials_of(script: Script) -> list[Trial] | None:
    """A trial a cue, and for a script without any a trial of silence; nothing where a window is too short to be fair."""
    ways = {item.get("way", "aloud") for item in script.about["items"]}
    row = f"{script.about['items'][0]['class']}/{ways.pop() if len(ways) == 1 else 'mixed'}"
    trials = [_closed(trial, script) for trial in reactions(script, row, _is_cue)]
    cues = wanted(trials)
    if any(t.end_s - t.begin_s < SHORTEST_S for t in cues) or not all(_can_be_met(t, script) for t in cues):
        return None
    none = [] if cues else [Trial(f"quiet/{row}", "quiet", 0.0, 0.0)]
    return [*trials, *none, *_near_misses(script, row)]


def _near_misses(script: Script, row: str) -> list[Trial]:
    """A trial of silence for each word that is nearly a cue, where nothing else is wanted by then."""
    near_s = script.about["items"][0].get("near_s", ())
    held = {(c.start_s, c.end_s) for c in script.checks if c.kind == "quiet" and c.start_s in near_s and c.end_s == c.start_s + HOLD_S}
    return [Trial(f"{NEAR}/{row}", "quiet", *span) for span in sorted(held)]


def _is_cue(check: Check) -> bool:
    return check.accept != (ACK,)


def _closed(trial: Trial, script: Script) -> Trial:
    """The window of a cue, which closes before the user has ended."""
    if trial.kind != "word":
        return trial
    return replace(trial, end_s=min(trial.after_s + WITHIN_S, _user_end(script, trial.after_s) - END_S))


def _user_end(script: Script, at_s: float) -> float:
    """When somebody who speaks at this instant will have ended; far away when nobody does."""
    end_s = None
    for sound in sorted(script.sounds, key=lambda s: s.start_s):
        if sound.start_s <= at_s + 0.01 <= sound.start_s + sound.speech.seconds + 0.02 or (end_s and 0 <= sound.start_s - end_s < JOIN_S):
            end_s = sound.start_s + sound.speech.seconds
    return end_s or np.inf


def _can_be_met(trial: Trial, script: Script) -> bool:
    """Whether the label's own answer lies in the window: two cues may come too close for one mouth."""
    return any(trial.begin_s <= own.start_s <= trial.end_s - 0.05 and own.speech.text in trial.accept for own in script.own)


def observe(
    script: Script, trials: Sequence[Trial], verdicts: Sequence[Verdict], outcome: Outcome, reader: Reader
) -> dict:
    """kind and way; good: of a conversation with cues, whether all was right; kept: of one without, whether nothing was said; false;
    cues: answered, wanted, and how often it began to speak but to say "okay" or to answer something else."""
    cues = [v.right for t, v in zip(trials, verdicts, strict=True) if t.kind == "word"]
    false = false_ones(trials, outcome)
    good = all(cues) and not false and not outcome.failure
    kind, way = next(t.row.split("/")[-2:] for t in trials if t.kind in ("word", "quiet"))
    about = {"kind": kind, "way": way, "false": false, "cues": [sum(cues), len(cues), _begun(trials, outcome)]}
    return about | ({"good": [good], "kept": []} if cues else {"good": [], "kept": [good]})


def _begun(trials: Sequence[Trial], outcome: Outcome) -> int:
    """How often it began to speak where not just anything might be answered."""
    return false_ones([t for t in trials if t.kind == "answer"], outcome)


def _counts(record: Record) -> list[int]:
    """Good ones and all of each of KINDS, side by side."""
    mine = record["seen"]
    return [count for kind in KINDS for count in ((sum(mine["good"]), len(mine["good"])) if mine["kind"] == kind else (0, 0))]


def _macro(*sums: np.ndarray) -> np.ndarray:
    table = np.asarray(sums, float)
    return np.nanmean(100 * table[::2] / np.where(table[1::2] == 0, np.nan, table[1::2]), 0)


def figures(records: Sequence[Record]) -> dict[str, Figure]:
    mine = direct(records)
    cues = [trial for kind in KINDS for trial in rows(mine, kind)]
    late = [trial["onset_s"] for trial in cues if trial["right"]]
    counts = [(hit, wanted, max(hit, begun)) for hit, wanted, begun in seen(mine, "cues")]
    told = [r["seen"] for r in mine if r["seen"]["way"] == ALOUD]
    by_kind = {kind: [g for found in told if found["kind"] == kind for g in found["good"]] for kind in KINDS}
    return {
        "cued": of_sums([_counts(r) for r in mine if r["seen"]["good"] and r["seen"]["way"] == ALOUD], _macro),
        "cued_any_way": of_sums([_counts(r) for r in mine if r["seen"]["good"]], _macro),
        **{f"cued/{kind}": share(good) for kind, good in by_kind.items()},
        **{f"way/{way}": right([t for t in cues if t["row"].endswith(way)]) for way in WAYS},
        **readings(cues, "cues"),
        "cue_precision": of_sums(counts, lambda hit, wanted, begun: 100 * hit / begun),
        "cue_f1": of_sums(counts, lambda hit, wanted, begun: 200 * hit / (wanted + begun)),
        "near_misses": right(rows(mine, NEAR)),
        "late_p50_s": quantile(late, 50),
        "false_per_minute": per_minute(mine),
        "kept_quiet": share(every(mine, "kept")),
        **refilmed(records, "good"),
    }


SUITE = Suite(
    name="cued",
    asks="say the right word at each cue of a rule, or correct a mistake, while the user goes on speaking",
    mirrors="CueSpeak (unpublished: windows are ours, 1.5 s and before the user's end), FLEXI; other data",
    items=items,
    figures=figures,
    headline="cued",
    chance={"silent": 0, "always": 0, "random": 10, "metronome": 10},
    observe=observe,
)
