"""Situated: a question about what is shown, before, while or after it is there. Read `SUITE` first.

The answer is wanted when it can be known: at the question's end, or as soon as a picture shows it; and nothing before, from where
the question begins. Beside the headline stands what
somebody without eyes would get who knows the answers' frequencies.
"""

from collections import Counter
from collections.abc import Sequence

from duologue.data.script import Script
from duologue.evals.draws import Source
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome
from duologue.evals.scenery import REFILMED
from duologue.evals.score import Reader, Verdict
from duologue.evals.stats import Figure, quantile, share
from duologue.evals.suite import Record, Suite, latencies, readings, right, rows
from duologue.evals.trials import FOREVER_S, Trial
from duologue.evals.unasked import direct, every, refilmed, taken, with_trials

ROW = "shown"
CLASSES = ("what", "colour", "number", "word", "many", "fingers", "bigger", "smaller", "left", "right", "doing")
TIMES = ("now", "gone", "later")
EARLY_S = 0.2


def items(source: Source, cases: int) -> list[Item]:
    """Conversations by the kind of their first question; each has several, of what is there, is gone, or comes later: a third each."""
    return with_trials(taken(source, "see", lambda item: _about(item[0].about["items"][0]["class"]), cases), trials_of)


def _about(intent: str) -> str:
    """What a question asks, whether of now or of what is gone: one of CLASSES."""
    return "what" if intent == "was" else intent.removeprefix("was_")


def trials_of(script: Script) -> list[Trial]:
    """A trial a question, one of silence until it can be known, and one for a typed answer."""
    asked = [c for c in script.checks if c.kind == "answer"]
    trials = []
    for check, about in zip(asked, script.about["items"], strict=True):
        row = f"{ROW}/{_about(about['class'])}/{about['when']}"
        begin_s = check.after_s - (0.0 if about["when"] == "later" else EARLY_S)
        limit_s = min((s.start_s for s in script.sounds if s.start_s > check.after_s + 0.05), default=FOREVER_S)
        trials.append(Trial(row, "answer", begin_s, check.end_s, check.accept, check.after_s, limit_s=limit_s))
        trials.append(Trial("early", "quiet", _asked_from(script, check.after_s), begin_s))
    return trials + [Trial("written", "written", c.start_s, c.end_s, c.accept) for c in script.checks if c.kind == "written"]


def _asked_from(script: Script, known_s: float) -> float:
    """When the question began whose answer is known at this instant."""
    return max(t for t in [*(s.start_s for s in script.sounds), *(t for t, _ in script.typed)] if t < known_s)


def observe(
    script: Script, trials: Sequence[Trial], verdicts: Sequence[Verdict], outcome: Outcome, reader: Reader
) -> dict:
    """good: by question, whether it was answered and not spoken into. asked: by question its kind and its answer."""
    shown = [t for t in trials if t.kind == "answer"]
    answered, waited = ([v.right for t, v in zip(trials, verdicts, strict=True) if t.kind == kind] for kind in ("answer", "quiet"))
    asked = [(t.row.removeprefix(REFILMED).split("/")[1], t.accept[0]) for t in shown]
    return {"good": [a and b for a, b in zip(answered, waited, strict=True)], "asked": asked}


def _blind(asked: Sequence[tuple[str, str]]) -> list[bool]:
    """By question, whether the commonest answer to its kind would be right."""
    guess = {kind: Counter(a for k, a in asked if k == kind).most_common(1)[0][0] for kind in {k for k, _ in asked}}
    return [answer == guess[kind] for kind, answer in asked]


def figures(records: Sequence[Record]) -> dict[str, Figure]:
    mine = direct(records)
    shown = rows(mine, ROW)
    early = rows(mine, "early")
    off = [abs(trial["onset_s"]) for trial in shown if trial["onset_s"] is not None]
    return {
        "answered_right": share(every(mine, "good")),
        **{f"about/{kind}": right([t for t in shown if t["row"].split("/")[1] == kind]) for kind in CLASSES},
        **{f"when/{when}": right([t for t in shown if t["row"].endswith(when)]) for when in TIMES},
        **readings(shown, "spoken"),
        "blind": share(_blind(every(mine, "asked"))),
        "early": share([not trial["right"] for trial in early]),
        "off_p50_s": quantile(off, 50),
        **latencies([trial["onset_s"] for trial in shown]),
        "written": right(rows(mine, "written")),
        **refilmed(records, "good"),
    }


SUITE = Suite(
    name="situated",
    asks="answer a question about what is shown, when it can be known",
    mirrors="QIVD (slot answers, answerable time); other data: drawn scenes",
    items=items,
    figures=figures,
    headline="answered_right",
    chance={"silent": 0, "always": 10, "random": 25, "metronome": 15},
    observe=observe,
)
