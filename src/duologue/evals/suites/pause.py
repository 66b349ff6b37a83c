"""Pause: the user stops inside a question; the model waits, then answers the last version. Read `SUITE` first.

Waiting alone is worth nothing: only questions that were waited for and then answered count. Of Full-Duplex-Bench's
take-over rate the window is kept and not the file: every item here ends in an answer that is wanted.
"""

from collections.abc import Sequence

from duologue.data.script import Script
from duologue.evals.draws import Source, take
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome, segments, sounds_in, takes_turn
from duologue.evals.score import Reader, Verdict
from duologue.evals.stats import Figure, share
from duologue.evals.suite import Record, Suite, latencies, readings, rows, seen
from duologue.evals.trials import Trial
from duologue.evals.wording import words_of


def items(source: Source, cases: int) -> list[Item]:
    return take(source, "pause", {"pause": cases, "answers/pause": cases, "repair": 1})


def observe(
    script: Script, trials: Sequence[Trial], verdicts: Sequence[Verdict], outcome: Outcome, reader: Reader
) -> dict:
    """held: by question with pauses, whether it was heard out and then answered. pauses: what was done in each."""
    pauses, held, since_s = [trial for trial in trials if trial.kind == "quiet"], [], 0.0
    for asked, verdict in zip(trials, verdicts, strict=True):
        if asked.kind == "answer":
            if any(since_s <= pause.begin_s < asked.after_s for pause in pauses):
                begun_s = min(s.start_s for s in script.sounds if s.start_s >= since_s)
                held.append(verdict.right and not sounds_in(outcome.spans, begun_s, asked.begin_s))
            since_s = asked.after_s
    return {"held": held, "pauses": [_taken(pause, outcome, reader) for pause in pauses]}


def _taken(pause: Trial, outcome: Outcome, reader: Reader) -> str:
    """"turn", or "leak" for a short sound, or "" when nothing was heard in the pause."""
    if outcome.failure:
        return "turn"
    spoken = [s for s in segments(outcome.spans) if s[0] < pause.end_s and s[1] > pause.begin_s]
    if any(takes_turn(s, 0) or takes_turn(s, len(words_of(reader.words(outcome, *s)))) for s in spoken):
        return "turn"
    return "leak" if spoken else ""


def figures(records: Sequence[Record]) -> dict[str, Figure]:
    pauses = [taken for found in seen(records, "pauses") for taken in found]
    answers = [trial for trial in rows(records) if trial["row"] != "pause"]
    return {
        "held": share([held for found in seen(records, "held") for held in found]),
        "takeover": share([taken == "turn" for taken in pauses]),
        "leak": share([taken == "leak" for taken in pauses]),
        **latencies([trial["onset_s"] for trial in answers]),
        **readings(answers),
    }


SUITE = Suite(
    name="pause",
    asks="wait while the user stops inside a question, then answer it",
    mirrors="Full-Duplex-Bench v1 pause handling, MTR-DuplexBench, HumDial; other data: synthetic voices, closed world",
    items=items,
    figures=figures,
    headline="held",
    chance={"silent": 0, "always": 0, "random": 20, "metronome": 10},
    observe=observe,
)
