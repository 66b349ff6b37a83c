"""Trains an interaction model from nothing (or goes on) on a folder of shards: `duologue train pretrain --help`."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from duologue.config import Config
from duologue.device import CPU
from duologue.model import checkpoint
from duologue.model.interaction import Batch, InteractionModel
from duologue.model.moe import balance
from duologue.train.batches import Shards, collate, hurried
from duologue.train.itself import heard_itself
from duologue.train.loop import Plan, rank_and_world, train

POSITIONS = 768  # of a window: longer than the attention's own window, so that the ring's forgetting is trained too
STEPS = 1 << 40  # more than there will ever be
EAR_POSITIONS = 384  # where only the front learns, which looks back half a second: CTC costs the square of a window


class Feed(Dataset):
    """Batches by step, a pure function of (seed, step, rank); the next ones are made by other processes while a step runs."""

    def __init__(self, shards: Shards, rows: int, seed: int, device: torch.device = CPU, ears: bool = False):
        self.shards, self.seed, self.ears, self.device = shards, seed, ears, device
        self.positions = EAR_POSITIONS if ears else POSITIONS
        self.rank, self.world = rank_and_world()
        self.rows = max(1, rows // self.world)
        self.following, self.coming = -1, iter(())

    def __getitem__(self, step: int) -> Batch:
        rng = np.random.default_rng([self.seed, step, self.rank])
        clean = [self.shards.draw(self.positions, rng) for _ in range(self.rows)]
        return collate([hurried(w, rng) for w in clean] if self.ears else clean, self.positions, rng)

    def __call__(self, step: int) -> Batch:
        if step != self.following:
            self.coming = self._from(step)
        self.following = step + 1
        return next(self.coming)

    def _from(self, step: int) -> Iterator[Batch]:
        """A step on a CPU takes longer than a batch; a GPU keeps all of its process's cores busy."""
        gpu, own = self.device.type == "cuda", torch.Generator()  # else a loader draws from the generator that the losses use
        makers = max(1, (os.cpu_count() or 1) // self.world - 1) if gpu else 1
        steps = range(step, STEPS)
        return iter(DataLoader(self, batch_size=None, sampler=steps, num_workers=makers, pin_memory=gpu, generator=own))


def pretrain(
    shards: Path, config: Config, plan: Plan, rows: int = 10, init: Path | None = None, ears: bool = False
) -> InteractionModel:
    """Every loss at once, from `init` or from nothing. Goes on where `plan.out` stopped.

    With `ears` only the front learns, to spell what it hears.
    """
    torch.manual_seed(plan.seed)
    model = checkpoint.load(init)[0].train() if init else InteractionModel(config)
    feed = Feed(Shards(shards), rows, plan.seed, plan.device, ears)
    if ears:
        return train(model, feed, lambda m, batch: m.ear_loss(batch, plan.dtype), plan)
    return train(model, feed, lambda m, batch: _losses(m, batch, plan.dtype, itself=feed.following % 2 == 0), plan)


def _losses(model: InteractionModel, batch: Batch, dtype: torch.dtype, itself: bool) -> dict[str, torch.Tensor]:
    """Every other step follows what the model itself would have said before, and not a recording."""
    batch = heard_itself(model, batch, dtype) if itself else batch
    losses = model.loss(batch, dtype)
    balance(model)
    return losses
