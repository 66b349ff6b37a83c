"""Noise: rain, an engine, a crowd, coughs and silence ask nothing; the question after them does. Read `SUITE`, then `_noisy`.

A minute of noise must pass in silence and the question after it be answered, so silence alone is worth nothing. Noises are
made from the seed, of kinds that training never had. Beside it: noises into a recital, and into silence, of family "hold".
"""

from collections.abc import Iterator, Sequence
from itertools import cycle, islice

import numpy as np

from duologue.data.families.hold import body_noise
from duologue.data.mix import joined
from duologue.data.noise import TEST_NOISES, make_noise
from duologue.data.script import Script, Sound, Speech
from duologue.evals.draws import Source, take
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome, segments
from duologue.evals.score import Reader, Verdict
from duologue.evals.stats import Figure, of_sums, share
from duologue.evals.suite import Record, Suite, readings, right, rows, seen
from duologue.evals.trials import Trial, moved
from duologue.turn import SAMPLE_RATE_HZ

LENGTH_S = 60.0
STEADY_S = (6.0, 14.0)
GAIN_DB = (-18.0, 0.0)  # against speech
BODY = ("cough", "laugh", "breath")
ASKED = ("facts", "numbers", "order")


def items(source: Source, cases: int) -> list[Item]:
    """A third as many minutes of noise as cases; events into recitals and silences as there are."""
    minutes = max(1, cases // 3)
    asked = [item for family in ASKED for item in take(source, family, {"answers": minutes})]
    crowd = [sound.speech.pcm_S for script, _ in asked for sound in script.sounds]
    questions = [asked[i] for i in np.random.default_rng(271).permutation(len(asked))]
    found = [_noisy(np.random.default_rng([271, n]), item, crowd) for n, item in enumerate(islice(cycle(questions), minutes))]
    return found + take(source, "hold", {"goes_on/noise": cases, "stays_silent/noise": cases})


def _noisy(rng: np.random.Generator, item: Item, crowd: Sequence[np.ndarray]) -> Item:
    """A minute of noise, then the conversation."""
    script, trials = item
    noise = Script("noise", LENGTH_S, sounds=list(_noises(rng, crowd)))
    first = next(trial for trial in trials if trial.kind == "answer")
    whole = joined(noise, script)
    quiet = Trial("idle", "quiet", 0.0, LENGTH_S)
    return whole, [quiet, moved(first, LENGTH_S)]


def _noises(rng: np.random.Generator, crowd: Sequence[np.ndarray]) -> Iterator[Sound]:
    now_s = rng.uniform(1.0, 4.0)
    while True:
        speech = _steady(rng, crowd) if rng.random() < 0.4 else body_noise(rng, BODY[rng.integers(len(BODY))])
        if now_s + speech.seconds > LENGTH_S - 1.0:
            return
        yield Sound(now_s, speech, "television", float(rng.uniform(*GAIN_DB)), transcribed=False)
        now_s += speech.seconds + rng.uniform(0.5, 5.0)


def _steady(rng: np.random.Generator, crowd: Sequence[np.ndarray]) -> Speech:
    kinds = list(TEST_NOISES)
    kind, samples = kinds[rng.integers(len(kinds))], int(rng.uniform(*STEADY_S) * SAMPLE_RATE_HZ)
    noise_S = make_noise(rng, kind, samples, crowd)
    ramp_S = np.minimum(1, np.minimum(np.arange(samples), np.arange(samples)[::-1]) / (SAMPLE_RATE_HZ / 2))
    return Speech("", kind, (0.3 * noise_S / np.abs(noise_S).max() * ramp_S).astype(np.float32), ())


def observe(
    script: Script, trials: Sequence[Trial], verdicts: Sequence[Verdict], outcome: Outcome, reader: Reader
) -> dict:
    """through: quiet all the minute and the question answered. idle: sounds made in it, their seconds, its minutes."""
    if trials[0].row != "idle":
        return {}
    made = [(a, min(b, LENGTH_S)) for a, b in segments(outcome.spans) if a < LENGTH_S]
    idle = [len(made), sum(b - a for a, b in made), LENGTH_S / 60]
    return {"through": all(verdict.right for verdict in verdicts), "idle": idle}


def figures(records: Sequence[Record]) -> dict[str, Figure]:
    idle = list(seen(records, "idle"))
    return {
        "through": share(list(seen(records, "through"))),
        "false_per_minute": of_sums(idle, lambda sounds, seconds, minutes: sounds / minutes, "/min"),
        "voiced": of_sums(idle, lambda sounds, seconds, minutes: 100 * seconds / (60 * minutes)),
        "goes_on": right(rows(records, "goes_on")),
        "stays_silent": right(rows(records, "stays_silent")),
        **readings([trial for trial in rows(records) if trial["row"].startswith("answers")], "answered"),
    }


SUITE = Suite(
    name="noise",
    asks="say nothing through a minute of noise, then answer a question; go on reciting through a cough",
    mirrors="FD-Bench NIR, tau-voice S_VT, SID-Bench noise; other data: noises made from a seed",
    items=items,
    figures=figures,
    headline="through",
    chance={"silent": 0, "always": 0, "random": 10, "metronome": 10},
    observe=observe,
)
