"""A quick look at a model in training: `python -m duologue.evals.probe --checkpoint PATH --cases 20`. Read `probe` first.

No recogniser and no vocoder: words are those that the model says it says, onsets its decisions. So it is a little kinder
than `quick`, and takes a tenth of the time.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from duologue.data.bank import Bank
from duologue.data.mix import unasked
from duologue.engine.engine import Voiced
from duologue.errors import DataError, DuologueError
from duologue.evals.draws import FAMILIES, draw
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome, decided_outcome
from duologue.evals.quick import heard_errors
from duologue.evals.scenery import beside
from duologue.evals.score import Reader, Verdict, said_tokens, score
from duologue.evals.stats import Rate, paired_difference, quantiles, rate, ratio
from duologue.evals.systems import Case, System, model, oracle, run, silent
from duologue.evals.trials import Trial
from duologue.kernels.ops import fast_dtype
from duologue.model import checkpoint
from duologue.turn import SAMPLES_PER_TURN

Judged = tuple[Trial, Verdict]
T = TypeVar("T")
MORE = ("see", "watch", "count", "glance", "cue", "correct_me", "translate", "pronounce", "read", "drill", "refuse")  # asked for by name


@dataclass(slots=True)
class Mute:
    """In place of the vocoder: no sound, no time. It is its own state."""

    def start(self, rows: int = 1) -> "Mute":
        return self

    def rows(self, index) -> "Mute":
        return self

    def step(self, mel_BFM: torch.Tensor, state: "Mute") -> tuple[torch.Tensor, "Mute"]:
        return torch.zeros(len(mel_BFM), SAMPLES_PER_TURN), self


def probe(system: System, families: Sequence[str], cases: int, seed: int, split: str = "test", bank=None) -> dict:
    """Rows by name: right of how many, reasons, latencies; and heard word errors by family."""
    drawn = _drawn(families, cases, seed, split, bank or Bank())
    outcomes = _outcomes(system, drawn)
    return {"rows": rows_of(_judged(drawn, outcomes)), "heard": _heard(drawn, outcomes), "failed": _failed(outcomes)}


def beside_pictures(system: System, families: Sequence[str], cases: int, seed: int, split: str = "test", bank=None) -> dict[str, Rate]:
    """By family and over all: right answers with an unrelated scene before the camera less those without, in the same conversations."""
    drawn = _drawn(families, cases, seed, split, bank or Bank())
    filmed = [beside(item, np.random.default_rng([577, number])) for number, item in enumerate(drawn)]
    without, with_them = ([[v.right for _, v in _judged([one], [o])] for one, o in zip(items, _outcomes(system, items), strict=True)] for items in (drawn, filmed))
    pairs = [(script.family, pair) for (script, _), pair in zip(drawn, zip(without, with_them, strict=True), strict=True)]
    return {name: paired_difference(*(list(chain(*rights)) for rights in zip(*found, strict=True))) for name, found in _by_family(families, pairs)}


def unasked_films(system: System, families: Sequence[str], cases: int, seed: int, split: str = "test", bank=None) -> dict[str, Rate]:
    """By family and over all: films of conversations, without a word from anybody, before which it keeps silent."""
    films = [(unasked(script), []) for script, _ in _drawn(families, cases, seed, split, bank or Bank()) if script.views]
    still = [(film.family, not outcome.spans) for (film, _), outcome in zip(films, _outcomes(system, films), strict=True)]
    return {name: rate(sum(found), len(found)) for name, found in _by_family(families, still)}


def _by_family(families: Sequence[str], found: Sequence[tuple[str, T]]) -> Iterator[tuple[str, list[T]]]:
    """What was found of each family, and over all; no family of which nothing was."""
    for name in (*families, "all"):
        if of := [one for family, one in found if name in (family, "all")]:
            yield name, of


def _drawn(families: Sequence[str], cases: int, seed: int, split: str, bank) -> list[Item]:
    drawn = []
    for family in families:
        try:
            drawn += draw(family, bank, cases, seed, split=split)
        except DataError as error:
            Console(stderr=True).print(f"{family} left out: {error}", markup=False)
    return drawn


def _outcomes(system: System, drawn: Sequence[Item]) -> list[Outcome]:
    cases_run = run(system, [Case(script, i) for i, (script, _) in enumerate(drawn)], decided_outcome)
    held = dict(track(cases_run, "conversations", len(drawn), transient=True, console=Console(stderr=True)))
    return [held[i] for i in range(len(drawn))]


def _judged(drawn: Sequence[Item], outcomes: Sequence[Outcome]) -> list[Judged]:
    return [(t, score(t, o, Reader(said_tokens))) for (_, trials), o in zip(drawn, outcomes, strict=True) for t in trials]


def rows_of(judged: Sequence[Judged]) -> dict[str, dict]:
    """What the trials of each row came to."""
    by_row: dict[str, list[Judged]] = defaultdict(list)
    for trial, verdict in judged:
        by_row[trial.row].append((trial, verdict))
    return {row: _summed(by_row[row]) for row in sorted(by_row)}


def _summed(judged: list[Judged]) -> dict:
    verdicts = [verdict for _, verdict in judged]
    p50, p90 = quantiles([v.onset_s for v in verdicts if v.onset_s is not None])
    reasons = dict(Counter(v.reason for v in verdicts if v.reason).most_common())
    heard = [{"heard": v.heard, "wanted": [*t.accept[:3], *t.items]} for t, v in judged if not v.right and v.heard]
    share = rate(sum(v.right for v in verdicts), len(verdicts))
    return {"right": share._asdict(), "p50_s": p50, "p90_s": p90, "reasons": reasons, "wrong": heard[:8]}


def _heard(drawn: Sequence[Item], outcomes: list[Outcome]) -> dict[str, dict]:
    counted: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for (script, _), outcome in zip(drawn, outcomes, strict=True):
        for name in (script.family, "all"):
            counted[name].append(heard_errors(script, outcome))
    return {name: ratio(*zip(*pairs, strict=True))._asdict() for name, pairs in counted.items()}


def _failed(outcomes: list[Outcome]) -> dict[str, int]:
    return dict(Counter(outcome.failure for outcome in outcomes if outcome.failure))


def show(result: dict, examples: int = 0) -> None:
    """Two tables, and some of the wrong answers."""
    table = Table("row", "right %", "95 %", "cases", "p50 s", "p90 s", "why not", title="probe: as the model itself tells it")
    for name, row in result["rows"].items():
        why = ", ".join(f"{reason} {n}" for reason, n in list(row["reasons"].items())[:4])
        late = ["" if np.isnan(row[q]) else f"{row[q]:.2f}" for q in ("p50_s", "p90_s")]
        table.add_row(name, *_figures(row["right"], 0), *late, why)
    words = Table("hear", "words wrong %", "95 %", "scripts")
    for name, figures in result["heard"].items():
        words.add_row(name, *_figures(figures, 1))
    console = Console(width=120)
    console.print(table, words)
    for name, row in result["rows"].items():
        for wrong in row["wrong"][:examples]:
            console.print(f"{name}: {wrong['heard']!r} for {wrong['wanted']}", highlight=False, markup=False)
    if result["failed"]:
        console.print(f"failed: {result['failed']}", markup=False)


def _figures(r: dict, digits: int) -> list[str]:
    return [f"{r['percent']:.{digits}f}", f"{r['low']:.{digits}f}-{r['high']:.{digits}f}", str(r["cases"])]


def system_of(name: str) -> System:
    """"oracle", "silent", or the model of a checkpoint."""
    if name in ("oracle", "silent"):
        return {"oracle": oracle, "silent": silent}[name]
    return model(Voiced(checkpoint.load(Path(name))[0].settle(fast_dtype()), Mute()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", required=True, help="a checkpoint, or one of the controls: oracle, silent")
    parser.add_argument("--cases", type=int, default=20, help="scripts a family")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", choices=("test", "train"), default="test")
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=(*FAMILIES, *MORE))
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--beside", action="store_true", help="how many more are right with unrelated pictures before the camera")
    instead.add_argument("--unasked", action="store_true", help="whether it keeps silent before films that nobody speaks of")
    parser.add_argument("--examples", type=int, default=1, help="wrong answers shown for each row")
    parser.add_argument("--json", type=Path, help="where to keep the figures")
    asked = parser.parse_args()
    what = asked.families, asked.cases, asked.seed, asked.split
    try:
        system = system_of(asked.checkpoint)
        if asked.beside:
            result = _told(beside_pictures(system, *what), "{:+.1f} points [{:+.1f}, {:+.1f}] of {}")
        elif asked.unasked:
            result = _told(unasked_films(system, *what), "silent before {:.0f} % [{:.0f}, {:.0f}] of {} films")
        else:
            result = probe(system, *what)
            show(result, asked.examples)
    except DuologueError as error:
        sys.exit(f"probe: {error}")
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _told(rates: dict[str, Rate], form: str) -> dict[str, dict]:
    """A line for each, and the figures themselves."""
    for name, r in rates.items():
        Console(width=120).print(f"{name}: {form.format(r.percent, r.low, r.high, r.cases)}", highlight=False, markup=False)
    return {name: r._asdict() for name, r in rates.items()}


if __name__ == "__main__":
    main()
