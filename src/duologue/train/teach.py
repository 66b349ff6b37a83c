"""New skills for a trunk that is to keep its old ones: `duologue train teach --help`. Read `teach` first.

Learning without forgetting (Li & Hoiem, arXiv 1606.09282), of hidden states and of what is decided by them: what is wanted of a known
conversation says something at one position in fifty, and a small voice bank says it wrongly; what the weights knew before says it
at every one.
"""

from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F

from duologue.data.shards import Recipe
from duologue.model import checkpoint
from duologue.model.batch import Batch, Lesson
from duologue.model.heads import DECISION
from duologue.model.interaction import CALM_WEIGHT, PAD_WEIGHT, SKILL_WEIGHTS, InteractionModel
from duologue.model.layout import CHANNELS
from duologue.train.feed import by_step
from duologue.train.loop import Plan, train

TRUNK = ("trunk.layers", "trunk.norm", "fuse.front")
KEPT_WEIGHT, DECIDED_WEIGHT = 40.0, 6.0  # what is to stay: of hidden states, and of all that is decided by them
WHOLE = 0.7  # of the windows of what is new: all that follows hangs on a rule given at the beginning
KNOWN_SHARE = 0.5  # of all windows
KNOWN_WHOLE = 0.4  # of those of what is known: a timer's word is only known where its request is in sight


def teach(new: Recipe, known: Recipe, plan: Plan, rows: int, init: Path, keeping: Path) -> InteractionModel:
    """The trunk and the front learn from the conversations of `new`, beginning with the weights `init`; in those of `known` states and
    decisions stay what they are in `keeping`.

    Heads, the own voice and the layers of pictures stay as they are. Goes on where `plan.out` stopped.
    """
    torch.manual_seed(plan.seed)
    model, before = (checkpoint.load(path)[0].train() for path in (init, keeping))
    before.requires_grad_(False).to(plan.device)
    many = round(rows * KNOWN_SHARE)
    lessons = by_step(new, rows - many, plan.seed, plan.device, whole=WHOLE)
    known_of = by_step(known, many, plan.seed + 1, plan.device, whole=KNOWN_WHOLE)
    return train(
        model, lambda step: Lesson(lessons(step), known_of(step)), lambda m, lesson: losses(m, before, lesson, plan.dtype), replace(plan, only=TRUNK)
    )


def losses(model: InteractionModel, before: InteractionModel, lesson: Lesson, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Those of the new conversations by name, how far off states and decisions of the known ones are, and `total`."""
    found, batch = model.skill_loss(lesson.new, dtype), lesson.known
    with torch.no_grad():
        wanted = before.hidden(batch, dtype)
    hidden = model.hidden(batch, dtype)
    kept, decided = changed(hidden, wanted, batch), otherwise(model, hidden, wanted, batch, dtype)
    return found | {"kept": kept, "otherwise": decided, "total": found["total"] + KEPT_WEIGHT * kept + DECIDED_WEIGHT * decided}


def changed(hidden: torch.Tensor, wanted: torch.Tensor, batch: Batch) -> torch.Tensor:
    """How far off hidden states [B * N, D] are from what they were: a mean of squares over those of the states before."""
    there_R = (batch.source_BN > 0).flatten()
    return (hidden - wanted)[there_R].square().sum() / wanted[there_R].square().sum()


def otherwise(model: InteractionModel, hidden: torch.Tensor, wanted: torch.Tensor, batch: Batch, dtype: torch.dtype) -> torch.Tensor:
    """How differently all is heard, said, written and decided from these states than from those: KL, weighed as what is to be learned.

    States may be near and a timer forgotten: of 256 directions a decision hangs on one.
    """
    at, second = batch.outputs_R - 1, batch.output_of_R % 2 == 1
    now, then = hidden.index_select(0, at), wanted.index_select(0, at)
    tokens = batch.tokens_BTXC.flatten(0, 2).index_select(0, batch.output_of_R)
    gates = _surprise(model.heads.gate(now), model.heads.gate(then).detach())
    weight = torch.where(batch.important_BT.flatten()[batch.output_of_R // 2] != 0, 1.0, CALM_WEIGHT)
    total = SKILL_WEIGHTS["decision"] * (gates[second, DECISION] * weight[second]).sum() / weight[second].sum()
    for c, name in enumerate(CHANNELS):
        there = tokens[:, c] > 0
        words = [model.heads.logits(c, states[there], model.fuse.tokens, dtype).log_softmax(-1) for states in (now, then)]
        said = F.kl_div(words[0], words[1].detach(), reduction="none", log_target=True).sum(-1)
        total = total + SKILL_WEIGHTS[name] * ((said * weight[there]).sum() / PAD_WEIGHT + (gates[:, c] * weight).sum()) / weight.sum()
    return total


def _surprise(gate: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """KL of gates, logits, from what they were."""
    cross = (F.binary_cross_entropy_with_logits(logits, wanted.sigmoid(), reduction="none") for logits in (gate, wanted))
    return next(cross) - next(cross)
