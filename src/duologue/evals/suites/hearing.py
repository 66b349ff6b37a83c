"""Hearing: any English sentence is written down, soon; nothing is said, for nobody is asked. Read `SUITE`, then `_words`.

Rows: held-out voices by engine, clean; the same conversations in noise and rooms that no training had; said faster and slower;
recordings of a person; and sentences that training left out, of actors whom it heard. Numbers, spellings and contractions are made alike before words are compared.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import islice

import numpy as np

from duologue.data import actors
from duologue.data.bank import Bank
from duologue.data.recordings import home_of
from duologue.data.render import turns_of
from duologue.data.script import Script
from duologue.data.warp import Warp, retime, warp_speech
from duologue.errors import DataError
from duologue.evals import human
from duologue.evals.draws import MOST_MISSES, Source, from_bank
from duologue.evals.items import Item
from duologue.evals.outcome import TURN_S, Outcome
from duologue.evals.score import Reader, Verdict
from duologue.evals.stats import Figure, of_sums, quantile
from duologue.evals.suite import Record, Suite, right, rows, seen
from duologue.evals.trials import Trial
from duologue.evals.wording import errors, words_of

NOISY = "test-noise"
SPEEDS = {"slow": 0.8, "fast": 1.25}
PEOPLE = ("human", "actors")
TAIL_S = 1.5  # after the last word: it is written down late

Timed = list[tuple[float, str]]


def items(source: Source, cases: int) -> list[Item]:
    """Half as many conversations as cases, each clean and in noise; a sixth faster and slower; the person's phrases; a third of actors."""
    clean = [script for script, _ in islice(source("hear"), max(1, cases // 2))]
    some = clean[: max(1, cases // 6)]
    rated = [(row, _said_at(script, speed)) for row, speed in SPEEDS.items() for script in some]
    made = [("clean", script) for script in clean] + [(NOISY, script) for script in clean]
    made += [("human", script) for script in _person(cases)] + [("actors", script) for script in _actors(max(1, cases // 3))]
    return [_item(row, script) for row, script in [*made, *rated]]


def _item(row: str, script: Script) -> Item:
    last_s = max(sound.start_s + sound.speech.seconds for sound in script.sounds)
    channel = {"channel": NOISY} if row == NOISY else {}
    script = replace(script, length_s=max(script.length_s, last_s + TAIL_S), about={**script.about, "row": row, **channel})
    return script, [Trial("quiet", "quiet", 0.0, turns_of(script) * TURN_S)]


def _said_at(script: Script, speed: float) -> Script:
    script = retime(script, [speed] * len(script.sounds))
    return replace(script, sounds=[replace(s, speech=warp_speech(s.speech, Warp(speed=speed))) for s in script.sounds])


def _person(cases: int) -> list[Script]:
    """None where the recordings cannot be fetched: their row has no cases then."""
    try:
        return human.conversations(cases, human.fetched())
    except DataError:
        return []


def _actors(cases: int) -> list[Script]:
    """None where training has had none (`duologue synth actors`)."""
    theirs = from_bank(Bank(home_of(actors.home())), seed=0, tries=2 * MOST_MISSES)
    try:
        return [script for script, _ in islice(theirs("hear"), cases)]
    except DataError:
        return []


def observe(
    script: Script, trials: Sequence[Trial], verdicts: Sequence[Verdict], outcome: Outcome, reader: Reader
) -> dict:
    """words: row, voice, misheard, said. lags: seconds from a word's end to its being written, of those heard rightly."""
    wanted, heard = list(_wanted(script)), [(t, word) for t, words in outcome.heard for word in words_of(words)]
    row, voice = script.about["row"], script.sounds[0].speech.voice.split("/")[0]
    wrong = errors([word for _, word in heard], [word for _, word in wanted])
    return {"words": [row, voice, wrong, len(wanted)], "lags": [] if row in PEOPLE else _lags(wanted, heard)}


def _wanted(script: Script) -> Iterator[tuple[float, str]]:
    """The words to be written and when each has been said."""
    timed = sorted((s.start_s + w.end_s, w.text) for s in script.sounds if s.transcribed for w in s.speech.words)
    return ((end_s, word) for end_s, text in timed for word in words_of(text))


def _lags(wanted: Timed, heard: Timed) -> list[float]:
    match = SequenceMatcher(None, [word for _, word in wanted], [word for _, word in heard], autojunk=False)
    pairs = [(a + k, b + k) for a, b, size in match.get_matching_blocks() for k in range(size)]
    return [heard[j][0] - wanted[i][0] for i, j in pairs]


def figures(records: Sequence[Record]) -> dict[str, Figure]:
    said = list(seen(records, "words"))
    voices = sorted({voice for row, voice, *_ in said if row == "clean"})
    lags = [lag for found in seen(records, "lags") for lag in found]
    return {
        "heard": of_sums(_counts(said, "clean"), lambda wrong, words: 100 * np.maximum(0, 1 - wrong / words)),
        "misheard": _misheard(said, "clean"),
        **{f"misheard/{voice}": _misheard(said, "clean", voice) for voice in voices},
        **{f"misheard/{row}": _misheard(said, row) for row in (NOISY, *SPEEDS, *PEOPLE)},
        "lag_p50_s": quantile(lags, 50),
        "lag_p90_s": quantile(lags, 90),
        "quiet": right(rows(records, "quiet")),
    }


def _counts(said: Sequence, row: str, voice: str = "") -> list[tuple[int, int]]:
    return [(wrong, words) for r, v, wrong, words in said if r == row and voice in ("", v)]


def _misheard(said: Sequence, row: str, voice: str = "") -> Figure:
    return of_sums(_counts(said, row, voice), lambda wrong, words: 100 * wrong / words)


SUITE = Suite(
    name="hearing",
    asks="write down any English sentence soon after it was said, and say nothing",
    mirrors="word error rate of streaming recognisers, FD-Bench; other data: open sentences, synthetic voices and people",
    items=items,
    figures=figures,
    headline="heard",
    chance={"silent": 0, "always": 0, "random": 0, "metronome": 0},
    observe=observe,
)
