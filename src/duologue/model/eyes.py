"""What teaches a model to see: sight alone by glances, and the layers behind it by what has moved and by talk that they are not to touch.

Read `eye_loss`, then `distracted`; what else those layers learn from is what all learn from (`InteractionModel.look_loss`).
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from duologue.media.patches import LEVEL
from duologue.model.batch import Batch, Looks
from duologue.model.layout import VIEW
from duologue.model.trunk import Trunk

if TYPE_CHECKING:
    from duologue.model.interaction import InteractionModel

SHARPNESS = 16.0  # of sight's likeness to words
POSE_WEIGHT, FAINT = 4.0, 1e-6
RARE = 5.0  # logits: of all that may be there, next to nothing is
MOVED = (9, 9, 2)  # an action or none that has ended, one that goes on; things that came, that went (`labels.moved`)
DONE_WEIGHT = 4.0  # most pictures show nobody who has just finished anything


def eye_loss(model: "InteractionModel", looks: Looks, dtype: torch.dtype = torch.bfloat16) -> dict[str, torch.Tensor]:
    """What there is to see: sight learns to see before the trunk looks.

    All is asked of the mean of a picture's positions; what a word answers, also of each position, which is to point where
    that word's own tokens do, so that to the trunk a picture is like text that names what it shows. Means over pictures.
    """
    seen_RPD = model.fuse.picture(looks.patches_R * LEVEL - 1, dtype)
    guess_RPS = model.seeing(seen_RPD)
    asked, there, pose = guess_RPS.split([sum(looks.sizes[:-1]), *looks.there_RK.shape[1:], *looks.pose_RJ.shape[1:]], -1)
    answers = (*asked.mean(1).split(looks.sizes[:-1], -1), model.knowing(seen_RPD.mean(1)))
    losses = {"seen": _asked(answers, looks.wanted_RA), "named": named(model, seen_RPD, looks)}
    losses["there"] = F.binary_cross_entropy_with_logits(there.logsumexp(1) - RARE, looks.there_RK.float(), reduction="none").sum(1).mean()
    losses["called"] = called(model, seen_RPD, looks)
    off_RJ = (pose.mean(1) - looks.pose_RJ)[~looks.pose_RJ.isnan().any(1)]
    losses["pose"] = POSE_WEIGHT * off_RJ.square().sum() / len(guess_RPS)
    return losses | {"total": sum(losses.values())}


def named(model: "InteractionModel", seen_RPD: torch.Tensor, looks: Looks) -> torch.Tensor:
    """Cross-entropy of the likeness of each position to the words' vectors."""
    alike = likeness(model, seen_RPD, looks.words_SW)
    sizes = [n for n, end in zip(looks.sizes, accumulate(looks.sizes), strict=True) if end <= len(looks.words_SW)]
    asked = looks.wanted_RA[:, None, : len(sizes)].expand(-1, VIEW, -1).flatten(0, 1)
    return _asked(alike.flatten(0, 1).split(sizes, -1), asked)


def called(model: "InteractionModel", seen_RPD: torch.Tensor, looks: Looks) -> torch.Tensor:
    """The same of all that is there: one position at least is like its word. Which one, nobody says."""
    likely = torch.cat([of.softmax(-1) for of in likeness(model, seen_RPD, looks.words_KW).split(looks.groups, -1)], -1)
    anywhere = 1 - (1 - likely).prod(1)
    return -anywhere[looks.there_RK].clamp(min=FAINT).log().sum() / len(seen_RPD)


def likeness(model: "InteractionModel", seen_RPD: torch.Tensor, words_SW: torch.Tensor) -> torch.Tensor:
    """Of each position to the words' vectors [R, P, S]; of their pieces, the later count less."""
    written_SWD = F.embedding(words_SW, model.fuse.tokens.detach()) * (words_SW != 0)[..., None]
    share_W = 1 / (1 + torch.arange(written_SWD.shape[1], device=seen_RPD.device))
    words_SD = (written_SWD * share_W[:, None]).sum(1)
    return SHARPNESS * F.normalize(seen_RPD, dim=-1) @ F.normalize(words_SD, dim=-1).T


def _asked(guesses: Sequence[torch.Tensor], wanted_RA: torch.Tensor) -> torch.Tensor:
    """Cross-entropies of all aspects, summed; a mean over pictures. -1 where an aspect is not asked."""
    pairs = zip(guesses, wanted_RA.unbind(1), strict=True)
    return sum(F.cross_entropy(guess, wanted, ignore_index=-1, reduction="sum") for guess, wanted in pairs) / len(wanted_RA)


def moved(moving: nn.Linear, looked_RD: torch.Tensor, batch: Batch) -> torch.Tensor:
    """What has changed from picture to picture, asked of the middle of pictures' own layers. A mean over pictures."""
    done, doing, things = moving(looked_RD.unflatten(0, (-1, VIEW)).mean(1)).split(MOVED, -1)
    weight = done.new_tensor([1.0] + (MOVED[0] - 1) * [DONE_WEIGHT])
    loss = F.cross_entropy(done, batch.moved_R3[:, 0], weight, reduction="sum") + F.cross_entropy(doing, batch.moved_R3[:, 1], reduction="sum")
    bits = batch.moved_R3[:, 2:] >> torch.arange(2, device=looked_RD.device) & 1
    return (loss + F.binary_cross_entropy_with_logits(things, bits.float(), reduction="sum")) / len(bits)


def distracted(trunk: Trunk, hidden_BND: torch.Tensor, x_BND: torch.Tensor, batch: Batch, dtype: torch.dtype) -> torch.Tensor:
    """How far off its hidden states are, where the camera sees what nobody speaks of, from those of the same conversation without
    pictures: distilled from itself, for what is wanted says little of most positions. A mean of squares over those of the states.

    Source: distillation, Hinton, Vinyals, Dean, arXiv 1503.02531, here of states and not of what is said.
    """
    rows = batch.beside_BN.any(1)
    if not rows.any():
        return hidden_BND.sum() * 0
    there_BN = batch.source_BN > 0
    there_BN.view(-1)[batch.seen_R] = False
    there_BN, asked_BN = there_BN[rows], batch.beside_BN[rows]
    order_BN = (~there_BN).long().argsort(dim=1, stable=True)[:, : there_BN.sum(1).max()]
    with torch.no_grad():
        alone_BND = trunk(x_BND[rows].take_along_dim(order_BN[..., None], 1), batch.time_BN[rows].take_along_dim(order_BN, 1), dtype)
    alone_RD, hidden_RD = alone_BND[asked_BN.take_along_dim(order_BN, 1)], hidden_BND[rows][asked_BN]
    return (hidden_RD - alone_RD).square().sum() / alone_RD.square().sum()
