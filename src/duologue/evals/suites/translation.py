"""Translation: Spanish is spoken without waiting, and each English word must follow what decides it. Read `SUITE` first.

A word counts when it is heard in its order, not before it can be known and at most LATEST_S after. Words more than wanted are taken
off, or whoever says everything would win. Lag is from when a word could be known; `laal_s` is that of arXiv 2206.05807, the offsets
are SimulEval's. Four interpreters with the very transcript stand beside every system (`evals/interpreting.py`).
"""

from collections.abc import Sequence

import numpy as np

from duologue.data.families.time import ACK
from duologue.data.script import Script, Sound
from duologue.evals import chrf
from duologue.evals.draws import Source
from duologue.evals.heard import Heard, sounding, timed_words
from duologue.evals.interpreting import INTERPRETERS
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome, Span
from duologue.evals.score import Reader, Verdict
from duologue.evals.stats import Figure, mean, of_sums, quantile
from duologue.evals.suite import Record, Suite, readings, rows, seen
from duologue.evals.trials import Trial
from duologue.evals.unasked import every, reactions, taken, with_trials
from duologue.evals.wording import errors, words_of

LATEST_S, EARLY_S = 2.5, 0.3  # a word's time in a run of words is an estimate, hence the second
SOON_S = 1.5
ROW = "english"


def items(source: Source, cases: int) -> list[Item]:
    return with_trials(taken(source, "translate", lambda item: "translate", cases), trials_of)


def trials_of(script: Script) -> list[Trial]:
    """A trial an English word, from when the Spanish that decides it has been heard."""
    return reactions(script, ROW, lambda check: check.accept != (ACK,))


def matched(heard: Heard, wanted: Sequence[Trial]) -> list[tuple[float, Trial]]:
    """The most words that can be heard as wanted ones, in order and in time: (when, which)."""
    table = [[0] * (len(wanted) + 1) for _ in range(len(heard) + 1)]
    for i in range(len(heard) - 1, -1, -1):
        for j in range(len(wanted) - 1, -1, -1):
            hit = 1 + table[i + 1][j + 1] if _is(heard[i], wanted[j]) else 0
            table[i][j] = max(hit, table[i + 1][j], table[i][j + 1])
    return _walked(table, heard, wanted)


def _walked(table: list[list[int]], heard: Heard, wanted: Sequence[Trial]) -> list[tuple[float, Trial]]:
    pairs, i, j = [], 0, 0
    while i < len(heard) and j < len(wanted):
        if _is(heard[i], wanted[j]) and table[i][j] == 1 + table[i + 1][j + 1]:
            pairs.append((heard[i][0], wanted[j]))
            i, j = i + 1, j + 1
        else:
            i, j = (i + 1, j) if table[i + 1][j] == table[i][j] else (i, j + 1)
    return pairs


def _is(said: tuple[float, str], trial: Trial) -> bool:
    t, word = said
    (text,) = words_of(trial.accept[0])
    return sounding(word) == sounding(text) and -EARLY_S <= t - trial.after_s <= LATEST_S


def observe(
    script: Script, trials: Sequence[Trial], verdicts: Sequence[Verdict], outcome: Outcome, reader: Reader
) -> dict:
    """words: in time, wanted, heard, wrong whenever they came, at most SOON_S late. lags_s: by word. letters: `chrf.counts`. laal_s.
    offsets_s: from the Spanish's begin to the first word, from its end to the last one's. together: seconds of own sound over the
    user's, and of own sound."""
    targets = [trial for trial in trials if trial.kind == "word"]
    spanish = _spanish(script, targets[0].after_s)
    heard = [found for found in timed_words(outcome, reader) if found[0] >= spanish[0].start_s]
    pairs = matched(heard, targets)
    said, reference = [sounding(w) for _, w in heard], [sounding(w) for t in targets for w in words_of(t.accept[0])]
    lags_s = [t - trial.after_s for t, trial in pairs]
    words = [len(pairs), len(targets), len(heard), errors(said, reference), sum(lag_s <= SOON_S for lag_s in lags_s)]
    found = {"words": words, "lags_s": lags_s, "letters": chrf.counts(said, reference), "together": _together(spanish, outcome)}
    return found | (_lagging(heard, len(targets), _span(spanish), outcome) if heard else {})


def _lagging(heard: Heard, wanted: int, span: Span, outcome: Outcome) -> dict:
    times_s, over_s = [t for t, _ in heard], max(end_s for _, end_s in outcome.spans)
    return {"laal_s": laal_s(times_s, wanted, span), "offsets_s": [times_s[0] - span[0], over_s - span[1]]}


def _spanish(script: Script, first_s: float) -> list[Sound]:
    """What is to be translated: from the sound on in which the first word is decided."""
    sounds = sorted(script.sounds, key=lambda s: s.start_s)
    begin_s = max((s.start_s for s in sounds if s.start_s < first_s), default=0.0)
    return [s for s in sounds if s.start_s >= begin_s]


def _span(sounds: Sequence[Sound]) -> Span:
    return sounds[0].start_s, max(s.start_s + s.speech.seconds for s in sounds)


def laal_s(times_s: Sequence[float], wanted: int, source: Span) -> float:
    """Length-adaptive average lagging: how much of the source had gone by at each word, less its even share of it.

    Args:
        times_s: when each word was heard. wanted: words of the reference. source: begin and end of what is translated.
    """
    begin_s, length_s = source[0], source[1] - source[0]
    gone_s = [min(t - begin_s, length_s) for t in times_s]
    tau = next((i for i, d in enumerate(gone_s, 1) if d >= length_s), len(gone_s))
    even_s = length_s / max(len(times_s), wanted)
    return float(np.mean([d - i * even_s for i, d in enumerate(gone_s[:tau])]))


def _together(sounds: Sequence[Sound], outcome: Outcome) -> list[float]:
    user = [(s.start_s, s.start_s + s.speech.seconds) for s in sounds]
    both = sum(max(0.0, min(b, d) - max(a, c)) for a, b in outcome.spans for c, d in user)
    return [both, sum(b - a for a, b in outcome.spans)]


def figures(records: Sequence[Record]) -> dict[str, Figure]:
    words, lags, offsets = list(seen(records, "words")), every(records, "lags_s"), list(seen(records, "offsets_s"))
    return {
        "simultaneous": of_sums(words, lambda hit, wanted, heard, *_: 100 * np.maximum(0, hit - np.maximum(0, heard - wanted)) / wanted),
        "words_in_time": of_sums(words, lambda hit, wanted, *_: 100 * hit / wanted),
        "words_soon": of_sums(words, lambda hit, wanted, heard, wrong, soon: 100 * soon / wanted),
        "wer": of_sums(words, lambda hit, wanted, heard, wrong, soon: 100 * wrong / wanted),
        "chrf": of_sums(list(seen(records, "letters")), chrf.score, "points"),
        "behind_s": mean(lags),
        "behind_p50_s": quantile(lags, 50),
        "behind_p90_s": quantile(lags, 90),
        "laal_s": mean(list(seen(records, "laal_s"))),
        "start_offset_s": mean([start_s for start_s, _ in offsets]),
        "end_offset_s": mean([end_s for _, end_s in offsets]),
        "together": of_sums(list(seen(records, "together")), lambda both, own: 100 * both / own),
        **readings(rows(records, ROW), "english"),
    }


SUITE = Suite(
    name="translation",
    asks="say in English what is being said in Spanish, a word or two behind",
    mirrors="simultaneous speech translation (LAAL, overlap), TML's demonstration; other data: some hundred words, adjectives turned round",
    items=items,
    figures=figures,
    headline="simultaneous",
    chance={"silent": 0, "always": 5, "random": 25, "metronome": 10},
    observe=observe,
    beside=tuple(INTERPRETERS),
)
