"""Repair: the user corrects a question in the same breath; the last version is answered. Read `SUITE` first.

Nothing may be said before the correction has ended. An answer to the version that was taken back is stale. What that would be is read off the user's words.
"""

import re
from collections.abc import Sequence

from duologue.data.families.lexicon import DAYS, MONTHS, NUMBERS, OPPOSITES
from duologue.data.script import Script, Sound
from duologue.evals.draws import Source, take
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome, sounds_in
from duologue.evals.score import OPENING_WORDS, Reader, Verdict
from duologue.evals.stats import Figure, share
from duologue.evals.suite import Record, Suite, latencies, readings, rows, seen
from duologue.evals.trials import Trial
from duologue.evals.wording import contains, words_of

_OPPOSITE = {a: b for pair in OPPOSITES for a, b in (pair, pair[::-1])}
_NEXT = {ring[i - 1]: ring[i] for ring in (DAYS, MONTHS) for i in range(len(ring))}
_NEXT |= {NUMBERS[i]: NUMBERS[i + 1] for i in range(40)}


def items(source: Source, cases: int) -> list[Item]:
    return take(source, "pause", {"repair": cases})


def first_version(asked: str) -> str | None:
    """The answer to a question's first version, if it is a sum, an opposite or what comes next.

    >>> first_version("what is five plus four no wait eight plus five")
    'nine'
    """
    if found := re.search(r"\b(\w+) plus (\w+)\b", asked):
        a, b = (NUMBERS.index(word) if word in NUMBERS else -1 for word in found.groups())
        return NUMBERS[a + b] if min(a, b) >= 0 else None
    if found := re.search(r"\bopposite of (\w+)\b", asked):
        return _OPPOSITE.get(found[1])
    found = re.search(r"\b(?:after|from|follows) (\w+)\b", asked)
    return _NEXT.get(found[1]) if found else None


def observe(
    script: Script, trials: Sequence[Trial], verdicts: Sequence[Verdict], outcome: Outcome, reader: Reader
) -> dict:
    """good: right, and nothing said into the question. stale: where the first version is known, whether it was answered."""
    found = [(_asked(script, trial), trial, verdict) for trial, verdict in zip(trials, verdicts, strict=True)]
    stale = [_stale(sound.speech.text, trial, verdict) for sound, trial, verdict in found]
    good = [v.right and not sounds_in(outcome.spans, sound.start_s, t.begin_s) for sound, t, v in found]
    return {"good": good, "stale": [one for one in stale if one is not None]}


def _asked(script: Script, trial: Trial) -> Sound:
    return min(script.sounds, key=lambda s: abs(s.start_s + s.speech.seconds - trial.after_s))


def _stale(asked: str, trial: Trial, verdict: Verdict) -> bool | None:
    first = first_version(asked)
    if first is None or first in trial.accept:
        return None
    return not verdict.right and contains(words_of(verdict.heard), first, OPENING_WORDS)


def figures(records: Sequence[Record]) -> dict[str, Figure]:
    repairs = rows(records, "repair")
    return {
        "good": share([good for found in seen(records, "good") for good in found]),
        **readings(repairs),
        "stale": share([stale for found in seen(records, "stale") for stale in found]),
        **latencies([trial["onset_s"] for trial in repairs]),
    }


SUITE = Suite(
    name="repair",
    asks="answer the last version of a question that the user corrects while asking",
    mirrors="Audio MultiChallenge voice editing, Full-Duplex-Bench v2 correction; other data, one correction an item",
    items=items,
    figures=figures,
    headline="good",
    chance={"silent": 0, "always": 0, "random": 30, "metronome": 15},
    observe=observe,
)
