"""Overlap: the user speaks while the model recites. Read `SUITE` first, then `RATES`.

(a) An interruption must be answered or obeyed; (b) a backchannel, (c) talk to somebody else and (d) a television must not
stop it. A system that never yields gets three of the four, hence the headline is the least of the four rates. Only a recital
that began when it was asked for counts, or babble would pass for one. For b-d every conversation is run again without the
overlap ("clean"), which tells who cannot hold a recital from who never had one.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from duologue.data.labels import own_end
from duologue.data.script import Script, Sound
from duologue.evals.draws import Source, take
from duologue.evals.interaction import ASIDE, Event, events, ticks_of
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome, onset_in, silent_from, sounds_in
from duologue.evals.score import Reader, Verdict
from duologue.evals.stats import Figure, mean, of_sums, quantile, share
from duologue.evals.suite import Record, Suite, readings, rows, seen
from duologue.evals.trials import ANSWER_S, RECITING_S, SILENT_S, Trial

RATES = {  # what is said into the recital -> rows of its trials
    "interruption": ("stop", "answers/interrupt"),
    "backchannel": ("goes_on/backchannel",),
    "to_others": ("goes_on/aside",),
    "background": ("goes_on/television",),
}
YIELD_S, FALSE_YIELD_S, AFTER_S, EARLY_S = 2.0, 1.0, 3.0, 0.2
CLARIFIES = ("pardon", "sorry", "what was that", "say that again", "excuse me", "what did you")


def items(source: Source, cases: int) -> list[Item]:
    held = take(source, "hold", {row: cases for name in list(RATES)[1:] for row in RATES[name]})
    half = max(1, cases // 2)
    return held + list(map(_clean, held)) + take(source, "interrupt", {"stop": half, "answers/interrupt": half})


def _clean(item: Item) -> Item:
    """The same conversation without what is said into the recital."""
    script, trials = item
    into = [trial.after_s for trial in trials]
    sounds = [s for s in script.sounds if all(abs(s.start_s - at_s) > 0.006 for at_s in into)]
    return replace(script, sounds=sounds), [replace(trial, row=f"clean/{trial.row}") for trial in trials]


def observe(
    script: Script, trials: Sequence[Trial], verdicts: Sequence[Verdict], outcome: Outcome, reader: Reader
) -> dict:
    """overlaps: by trial, what the model did, whether that was wanted, and when it fell silent. clean: good ones of twins.
    tau: the events of the interaction panel."""
    pairs = [(t, v.right and _began(script, t, outcome), v) for t, v in zip(trials, verdicts, strict=True)]
    overlaps = [_overlap(script, t, good, v, outcome) for t, good, v in pairs if not t.row.startswith("clean")]
    tau = events(ticks_of(script, trials, outcome.spans)) if overlaps else []
    return {"overlaps": overlaps, "clean": [good for t, good, _ in pairs if t.row.startswith("clean")], "tau": tau}


def _began(script: Script, trial: Trial, outcome: Outcome) -> bool:
    """Whether the recital that the trial is about was begun in answer to the request, and not before its end."""
    into_s = trial.after_s if trial.row.startswith("clean") else _into(script, trial).start_s
    said = [own for own in script.own if own.start_s < into_s]
    first = next((b for a, b in zip(said[-2::-1], said[:0:-1], strict=True) if b.start_s - own_end(a) > RECITING_S), said[0])
    asked = max((s for s in script.sounds if s.start_s < first.start_s), key=lambda s: s.start_s)
    end_s = asked.start_s + asked.speech.seconds
    early = sounds_in(outcome.spans, asked.start_s, end_s - EARLY_S)
    return not early and onset_in(outcome.spans, end_s - EARLY_S, end_s + ANSWER_S) is not None


def _overlap(script: Script, trial: Trial, good: bool, verdict: Verdict, outcome: Outcome) -> dict:
    into = _into(script, trial)
    start_s, end_s = into.start_s, into.start_s + into.speech.seconds
    reciting = sounds_in(outcome.spans, start_s - RECITING_S, start_s)
    stop_s = silent_from(outcome.spans, start_s, RECITING_S) - start_s if reciting else None
    did = _did(trial, verdict, outcome, end_s) if reciting else "unknown"
    row = next(name for name, kinds in RATES.items() if any(trial.row.startswith(kind) for kind in kinds))
    about = {"row": row, "good": good, "did": did, "stop_s": stop_s}
    return {**about, "said_s": end_s - start_s, "stops": trial.kind == "stop"}


def _into(script: Script, trial: Trial) -> Sound:
    """What was said into the recital: it begins, or for another question ends, where the trial counts from."""
    ends = trial.kind == "answer"
    return min(script.sounds, key=lambda s: abs(s.start_s + ends * s.speech.seconds - trial.after_s))


def _did(trial: Trial, verdict: Verdict, outcome: Outcome, end_s: float) -> str:
    """The label of Full-Duplex-Bench v1.5: respond, resume, uncertain or unknown."""
    wanted = "resume" if trial.kind == "goes_on" else "respond"
    if verdict.right:
        return wanted
    if any(text in verdict.heard.lower() for text in CLARIFIES):
        return "uncertain"
    going = sounds_in(outcome.spans, end_s + SILENT_S, end_s + AFTER_S)
    return {"resume": "respond", "respond": "resume"}[wanted] if going else "unknown"


def _penalty_s(overlap: dict) -> float:
    """SID-Bench's penalty: how late it stopped when it should, or how much was lost when it should not."""
    stop_s, window_s = overlap["stop_s"], overlap["said_s"] + AFTER_S
    if overlap["row"] == "interruption":
        return window_s if stop_s is None else min(stop_s, window_s)
    return 0.0 if overlap["did"] == "resume" else window_s


def figures(records: Sequence[Record]) -> dict[str, Figure]:
    overlaps = [overlap for found in seen(records, "overlaps") for overlap in found]
    cut_in = [o for o in overlaps if o["row"] == "interruption"]
    held = [o for o in overlaps if o["row"] != "interruption"]
    stopped = [o["stop_s"] for o in cut_in if o["stop_s"] is not None]
    after = [o["stop_s"] - o["said_s"] for o in cut_in if o["stop_s"] is not None and o["stops"]]
    counts = [_counts(record) for record in records]
    return {
        "least": of_sums(counts, lambda *sums: _rates(sums).min(0)),
        "mean": of_sums(counts, lambda *sums: np.nanmean(_rates(sums), 0)),
        "balanced": of_sums(counts, lambda *sums: (_rates(sums)[0] + np.nanmean(_rates(sums)[1:], 0)) / 2),
        **{name: share([o["good"] for o in overlaps if o["row"] == name]) for name in RATES},
        "clean": share([good for found in seen(records, "clean") for good in found]),
        "yielded": share([o["stop_s"] is not None and o["stop_s"] <= YIELD_S for o in cut_in]),
        "false_yield": share([o["stop_s"] is not None and o["stop_s"] <= FALSE_YIELD_S for o in held]),
        "stop_p50_s": quantile(stopped, 50),
        "stop_p90_s": quantile(stopped, 90),
        "silent_after_p50_s": quantile(after, 50),
        "penalty_s": mean([_penalty_s(o) for o in overlaps]),
        **{f"did/{name}": share([o["did"] == name for o in overlaps]) for name in ("respond", "resume", "uncertain", "unknown")},
        **readings(rows(records, "answers/interrupt"), "answered"),
        **_panel(records),
    }


def _panel(records: Sequence[Record]) -> dict[str, Figure]:
    """The interaction panel of tau-voice with intervals, under its own names."""
    found = [[Event(*event) for event in events] for events in seen(records, "tau")]
    by_kind = {kind: [e for events in found for e in events if e.kind == kind] for kind in ("response", "yield", "backchannel", ASIDE)}
    cut_in = [[sum(e.kind == kind for e in events) for kind in ("cuts_in", "response")] for events in found]
    rates = {"R_R": "response", "R_Y": "yield", "S_BC": "backchannel", "S_ND": ASIDE}
    return {
        **{f"tau/L_{name}": mean([e.latency_s for e in by_kind[kind] if e.good]) for name, kind in (("R", "response"), ("Y", "yield"))},
        **{f"tau/{name}": share([e.good for e in by_kind[kind]]) for name, kind in rates.items()},
        "tau/I_A": of_sums(cut_in, lambda cuts, turns: cuts / turns, "a turn"),
    }


def _counts(record: Record) -> list[int]:
    """Good ones and all of each of RATES, side by side."""
    found = [[o["good"] for o in record["seen"]["overlaps"] if o["row"] == name] for name in RATES]
    return [count for hits in found for count in (sum(hits), len(hits))]


def _rates(sums: Sequence[np.ndarray]) -> np.ndarray:
    """Percent of each of RATES, first axis; not a number where there are no cases."""
    table = np.asarray(sums, float)
    return 100 * table[::2] / np.where(table[1::2] == 0, np.nan, table[1::2])


SUITE = Suite(
    name="overlap",
    asks="while reciting, yield to an interruption but not to a backchannel, talk to others or a television",
    mirrors="Full-Duplex-Bench v1.5 (four overlaps), tau-voice R_Y and S_*, HumDial, SID-Bench; other data, closed answers",
    items=items,
    figures=figures,
    headline="least",
    chance={"silent": 0, "always": 0, "random": 20, "metronome": 10},
    observe=observe,
)
