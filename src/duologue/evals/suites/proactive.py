"""Proactive: "tell me when a red ball appears"; then things come and go, and it speaks at the event, unasked. Read `SUITE` first.

PAUC as in ProactiveVideoQA: over the five seconds after an event, what was said so far is worth 2 when it has all that is
wanted, 1 when it has part, 0 when it is wrong or has said another colour, number or thing besides, and silence is worth 0.5; so
silence gets 25. It does not see spam, hence the
headline: all events answered within two seconds and nothing said besides. Read `area` for the formula.
"""

from collections.abc import Sequence
from itertools import pairwise

from duologue.data.families.lexicon import NUMBERS
from duologue.data.scenes.things import COLOURS, EMOJI, SHAPES
from duologue.data.script import Check, Script
from duologue.evals.draws import Source
from duologue.evals.heard import Heard, sounding, timed_words
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome, segments
from duologue.evals.score import Reader, Verdict
from duologue.evals.stats import Figure, mean, of_sums, quantile, share
from duologue.evals.suite import Record, Suite, readings, rows
from duologue.evals.trials import Trial
from duologue.evals.unasked import direct, every, false_ones, per_minute, reactions, refilmed, taken, with_trials
from duologue.evals.wording import words_of

KINDS = ("appears", "every", "tell", "gone", "becomes", "starts")
SPAN_S = 5.0
BEST, UNANSWERED = 2, 0.5
WEIGHTS = (0.0, 0.5, 1.0)
NO_SLOT = frozenset("a an the number word".split())
ROW = "event"
ALIKE = tuple(map(frozenset, (COLOURS, NUMBERS[:21], (*SHAPES, *EMOJI))))  # of which one excludes the others


def items(source: Source, cases: int) -> list[Item]:
    return with_trials(taken(source, "watch", _kind, cases), trials_of)


def _kind(item: Item) -> str | None:
    kind = item[0].about["items"][0]["class"]
    return kind if kind in KINDS else None


def trials_of(script: Script) -> list[Trial]:
    """A trial an event, from when it can be seen; where none happens, one of silence."""
    seen_s, row = script.views[0].events_s, f"{ROW}/{script.about['items'][0]['class']}"

    def is_event(check: Check) -> bool:
        return check.after_s in seen_s

    trials = reactions(script, row, is_event)
    return trials if seen_s else [*trials, Trial("nothing", "quiet", 0.0, 0.0)]


def area(spoken: Sequence[tuple[float, int]], begin_s: float, end_s: float, weight: float = 0.5) -> float:
    """PAUC of one event, 0 to 1 (arXiv 2507.09313).

    Args:
        spoken: (when, what all that was said so far is worth, 0 to BEST), in the order of time, inside the span.
        weight: 0 judges timeliness alone, 1 correctness alone.
    """
    moved = [(begin_s + (1 - weight) * (t - begin_s), worth) for t, worth in spoken]
    edges = [*moved, (end_s, 0)]
    total = (edges[0][0] - begin_s) * UNANSWERED
    total += sum((then - t) * worth for (t, worth), (then, _) in pairwise(edges))
    return total / ((end_s - begin_s) * BEST)


def _worths(heard: Heard, trial: Trial, end_s: float) -> list[tuple[float, int]]:
    """What all words since the event are worth, after each of them."""
    slots = {sounding(word) for word in words_of(trial.accept[0])} - NO_SLOT
    others = frozenset().union(*(kind for kind in ALIKE if kind & slots)) - slots
    found, so_far = [], set()
    for t, word in heard:
        if trial.after_s <= t < end_s:
            so_far.add(sounding(word))
            found.append((t, 0 if others & so_far else BEST if slots <= so_far else int(bool(slots & so_far))))
    return found


def _replies(heard: Heard, trial: Trial, outcome: Outcome) -> list[int]:
    """Times at which it began to speak after all had been said, and all times, from the event to the next one."""
    limit_s = min(trial.limit_s, trial.after_s + SPAN_S)
    done_s = next((t for t, worth in _worths(heard, trial, limit_s) if worth == BEST), limit_s)
    begun = [t for t, _ in segments(outcome.spans) if trial.after_s <= t < limit_s]
    return [sum(t > done_s for t in begun), len(begun)]


def observe(
    script: Script, trials: Sequence[Trial], verdicts: Sequence[Verdict], outcome: Outcome, reader: Reader
) -> dict:
    """areas: by event, one for each of WEIGHTS. replies: by event, those that repeat, and all. noticed: with events, whether all was right; kept: without, whether it kept quiet."""
    heard, false = timed_words(outcome, reader), false_ones(trials, outcome)
    hits = [v.right for t, v in zip(trials, verdicts, strict=True) if t.kind == "word"]
    good = all(hits) and not false and not outcome.failure
    events = [trial for trial in trials if trial.kind == "word"]
    about = {"areas": [_areas(heard, trial) for trial in events], "false": false}
    about |= {"replies": [_replies(heard, trial, outcome) for trial in events]}
    return about | ({"noticed": [good], "kept": []} if hits else {"noticed": [], "kept": [good]})


def _areas(heard: Heard, trial: Trial) -> list[float]:
    end_s = min(trial.after_s + SPAN_S, trial.limit_s)
    return [area(_worths(heard, trial, end_s), trial.after_s, end_s, weight) for weight in WEIGHTS]


def figures(records: Sequence[Record]) -> dict[str, Figure]:
    mine = direct(records)
    areas, events = every(mine, "areas"), rows(mine, ROW)
    return {
        "noticed": share(every(mine, "noticed")),
        **{f"pauc/{weight}": mean([100 * a[i] for a in areas], "points") for i, weight in enumerate(WEIGHTS)},
        **readings(events, "event"),
        "late_p50_s": quantile([trial["onset_s"] for trial in events if trial["right"]], 50),
        "repeated": of_sums(every(mine, "replies"), lambda again, begun: 100 * again / begun),
        "false_per_minute": per_minute(mine),
        "kept_quiet": share(every(mine, "kept")),
        **refilmed(records, "noticed"),
    }


SUITE = Suite(
    name="proactive",
    asks="speak at the moment at which something is seen that a rule named, and at no other",
    mirrors="ProactiveVideoQA (PAUC), StreamingBench proactive output; other data: drawn scenes, two slots instead of a judge",
    items=items,
    figures=figures,
    headline="noticed",
    chance={"silent": 0, "always": 0, "random": 15, "metronome": 10},
    observe=observe,
)
