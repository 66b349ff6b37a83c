"""Trains an interaction model from nothing (or goes on): `duologue train pretrain --help`."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch

from duologue.config import Config
from duologue.data.shards import Recipe
from duologue.model import checkpoint
from duologue.model.batch import Batch
from duologue.model.interaction import InteractionModel
from duologue.model.moe import balance
from duologue.train.feed import by_step
from duologue.train.itself import heard_itself
from duologue.train.loop import Plan, train
from duologue.train.windows import stored

ROUNDS = (3, 0, 1, 0)  # how often the own voice of the history is drawn, each time from the last: slips add up as they do live
EYES = ("trunk.eyes", "moving")
Part = Literal["all", "ears", "eyes"]


def pretrain(
    source: Path | Recipe, config: Config, plan: Plan, rows: int = 10, init: Path | None = None, part: Part = "all"
) -> InteractionModel:
    """Every loss at once, from `init` or from nothing. Goes on where `plan.out` stopped.

    Args:
        source: a folder of shards, or what conversations are made of that are rendered as they are needed.
        part: of "ears" only the front learns, to spell what it hears; of "eyes" the layers of pictures alone: a session without
            pictures keeps its bits.
    """
    torch.manual_seed(plan.seed)
    model = checkpoint.load(init)[0].train() if init else InteractionModel(config)
    batch_of = by_step(source if isinstance(source, Recipe) else stored(source), rows, plan.seed, plan.device, part == "ears")
    if part == "ears":
        return train(model, batch_of, lambda m, batch: m.ear_loss(batch, plan.dtype), plan)
    if part == "eyes":
        return train(model, batch_of, lambda m, batch: m.look_loss(batch, plan.dtype), replace(plan, only=EYES))
    return train(model, batch_of, lambda m, batch: _losses(m, batch, plan.dtype, ROUNDS[batch_of.following % len(ROUNDS)]), plan)


def _losses(model: InteractionModel, batch: Batch, dtype: torch.dtype, rounds: int) -> dict[str, torch.Tensor]:
    """Half of the steps follow what the model itself would have said before, and not a recording."""
    for _ in range(rounds):
        batch = heard_itself(model, batch, dtype)
    losses = model.loss(batch, dtype)
    balance(model)
    return losses
