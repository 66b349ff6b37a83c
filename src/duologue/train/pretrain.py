"""Trains an interaction model from nothing (or goes on) on a folder of shards: `duologue train pretrain --help`."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from duologue.config import Config
from duologue.model import checkpoint
from duologue.model.interaction import Batch, InteractionModel
from duologue.model.moe import balance
from duologue.train.batches import Shards, collate, hurried
from duologue.train.loop import Plan, rank_and_world, train

POSITIONS = 768  # of a window: longer than the attention's own window, so that the ring's forgetting is trained too
EAR_POSITIONS = 384  # where only the front learns, which looks back half a second: CTC costs the square of a window


class Feed:
    """Batches by step, the next one made in the background while a step runs."""

    def __init__(self, shards: Shards, rows: int, seed: int, ears: bool = False):
        self.shards, self.seed, self.ears = shards, seed, ears
        self.positions = EAR_POSITIONS if ears else POSITIONS
        self.rank, self.world = rank_and_world()
        self.rows = max(1, rows // self.world)
        self.pool = ThreadPoolExecutor(1)
        self.ahead = {}

    def make(self, step: int) -> Batch:
        rng = np.random.default_rng([self.seed, step, self.rank])
        clean = [self.shards.draw(self.positions, rng) for _ in range(self.rows)]
        return collate([hurried(w, rng) for w in clean] if self.ears else clean, self.positions, rng)

    def __call__(self, step: int) -> Batch:
        batch = self.ahead.pop(step, None) or self.pool.submit(self.make, step)
        self.ahead = {step + 1: self.pool.submit(self.make, step + 1)}
        return batch.result()


def pretrain(
    shards: Path, config: Config, plan: Plan, rows: int = 10, init: Path | None = None, ears: bool = False
) -> InteractionModel:
    """Every loss at once, from `init` or from nothing. Goes on where `plan.out` stopped.

    With `ears` only the front learns, to spell what it hears.
    """
    torch.manual_seed(plan.seed)
    model = checkpoint.load(init)[0].train() if init else InteractionModel(config)
    feed = Feed(Shards(shards), rows, plan.seed, ears)
    return train(model, feed, lambda m, batch: m.ear_loss(batch, plan.dtype) if ears else _losses(m, batch, plan.dtype), plan)


def _losses(model: InteractionModel, batch: Batch, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    losses = model.loss(batch, dtype)
    balance(model)
    return losses
