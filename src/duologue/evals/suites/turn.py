"""Turn: a complete question is answered, soon and not before it has ended. Read `SUITE` first.

A turn is taken when sound begins from EARLY_S before to LATE_S after the question's end (TurnBench's window with room for
people's habit of starting early); what begins while the user has the floor is spurious, in the question itself premature.
"""

from collections.abc import Sequence

from duologue.data.script import Script, Speech
from duologue.evals.draws import Source, take
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome, segments, sounds_in
from duologue.evals.score import Reader, Verdict
from duologue.evals.stats import Figure, of_sums, share
from duologue.evals.suite import Record, Suite, latencies, readings, rows, seen
from duologue.evals.trials import Trial

EARLY_S, LATE_S = 0.3, 2.0
SLOW, FAST = 3.0, 4.0  # words a second; about a quarter of the frozen questions is slower, a quarter faster
FEW, MANY = 6, 9  # words, likewise
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
    asked = min((s for s in script.sounds if abs(s.start_s + s.speech.seconds - trial.after_s) < 0.02), key=lambda s: s.start_s, default=None)
    began_s = asked.start_s if asked else 0.0
    first_s, last_s = trial.after_s - EARLY_S, trial.after_s + LATE_S
    onset_s = next((s - trial.after_s for s in onsets if first_s < s <= last_s), None)
    premature = sounds_in(outcome.spans, began_s, first_s)
    good = verdict.right and onset_s is not None and not premature
    return {"onset_s": onset_s, "premature": premature, "good": good, "kinds": _kinds(asked.speech) if asked else ["typed"]}


def _kinds(speech: Speech) -> list[str]:
    """What a question is on each held-out axis: its kind of voice, its pace, its length."""
    words, pace = len(speech.words), len(speech.words) / speech.seconds
    return [
        speech.voice.split("/")[0],
        "slow" if pace < SLOW else "fast" if pace > FAST else "even",
        "short" if words < FEW else "long" if words > MANY else "medium",
    ]


def figures(records: Sequence[Record]) -> dict[str, Figure]:
    turns = [turn for found in seen(records, "turns") for turn in found]
    counts = [
        (sum(t["onset_s"] is not None for t in record["seen"]["turns"]), len(record["seen"]["turns"]), record["seen"]["spurious"])
        for record in records
    ]
    kinds = sorted({kind for turn in turns for kind in turn["kinds"]})
    return {
        "good": share([turn["good"] for turn in turns]),
        "premature": share([turn["premature"] for turn in turns]),
        "precision": of_sums(counts, lambda taken, asked, spurious: 100 * taken / (taken + spurious)),
        "f1": of_sums(counts, lambda taken, asked, spurious: 200 * taken / (taken + spurious + asked)),
        **latencies([turn["onset_s"] for turn in turns], LATE_S),
        **readings(rows(records)),
        **{f"good/{kind}": share([turn["good"] for turn in turns if kind in turn["kinds"]]) for kind in kinds},
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
