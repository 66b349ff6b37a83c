"""Reading: any English sentence is read out and understood; "stop", "wait", "go on", "skip that" are obeyed. Read `SUITE`.

The words are those that Whisper hears, against the text; the oracle's row is the reference voice itself. What the model is
told while it reads is the headline; the timing of plain reading is not asked, for whoever has the text can say it.
"""

from collections.abc import Sequence

import numpy as np

from duologue.data.script import Script
from duologue.evals.draws import Source, take
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome, segments
from duologue.evals.score import Reader, Verdict
from duologue.evals.stats import Figure, mean, of_sums, quantile
from duologue.evals.suite import Record, Suite, right, rows, seen
from duologue.evals.trials import Trial
from duologue.evals.voice import likeness, quality, spoken
from duologue.evals.wording import errors, words_of

PLAIN = "answers/read"
TOLD = ("stop", "resume", "skip", "goes_on")
APART_S = 0.8  # of silence between two pieces of sound that are understood one by one


def items(source: Source, cases: int) -> list[Item]:
    """As many texts as cases, and a quarter as many of each kind of thing said into one."""
    return take(source, "read", {PLAIN: cases, **dict.fromkeys(TOLD, max(1, cases // 4))})


def observe(
    script: Script, trials: Sequence[Trial], verdicts: Sequence[Verdict], outcome: Outcome, reader: Reader
) -> dict:
    """words: misread and all, where nothing was said into the reading. said: words and seconds of sound."""
    seconds = sum(end_s - begin_s for begin_s, end_s in outcome.spans)
    said = [sum(len(text.split()) for _, text in outcome.said), seconds]
    own_S, reference_S = spoken(outcome), np.concatenate([np.zeros(0, np.float32), *(o.speech.pcm_S for o in script.own)])
    found = {"said": said, "dnsmos": quality(own_S), "likeness": likeness(own_S, reference_S)}
    plain = all(trial.row == PLAIN for trial in trials)
    return found | {"words": _misread(script, outcome, reader)} if plain else found


def _misread(script: Script, outcome: Outcome, reader: Reader) -> tuple[int, int]:
    """Words wrong and all, over the whole conversation: who reads slowly is cut off nowhere."""
    wanted = words_of(" ".join(own.speech.text for own in sorted(script.own, key=lambda own: own.start_s)))
    heard = words_of(" ".join(reader.words(outcome, *segment) for segment in segments(outcome.spans, APART_S)))
    return errors(heard, wanted), len(wanted)


def figures(records: Sequence[Record]) -> dict[str, Figure]:
    told = [trial for trial in rows(records) if trial["row"] in TOLD]
    begun = [trial["onset_s"] for trial in rows(records, PLAIN) if trial["onset_s"] is not None]
    return {
        "obeyed": right(told),
        **{f"obeyed/{row}": right(rows(records, row)) for row in TOLD},
        "misread": of_sums(list(seen(records, "words")), lambda wrong, words: 100 * wrong / words),
        "begun_p50_s": quantile(begun, 50),
        "dnsmos_p808": mean([value for value in seen(records, "dnsmos") if value is not None], "MOS"),
        "likeness": mean([value for value in seen(records, "likeness") if value is not None], "cosine"),
        "words_per_second": of_sums(list(seen(records, "said")), lambda words, seconds: words / seconds, "words/s"),
    }


SUITE = Suite(
    name="reading",
    asks="read any English text out so that it is understood; stop, wait, go on and skip when told",
    mirrors="word error rate of speech synthesis, URO-Bench repeat; other data: open sentences",
    items=items,
    figures=figures,
    headline="obeyed",
    chance={"silent": 0, "always": 10, "random": 50, "metronome": 50},
    observe=observe,
)
