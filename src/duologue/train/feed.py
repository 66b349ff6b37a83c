"""Where batches come from: a folder of shards, or conversations that the processes which make the batches render anew.

Read `by_step` first. A set of shards serves about one and a half epochs before its order is learned by heart, and a GPU is
through ten hours in seconds; `Anew` never runs out, and forgets a conversation after a few uses.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from rich.console import Console
from rich.progress import Progress
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

from duologue.data.bank import Bank
from duologue.data.mix import WATCHED
from duologue.data.recordings import adopted, home_of
from duologue.data.shards import Families, Recipe, fields_of, render_shard
from duologue.device import CPU
from duologue.model.batch import Batch
from duologue.train.batches import collate
from duologue.train.disturb import hurried
from duologue.train.loop import rank_and_world
from duologue.train.windows import Shards

POSITIONS = 768  # of a window: longer than the attention's own window, so that the ring's forgetting is trained too
EAR_POSITIONS = 384  # where only the front learns, which looks back half a second: CTC costs the square of a window
STEPS = 1 << 40  # more than there will ever be
LEVELS = ("mild", "mild", "train")  # of disturbance, one shard after the other
USES, WATCHED_USES = 4, 8  # how often a position is drawn, about; where the camera is always on, for pictures take longer to draw than all else
KEPT, FIRST = 24, 2  # shards a process draws from, the last ones; those it has before the first batch


@dataclass(frozen=True, slots=True)
class Share:
    """What one process draws of every batch."""

    rows: int
    positions: int
    ears: bool
    rank: int
    world: int
    whole: float = 0.0  # share of the windows in which a conversation begins

    @classmethod
    def of(cls, rows: int, ears: bool, whole: float) -> "Share":
        """This process's, of `rows` over all of them."""
        rank, world = rank_and_world()
        return cls(max(1, rows // world), EAR_POSITIONS if ears else POSITIONS, ears, rank, world, whole)

    def draw(self, shards: Shards, rng: np.random.Generator) -> Batch:
        clean = [shards.draw(self.positions, rng, self.whole) for _ in range(self.rows)]
        return collate([hurried(w, rng) for w in clean] if self.ears else clean, self.positions, rng)


class Stored(Dataset):
    """Batches of a folder's shards, each a pure function of (seed, step, rank)."""

    def __init__(self, shards: Shards, share: Share, seed: int):
        self.shards, self.share, self.seed = shards, share, seed

    def __getitem__(self, step: int) -> Batch:
        return self.share.draw(self.shards, np.random.default_rng([self.seed, step, self.share.rank]))


class Anew(IterableDataset):
    """Batches of conversations that nothing keeps, each process rendering its own; a run that goes on at a step hears other ones.

    The same bits for the same seed, first step and number of processes.
    """

    def __init__(self, recipe: Recipe, share: Share, step: int):
        self.recipe, self.share, self.step = recipe, share, step

    def __iter__(self) -> Iterator[Batch]:
        me, all_of_us = self._place()
        rng = np.random.default_rng([self.recipe.seed, self.step, me])
        shards, owed, uses = Shards(KEPT), 0.0, WATCHED_USES if self.recipe.watched == 1 else USES
        for n, number in enumerate(range((self.step << 20) + me, STEPS << 20, all_of_us)):
            made = render_shard(replace(self.recipe, augment=LEVELS[n % len(LEVELS)]), number)[0]
            owed += uses * shards.add(fields_of(made)) / self.share.positions
            while n + 1 >= FIRST and owed >= self.share.rows:
                owed -= self.share.rows
                yield self.share.draw(shards, rng)

    def _place(self) -> tuple[int, int]:
        """Which of all processes that render this is, and how many there are."""
        worker = get_worker_info()
        maker, makers = (worker.id, worker.num_workers) if worker else (0, 1)
        return self.share.rank * makers + maker, self.share.world * makers


def recipe(families: Families, seed: int, recordings: Path | None = None, watched: float = WATCHED) -> Recipe:
    """What conversations are made of: the voice bank and, half of the time where both fit, people's recordings.

    The first process reads the recordings in, the others wait; what has been read is not read again.
    """
    rank, world = rank_and_world()
    if recordings and rank == 0:
        with Progress(console=Console(stderr=True)) as bar:
            reading = bar.add_task("recordings", total=None)
            adopted(recordings, lambda done, total: bar.update(reading, completed=done, total=total))
    if recordings and world > 1:
        dist.barrier()
    return Recipe(Bank(recordings=recordings and home_of(recordings)), families, seed, watched=watched)


class Steps:
    """Batches by step. Those that follow one another come from one iterator; any other step begins another, at itself."""

    def __init__(self, starting: Callable[[int], Iterator]):
        self.starting, self.following, self.coming = starting, -1, iter(())

    def __call__(self, step: int):
        if step != self.following:
            self.coming = self.starting(step)
        self.following = step + 1
        return next(self.coming)


def by_step(source: Shards | Recipe, rows: int, seed: int, device: torch.device = CPU, ears: bool = False, whole: float = 0.0) -> Steps:
    """This process's share of batches of `rows` windows; the next ones are made by other processes while a step runs."""
    share = Share.of(rows, ears, whole)
    if isinstance(source, Recipe):
        render_shard(source, 0)  # here, once: what the bank lacks is said in one line, and all processes share its indices
        return Steps(lambda step: loaded(Anew(source, share, step), device, share.world))
    windows = Stored(source, share, seed)
    return Steps(lambda step: loaded(windows, device, share.world, range(step, STEPS)))


def loaded(batches: Dataset, device: torch.device, world: int, steps: Sequence[int] | None = None) -> Iterator:
    """Batches that other processes make. A step on a CPU takes longer than a batch; a GPU keeps all of its process's cores busy."""
    gpu, own = device.type == "cuda", torch.Generator()  # else a loader draws from the generator that the losses use
    makers = max(1, (os.cpu_count() or 1) // world - 1) if gpu else 1
    return iter(DataLoader(batches, batch_size=None, sampler=steps, num_workers=makers, pin_memory=gpu, generator=own))
