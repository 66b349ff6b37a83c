"""Muon for the matrices of trunk, front and sight, AdamW for everything else, and letters under the table of tokens.

Source: Jordan et al., Muon (github.com/KellerJordan/Muon): momentum orthogonalised by five Newton-Schulz steps.
"""

import torch
import torch.distributed as dist
from torch import nn

from duologue.kernels.ops import fast_dtype
from duologue.media.text import VOCABULARY
from duologue.train.letters import Letters

MUON_LR, ADAM_LR = 0.02, 2e-3
MUON = (
    "trunk.layers", "trunk.eyes", "fuse.front.wide", "fuse.front.narrow", "fuse.front.join", "fuse.stem.steps", "fuse.stem.mixes",
)  # fmt: skip
TOKENS = "fuse.tokens"


def orthogonalise(g: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """The nearest orthogonal matrix, roughly: singular values end up between 0.7 and 1.2."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.to(fast_dtype(g.device.type))
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        s = x @ x.mT
        x = a * x + (b * s + c * s @ s) @ x
    return x.mT if tall else x


def orthogonal(updates: list[torch.Tensor]) -> list[torch.Tensor]:
    """Each orthogonalised; those of one shape together, since a GPU waits for small products to be asked for."""
    found = {}
    for shape in {u.shape for u in updates}:
        alike = [k for k, u in enumerate(updates) if u.shape == shape]
        found |= zip(alike, orthogonalise(torch.stack([updates[k] for k in alike])).to(updates[alike[0]].dtype), strict=True)
    return [found[k] for k in range(len(updates))]


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised, scaled by the matrix's shape."""

    def __init__(self, params, lr: float = MUON_LR, momentum: float = 0.95, weight_decay: float = 0.01):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        for group in self.param_groups:
            used = [p for p in group["params"] if p.grad is not None]
            updates = [self._moved(p, group["momentum"]) for p in used]
            updates[rank::world] = orthogonal(updates[rank::world])
            for k, (p, update) in enumerate(zip(used, updates, strict=True)):
                update = update.contiguous()
                if world > 1:  # each process has orthogonalised its share
                    dist.broadcast(update, k % world)
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update, alpha=-group["lr"] * max(1, p.shape[-2] / p.shape[-1]) ** 0.5)

    def _moved(self, p: torch.Tensor, momentum: float) -> torch.Tensor:
        """Takes in the gradient; returns where Nesterov's momentum would go."""
        moved = self.state[p].setdefault("momentum", torch.zeros_like(p))
        moved.lerp_(p.grad, 1 - momentum)
        return p.grad.lerp(moved, momentum)


def optimisers(model: nn.Module) -> list[torch.optim.Optimizer]:
    """Muon over the matrices of the trunk's layers, of the front and of sight, AdamW over the rest, `Letters` once more over the tokens.

    Each remembers its base rate as `base`.
    """
    matrices = [p for n, p in model.named_parameters() if n.startswith(MUON) and p.ndim >= 2 and "sink" not in n]
    chosen = {id(p) for p in matrices}
    rest = [p for n, p in model.named_parameters() if id(p) not in chosen and not n.startswith("vocoder.")]
    made = [Muon(matrices), torch.optim.AdamW(rest, lr=ADAM_LR, betas=(0.9, 0.98), weight_decay=0.01)]
    made += [Letters(p) for n, p in model.named_parameters() if n == TOKENS and len(p) == VOCABULARY]
    for optimiser in made:
        for group in optimiser.param_groups:
            group["base"] = group["lr"]
    return made


def set_rate(made: list[torch.optim.Optimizer], share: float) -> None:
    """Every learning rate becomes `share` of its base."""
    for optimiser in made:
        for group in optimiser.param_groups:
            group["lr"] = group["base"] * share
