"""Adapts a model to somebody's recordings: `duologue train adapt --recordings DIR --out DIR`. Read `adapt` first.

The recordings are rendered among the usual families, with rooms and noise, and the weights are the mean of those before and
after (`average`), so that what the model can do is not forgotten. One sentence in ten of theirs is not trained on: it tells
what was gained, frozen conversations in synthetic voices what was lost.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch.distributed as dist
from rich.console import Console
from rich.progress import Progress

from duologue.data.bank import Bank
from duologue.data.recordings import Adopted, adopted
from duologue.data.script import Script
from duologue.data.shards import SHARD_S, Recipe, make_shards, weighted_families
from duologue.data.voices import OWN
from duologue.errors import DataError
from duologue.evals import draws, items, probe
from duologue.evals.outcome import decided_outcome
from duologue.evals.quick import heard_errors
from duologue.evals.stats import Rate, ratio
from duologue.evals.systems import Case, System, run
from duologue.model import checkpoint
from duologue.train.average import average
from duologue.train.loop import MODEL, Plan, rank_and_world
from duologue.train.pretrain import pretrain

FAMILIES = {
    "hear": 12, "numbers": 2, "talk": 2, "repeat": 2, "read": 2, "typed": 1, "order": 1, "facts": 1, "pause": 1, "time": 1,
    "hold": 1, "interrupt": 1, "invite": 1, "delegate": 1, "refuse": 1,
}  # fmt: skip
CASES = 12  # conversations of each kind that are measured
SHARE = 0.5  # of what was trained in the mean
ADAPTED = "adapted.safetensors"
KEPT = ("numbers", "talk")


class Heard(NamedTuple):
    """Heard words that are wrong, with intervals over the conversations."""

    theirs: Rate  # in sentences of the recordings that were not trained on
    others: Rate  # in frozen conversations: phrases and voices that no training has


class Adapted(NamedTuple):
    recordings: Adopted
    before: Heard
    after: Heard


def adapt(recordings: Path, init: Path, plan: Plan, shards: int = 18, rows: int = 10) -> Adapted | None:
    """Trains `init` on the recordings among the usual families; the weights to use are `plan.out`/ADAPTED.

    Args:
        shards: of ten minutes of conversation each.

    Returns:
        What was gained and lost; None in the processes besides the first.

    Raises:
        DataError: no recordings, no voice bank to mix them with, or weights that cannot be read.
    """
    config = checkpoint.load(init)[0].config
    rank, world = rank_and_world()
    taken = prepare(recordings, plan, shards) if rank == 0 else None
    if world > 1:
        dist.barrier()
    pretrain(plan.out / "shards", config, plan, rows, init)
    if taken is None:
        return None
    average([init, plan.out / MODEL], [1 - SHARE, SHARE], plan.out / ADAPTED)
    return Adapted(taken, heard(init, taken.folder), heard(plan.out / ADAPTED, taken.folder))


def prepare(recordings: Path, plan: Plan, shards: int) -> Adopted:
    """Reads and times the recordings, and renders the conversations. What is there already is left as it is."""
    others = Bank()
    if not any(entry.voice == OWN for entry in others.entries):
        raise DataError(f"{others.root} has no own voice to mix the recordings with; first run: duologue synth voices --minutes 60")
    with Progress(console=Console(stderr=True)) as bar:
        reading, rendering = bar.add_task("recordings", total=None), bar.add_task("shards", total=shards)
        taken = adopted(recordings, lambda done, total: bar.update(reading, completed=done, total=total))
        recipe = Recipe(Bank(recordings=taken.folder), weighted_families(FAMILIES), plan.seed)
        make_shards(
            plan.out / "shards", shards * SHARD_S, recipe, progress=lambda done: bar.update(rendering, completed=done)
        )
    return taken


def heard(weights: Path, recorded: Path) -> Heard:
    """What a model mishears of each, running freely, without noise; of the recordings nothing where none was kept apart."""
    system, bank = probe.system_of(str(weights)), Bank(recorded)
    theirs = [draws.script("hear", bank, n, seed=0) for n in range(CASES)] if bank.voices("test") else []
    others = [script for script, _ in items.load() if script.family in KEPT]
    return Heard(_mistakes(system, theirs), _mistakes(system, others[:: max(1, len(others) // CASES)][:CASES]))


def _mistakes(system: System, scripts: Sequence[Script]) -> Rate:
    if not scripts:
        return ratio([], [])
    found = dict(run(system, [Case(script, n) for n, script in enumerate(scripts)], decided_outcome))
    return ratio(*zip(*(heard_errors(script, found[n]) for n, script in enumerate(scripts)), strict=True))
