"""New skills for a trunk that is to keep its old ones: `duologue train teach --help`. Read `teach` first.

Learning without forgetting (Li & Hoiem, arXiv 1606.09282), of hidden states: what is wanted of a known conversation says something
at one position in fifty, and a small voice bank says it wrongly; what the weights knew before says it at every one.
"""

from dataclasses import replace
from pathlib import Path

import torch

from duologue.data.shards import Recipe
from duologue.model import checkpoint
from duologue.model.batch import Batch, Lesson
from duologue.model.interaction import InteractionModel
from duologue.train.feed import by_step
from duologue.train.loop import Plan, train

TRUNK = ("trunk.layers", "trunk.norm", "fuse.front")
KEPT_WEIGHT = 80.0
WHOLE = 0.7  # of the windows of what is new: all that follows hangs on a rule given at the beginning
KNOWN_SHARE = 0.4  # of all windows


def teach(new: Recipe, known: Recipe, plan: Plan, rows: int, init: Path) -> InteractionModel:
    """The trunk and the front learn from the conversations of `new`; in those of `known` their states stay what they are in `init`.

    Heads, the own voice and the layers of pictures stay as they are. Goes on where `plan.out` stopped.
    """
    torch.manual_seed(plan.seed)
    model, before = (checkpoint.load(init)[0].train() for _ in range(2))
    before.requires_grad_(False).to(plan.device)
    many = round(rows * KNOWN_SHARE)
    lessons = by_step(new, rows - many, plan.seed, plan.device, whole=WHOLE)
    known_of = by_step(known, many, plan.seed + 1, plan.device)
    return train(
        model, lambda step: Lesson(lessons(step), known_of(step)), lambda m, lesson: losses(m, before, lesson, plan.dtype), replace(plan, only=TRUNK)
    )


def losses(model: InteractionModel, before: InteractionModel, lesson: Lesson, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Those of the new conversations by name, how far off the states of the known ones are, and `total`."""
    found = model.skill_loss(lesson.new, dtype)
    found["kept"] = changed(model, before, lesson.known, dtype)
    return found | {"total": found["total"] + KEPT_WEIGHT * found["kept"]}


def changed(model: InteractionModel, before: InteractionModel, batch: Batch, dtype: torch.dtype) -> torch.Tensor:
    """How far off the hidden states of a batch are from what they were: a mean of squares over those of the states before."""
    there_R = (batch.source_BN > 0).flatten()
    with torch.no_grad():
        wanted_RD = before.hidden(batch, dtype)[there_R]
    return (model.hidden(batch, dtype)[there_R] - wanted_RD).square().sum() / wanted_RD.square().sum()
