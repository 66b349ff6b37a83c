"""`duologue eval quick`: frozen conversations with held-out voices and phrases, judged on what is heard. Read `measure`.

`measure` runs any system; `quick` the model of a checkpoint. Rows are those of the figures table in the model card.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from duologue.data.bank import Bank
from duologue.data.channel import Channel
from duologue.data.script import Script
from duologue.device import CPU
from duologue.engine.engine import Voiced, load
from duologue.errors import ConfigError, DataError
from duologue.evals import human, items, judge
from duologue.evals.draws import FAMILIES, enough, fill
from duologue.evals.items import FOLDER, Item
from duologue.evals.outcome import Outcome
from duologue.evals.score import Reader, Verdict, score
from duologue.evals.speed import turn_times
from duologue.evals.stats import paired_difference, quantiles, rate, ratio
from duologue.evals.systems import Case, System, model, run
from duologue.evals.trials import Trial
from duologue.evals.voice import reference, voice_row
from duologue.evals.wording import errors, words_of

GROUPS = ("answers", "pause", "repair", "stop", "goes_on", "time", "noise", "human", "loss", "voice")
ANSWERING = ("talk", "numbers", "order", "facts", "repeat", "typed", "pause", "invite")
LOSSY = Channel(loss=0.05, burst=2.0)
BABBLE_VOICES = 8
FROZEN_CASES = 60

class Held(NamedTuple):
    """A conversation that was held; its sound may have been let go."""

    outcome: Outcome
    verdicts: list[Verdict]


Progress = Callable[[str, int, int], None]  # what is being done, how much of how much


@dataclass(slots=True)
class Bench:
    """What a measurement needs all along."""

    system: System
    seed: int
    reader: Reader
    progress: Progress
    failed: Counter = field(default_factory=Counter)

    def hold(self, drawn: Sequence[Item], channel: str | Channel, what: str, kept: int = 0) -> list[Held]:
        """Each conversation held and judged; the ear listens in other threads while the system goes on.

        The sound is kept of about `kept` of them only.
        """
        cases = [Case(s, 1000 * self.seed + i, channel, _others(drawn, i)) for i, (s, _) in enumerate(drawn)]
        futures, stride = {}, max(1, len(drawn) // kept) if kept else len(drawn) + 1
        with ThreadPoolExecutor(judge.WORKERS) as pool:
            for count, (i, outcome) in enumerate(run(self.system, cases), 1):
                self.failed.update([outcome.failure] * bool(outcome.failure))
                futures[i] = pool.submit(self._judged, outcome, drawn[i][1], i % stride == 0)
                self.progress(what, count, len(cases))
        return [futures[i].result() for i in range(len(drawn))]

    def _judged(self, outcome: Outcome, trials: Sequence[Trial], keep: bool) -> Held:
        verdicts = [score(trial, outcome, self.reader) for trial in trials]
        return Held(outcome if keep else replace(outcome, sound_S=np.zeros(0, np.float32)), verdicts)


def _others(drawn: Sequence[Item], index: int) -> list[np.ndarray]:
    """Speech of other conversations, to make a crowd of."""
    around = [drawn[(index + n) % len(drawn)][0] for n in range(1, BABBLE_VOICES + 1)]
    return [script.sounds[0].speech.pcm_S for script in around if script.sounds]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be measured.

    Args:
        cases: trials of each kind; up to FROZEN_CASES from the frozen items, more are drawn from the voice bank.
        seed: of the system's noise and of the channels; same seed, same figures.
        rows: names of GROUPS; empty for all.
        folder: of the frozen items.
    """

    cases: int = FROZEN_CASES
    seed: int = 0
    rows: Sequence[str] = ()
    folder: Path = FOLDER


def measure(system: System, asked: Asked, ear: judge.Ear | None = None, progress: Progress = lambda *_: None) -> dict:
    """Every row of the figures for one system.

    Raises:
        ConfigError: a row that does not exist, or the judge is not installed.
        DataError: the frozen items are missing or changed.
    """
    wanted, cases = _checked(asked.rows), asked.cases
    needed = {*wanted, "answers"} if {"loss", "noise", "voice"} & set(wanted) else set(wanted)
    drawn = [item for item in _items(asked) if any(_group(t) in needed for t in item[1])]
    bench = Bench(system, asked.seed, judge.reader(ear or judge.whisper_ear()), progress)
    held = bench.hold(drawn, "clean", "conversations", kept=cases)
    pairs = [(t, v) for (_, trials), h in zip(drawn, held, strict=True) for t, v in zip(trials, h.verdicts, strict=True)]
    result = _trial_rows([(t, v) for t, v in pairs if _group(t) in wanted])
    if drawn:
        result["hear/clean"] = _heard(drawn, held)
    if "loss" in wanted:
        result["loss"] = _loss(bench, drawn, held, cases)
    if "noise" in wanted:
        result["hear/noise"] = _noise(bench, drawn, cases)
    if "human" in wanted:
        result["hear/human"] = _human(bench, cases)
    if "voice" in wanted:
        result["voice"] = voice_row([h.outcome for h in held if len(h.outcome.sound_S)], bench.reader.words, reference(drawn))
    about = {"cases": cases, "seed": asked.seed, "frozen": cases <= FROZEN_CASES, "conversations": len(drawn)}
    return {"about": about, "rows": result, "failed": dict(bench.failed), "ceiling": _ceiling(asked.folder)}


def _checked(rows: Sequence[str]) -> tuple[str, ...]:
    if unknown := set(rows) - set(GROUPS):
        raise ConfigError(f"there is no row {sorted(unknown)[0]!r}; choose from {', '.join(GROUPS)}")
    return tuple(rows or GROUPS)


def _group(trial: Trial) -> str:
    """Which of GROUPS a trial belongs to."""
    group = trial.row.split("/")[0]
    return {"listens": "pause", "stays_silent": "goes_on", "resume": "stop", "written": "answers"}.get(group, group)


def _items(asked: Asked) -> list[Item]:
    if asked.cases <= FROZEN_CASES:
        return enough(items.load(folder=asked.folder), asked.cases)
    bank = Bank()
    drawn = [item for family in FAMILIES for item in fill(family, bank, asked.cases, asked.seed)]
    if not drawn:
        raise DataError(f"more than {FROZEN_CASES} cases are drawn from the voice bank, which is empty: duologue synth voices")
    return drawn


def _trial_rows(pairs: Sequence[tuple[Trial, Verdict]]) -> dict[str, dict]:
    """Each row and, where it has parts, all of them together."""
    by_row: dict[str, list[tuple[Trial, Verdict]]] = defaultdict(list)
    for trial, verdict in pairs:
        for row in dict.fromkeys((trial.row.split("/")[0], trial.row)):
            if row != "time":
                by_row[row].append((trial, verdict))
    return {row: _row(by_row[row]) for row in sorted(by_row)}


def _row(pairs: Sequence[tuple[Trial, Verdict]]) -> dict:
    verdicts = [verdict for _, verdict in pairs]
    row: dict = {"right": rate(sum(v.right for v in verdicts), len(verdicts))._asdict()}
    row["likely"] = rate(sum(v.right or v.likely for v in verdicts), len(verdicts))._asdict()
    if onsets := [v.onset_s for v in verdicts if v.onset_s is not None]:
        p50, p90 = quantiles(onsets)
        row |= {"p50_s": round(p50, 3), "p90_s": round(p90, 3), "onsets": len(onsets)}
    row["reasons"] = dict(Counter(v.reason for v in verdicts if v.reason).most_common())
    wrong = [{"heard": v.heard, "wanted": [*t.accept[:3], *t.items]} for t, v in pairs if not v.right and v.heard]
    if pairs[0][0].row == "pause":
        row["taken"] = rate(sum(not v.right for v in verdicts), len(verdicts))._asdict()
    return row | {"wrong": wrong[:6]}


def heard_errors(script: Script, outcome: Outcome) -> tuple[int, int]:
    """Words of the `hear` channel that are wrong, and words said to be written down."""
    timed = sorted((s.start_s + w.start_s, w.text) for s in script.sounds if s.transcribed for w in s.speech.words)
    wanted = words_of(" ".join(text for _, text in timed))
    return errors(words_of(" ".join(words for _, words in outcome.heard)), wanted), len(wanted)


def _heard(drawn: Sequence[Item], held: Sequence[Held]) -> dict:
    counted = [heard_errors(script, h.outcome) for (script, _), h in zip(drawn, held, strict=True)]
    return ratio(*zip(*counted, strict=True))._asdict()


def _subset(drawn: Sequence[Item], cases: int) -> list[int]:
    """Indices of the first conversations of each answering family that fill a third of the cases."""
    few = enough([item for item in drawn if item[0].family in ANSWERING], max(1, cases // 3))
    kept = {id(script) for script, _ in few}
    return [i for i, (script, _) in enumerate(drawn) if id(script) in kept]


def _answered(trials: Sequence[Trial], held: Held) -> list[bool]:
    return [v.right for t, v in zip(trials, held.verdicts, strict=True) if t.row.startswith("answers")]


def _loss(bench: Bench, drawn: Sequence[Item], held: Sequence[Held], cases: int) -> dict:
    """The same answers with 5 % of the audio lost in short bursts."""
    picked = _subset(drawn, cases)
    again = bench.hold([drawn[i] for i in picked], LOSSY, "5 % lost")
    before = [right for i in picked for right in _answered(drawn[i][1], held[i])]
    after = [right for i, h in zip(picked, again, strict=True) for right in _answered(drawn[i][1], h)]
    figures = {"without": rate(sum(before), len(before)), "right": rate(sum(after), len(after))}
    return {name: r._asdict() for name, r in figures.items()} | {"points": paired_difference(before, after)._asdict()}


def _noise(bench: Bench, drawn: Sequence[Item], cases: int) -> dict:
    """What is heard in rooms, noises and a codec that training never had."""
    some = [(drawn[i][0], []) for i in _subset(drawn, cases)]
    return _heard(some, bench.hold(some, "test-noise", "in noise"))


def _human(bench: Bench, cases: int) -> dict:
    try:
        some = [(script, []) for script in human.conversations(cases, human.fetched())]
    except DataError as error:
        return {"skipped": str(error)}
    return _heard(some, bench.hold(some, "clean", "a human"))


def write_ceiling(result: dict, folder: Path) -> None:
    """Keeps what the judge makes of perfect answers: the most a row can show."""
    rows = result["rows"]
    kept = {
        name: {kind: round(row[kind]["percent"], 1) for kind in ("right", "likely")} for name, row in rows.items() if "likely" in row
    }
    kept |= {"voice": rows["voice"]}
    (folder / "ceiling.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def _ceiling(folder: Path) -> dict:
    path = folder / "ceiling.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def quick(
    checkpoint: Path | None,
    cases: int = FROZEN_CASES,
    seed: int = 0,
    rows: Sequence[str] | None = None,
    progress: Progress = lambda *_: None,
    device: torch.device = CPU,
) -> dict:
    """The figures of a checkpoint (None: the shipped weights); of all `rows`, also how long a turn takes here."""
    voiced: Voiced = load(checkpoint, device=device)
    result = measure(model(voiced), Asked(cases, seed, rows or ()), progress=progress)
    if not rows:
        result["rows"]["turn"] = turn_times(voiced)
    return result
