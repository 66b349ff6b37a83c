"""Own voice: is it understood, how does it sound, does it click when cut off. Read `SUITE` first.

Timing is not measured here: whoever says words that can be understood scores, at whatever time, so the controls that speak
are no chance level but as good as the voice that they borrow. It tells how much "heard" is worth in the other suites.
"""

from collections.abc import Sequence

import numpy as np

from duologue.data.script import Script
from duologue.evals.draws import Source, take
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome, Span
from duologue.evals.score import Reader, Verdict
from duologue.evals.stats import Figure, mean, of_sums, share
from duologue.evals.suite import Record, Suite, seen
from duologue.evals.trials import Trial
from duologue.evals.voice import likeness, misheard, quality, spoken
from duologue.turn import SAMPLE_RATE_HZ

FAMILIES = {"talk": "answers", "numbers": "answers", "repeat": "answers", "interrupt": "stop"}
EDGE = SAMPLE_RATE_HZ // 200  # samples around a beginning or an end in which a click is looked for
FULL_SCALE = 0.99


def items(source: Source, cases: int) -> list[Item]:
    each = max(1, cases // len(FAMILIES))
    return [item for family, row in FAMILIES.items() for item in take(source, family, {row: each})]


def observe(
    script: Script, trials: Sequence[Trial], verdicts: Sequence[Verdict], outcome: Outcome, reader: Reader
) -> dict:
    """words: misheard and all of the longest span. clicks: at the spans' edges. clipped: samples at full scale."""
    if not outcome.spans:
        return {"words": [0, 0], "silent": True}
    own_S = spoken(outcome)
    reference_S = np.concatenate([own.speech.pcm_S for own in script.own]) if script.own else None
    words = list(misheard(outcome, reader.words)) if outcome.said else None
    minutes = sum(b - a for a, b in outcome.spans) / 60
    return {
        "words": words,
        "said": [sum(len(text.split()) for _, text in outcome.said), minutes],
        "clicks": [_clicks(outcome, span) for span in outcome.spans],
        "clipped": [int((np.abs(own_S) >= FULL_SCALE).sum()), len(own_S)],
        "dnsmos": quality(own_S),
        "likeness": likeness(own_S, reference_S),
    }


def _clicks(outcome: Outcome, span: Span) -> bool:
    """Whether the sound jumps more at an edge of the span than anywhere inside."""
    begin, end = (round(t * SAMPLE_RATE_HZ) for t in span)
    steps_S = np.abs(np.diff(outcome.sound_S[max(0, begin - EDGE) : end + EDGE]))
    inside_S = steps_S[2 * EDGE : -2 * EDGE]
    edges_S = np.concatenate([steps_S[: 2 * EDGE], steps_S[-2 * EDGE :]])
    return bool(len(inside_S)) and bool(edges_S.max() > inside_S.max())


def figures(records: Sequence[Record]) -> dict[str, Figure]:
    words = [pair for pair in seen(records, "words") if pair]
    return {
        "understood": of_sums(words, lambda wrong, said: 100 * np.maximum(0, 1 - wrong / said)),
        "words_wrong": of_sums(words, lambda wrong, said: 100 * wrong / said),
        "dnsmos_p808": mean([value for value in seen(records, "dnsmos") if value is not None], "MOS"),
        "likeness": mean([value for value in seen(records, "likeness") if value is not None], "cosine"),
        "clicks": share([click for found in seen(records, "clicks") for click in found]),
        "clipped": of_sums(list(seen(records, "clipped")), lambda full, samples: 100 * full / samples),
        "pace": of_sums(list(seen(records, "said")), lambda said, minutes: said / minutes, "words/min"),
    }


SUITE = Suite(
    name="voice",
    asks="say what it says it says, so that a recogniser understands it, without clicks and clipping",
    mirrors="FD-Bench WER, URO-Bench repeat; other data; quality by DNSMOS P808",
    items=items,
    figures=figures,
    headline="understood",
    chance={"silent": 0, "always": 100, "random": 100, "metronome": 100},
    observe=observe,
)
