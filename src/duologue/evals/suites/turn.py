"""Turn: a complete question is answered, soon and not before it has ended. Read `SUITE` first.

A turn is taken when sound begins from EARLY_S before to LATE_S after the question's end (TurnBench's window with room for
people's habit of starting early); what begins while the user has the floor is spurious, in the question itself premature.
"""

from collections.abc import Sequence

from duologue.data.script import Script
from duologue.evals.draws import Source, take
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome, segments, sounds_in
from duologue.evals.score import Reader, Verdict
from duologue.evals.stats import Figure, of_sums, share
from duologue.evals.suite import Record, Suite, latencies, readings, rows, seen
from duologue.evals.trials import Trial

EARLY_S, LATE_S = 0.3, 2.0
FAMILIES = ("talk", "numbers", "order", "facts", "repeat")


def items(source: Source, cases: int) -> list[Item]:
    each = max(1, round(cases / len(FAMILIES)))
    return [item for family in FAMILIES for item in take(source, family, {"answers": each})]


def observe(
    script: Script, trials: Sequence[Trial], verdicts: Sequence[Verdict], outcome: Outcome, reader: Reader
) -> dict:
    """turns: by question, when it was taken, whether sound was heard in it, whether all was right. spurious: how many."""
    onsets = [begin_s for begin_s, _ in segments(outcome.spans)]
    turns = [_turn(script, trial, verdict, outcome, onsets) for trial, verdict in zip(trials, verdicts, strict=True)]
    floors = [(trial.after_s - EARLY_S, trial.limit_s) for trial in trials]
    outside = [onset_s for onset_s in onsets if not any(a < onset_s < b for a, b in floors)]
    return {"turns": turns, "spurious": len(outside)}


def _turn(script: Script, trial: Trial, verdict: Verdict, outcome: Outcome, onsets: Sequence[float]) -> dict:
    began_s = min((s.start_s for s in script.sounds if abs(s.start_s + s.speech.seconds - trial.after_s) < 0.02), default=0.0)
    first_s, last_s = trial.after_s - EARLY_S, trial.after_s + LATE_S
    onset_s = next((s - trial.after_s for s in onsets if first_s < s <= last_s), None)
    premature = sounds_in(outcome.spans, began_s, first_s)
    good = verdict.right and onset_s is not None and not premature
    voice = next((s.speech.voice.split("/")[0] for s in script.sounds), "typed")
    return {"onset_s": onset_s, "premature": premature, "good": good, "voice": voice}


def figures(records: Sequence[Record]) -> dict[str, Figure]:
    turns = [turn for found in seen(records, "turns") for turn in found]
    counts = [
        (sum(t["onset_s"] is not None for t in record["seen"]["turns"]), len(record["seen"]["turns"]), record["seen"]["spurious"])
        for record in records
    ]
    voices = sorted({turn["voice"] for turn in turns})
    return {
        "good": share([turn["good"] for turn in turns]),
        "premature": share([turn["premature"] for turn in turns]),
        "precision": of_sums(counts, lambda taken, asked, spurious: 100 * taken / (taken + spurious)),
        "f1": of_sums(counts, lambda taken, asked, spurious: 200 * taken / (taken + spurious + asked)),
        **latencies([turn["onset_s"] for turn in turns], LATE_S),
        **readings(rows(records)),
        **{f"good/{voice}": share([turn["good"] for turn in turns if turn["voice"] == voice]) for voice in voices},
    }


SUITE = Suite(
    name="turn",
    asks="answer a complete question rightly within 2 s, without speaking into it",
    mirrors="Full-Duplex-Bench v1 smooth turn taking, TurnBench end of turn, tau-voice L_R and R_R; other data",
    items=items,
    figures=figures,
    headline="good",
    chance={"silent": 0, "always": 0, "random": 25, "metronome": 15},
    observe=observe,
)
