"""Mixture of experts in place of the feed-forward layer, weight for weight as in Qwen3-MoE.

Source: Qwen3 technical report, arXiv 2505.09388; softmax router, top-k gates renormalised. Router logits are fp32 and
ties go to the lower index, so that a neighbour in the batch never flips an expert.
"""

import torch
import torch.nn.functional as F
from torch import nn

from duologue.config import Config
from duologue.kernels import reference as ops


class Experts(nn.Module):
    """`gate` routes each position to `experts_active` of `experts` gated feed-forward layers."""

    def __init__(self, config: Config):
        super().__init__()
        e, d, f = config.experts, config.width, config.hidden
        self.active = config.experts_active
        self.gate = nn.Parameter(torch.empty(e, d).normal_(0, d**-0.5))
        self.gate_up_proj = nn.Parameter(torch.empty(e, 2 * f, d).normal_(0, d**-0.5))
        self.down_proj = nn.Parameter(torch.zeros(e, d, f))

    def route(self, x_RD: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Gates and indices [R, active] of the chosen experts."""
        chance = torch.softmax(ops.linear(x_RD.float(), self.gate.float()), -1)
        gate, expert = torch.sort(chance, dim=-1, descending=True, stable=True)
        gate, expert = gate[:, : self.active], expert[:, : self.active]
        return gate / gate.sum(-1, keepdim=True), expert

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.reshape(-1, x.shape[-1])
        gate, expert = self.route(rows)
        out = torch.zeros_like(rows)
        for e in range(len(self.gate_up_proj)):
            row, place = torch.where(expert == e)
            if len(row):
                a, b = ops.linear(rows[row], self.gate_up_proj[e]).chunk(2, -1)
                y = ops.linear(F.silu(a) * b, self.down_proj[e])
                out = out.index_add(0, row, y * gate[row, place, None].to(y.dtype))
        return out.reshape(x.shape)
