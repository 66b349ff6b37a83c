"""Mixture of experts in place of the feed-forward layer, weight for weight as in Qwen3-MoE.

Sources: Qwen3 technical report, arXiv 2505.09388 (softmax router, top-k gates renormalised); with `balanced`, the router of
DeepSeek-V3, arXiv 2412.19437 §2.1.2: sigmoid scores, and a bias that only chooses, moved by load instead of a loss. Its
second, sequence-wise loss and its shared expert are left out. Logits are fp32 and ties go to the lower index, so that a
neighbour in the batch never flips an expert.
"""

import torch
import torch.distributed as dist
from torch import nn

from duologue.config import Config
from duologue.kernels import reference
from duologue.kernels.ops import Ops

BALANCE_RATE = 1e-3  # by which an expert's bias moves after each batch


class Experts(nn.Module):
    """`gate` routes each position to `experts_active` of `experts` gated feed-forward layers.

    One form for training and for live sessions.
    """

    def __init__(self, config: Config):
        super().__init__()
        e, d, f = config.experts, config.width, config.hidden
        self.active = config.experts_active
        self.gate = nn.Parameter(torch.empty(e, d).normal_(0, d**-0.5))
        self.gate_up_proj = nn.Parameter(torch.empty(e, 2 * f, d).normal_(0, d**-0.5))
        self.down_proj = nn.Parameter(torch.zeros(e, d, f))
        self.register_buffer("bias", torch.zeros(e) if config.balanced else None)
        self.packed_gate = self.packed = None
        self.load_E = torch.zeros(e)  # positions that chose each expert since the last `balance`

    def route(self, x_RD: torch.Tensor, ops: Ops) -> tuple[torch.Tensor, torch.Tensor]:
        """Gates and indices [R, active] of the chosen experts."""
        logits = ops.linear(x_RD.float(), self.gate.float(), self.packed_gate)
        score = reference.softmax(logits) if self.bias is None else reference.sigmoid(logits)
        wanted = score if self.bias is None else score + self.bias
        expert = torch.sort(wanted, dim=-1, descending=True, stable=True)[1][:, : self.active]
        gate = score.gather(1, expert)
        return gate / gate.sum(-1, keepdim=True), expert

    def settle(self, dtype: torch.dtype, ops: Ops) -> None:
        """For inference: the weights are kept in the dtype that they compute in, and as the operations read them."""
        self.gate_up_proj.data, self.down_proj.data = self.gate_up_proj.data.to(dtype), self.down_proj.data.to(dtype)
        self.packed_gate = ops.pack(self.gate.float())
        self.packed = ops.pack(self.gate_up_proj.unflatten(1, (2, -1))), ops.pack(self.down_proj)

    def forward(self, x: torch.Tensor, ops: Ops) -> torch.Tensor:
        """fp32, in the shape of x."""
        rows = x.reshape(-1, x.shape[-1])
        gate, expert = self.route(rows, ops)
        if self.training and self.bias is not None:
            self.load_E = self.load_E.to(x.device) + expert.flatten().bincount(minlength=len(self.gate))
        return ops.experts(rows, expert, gate, self.gate_up_proj, self.down_proj, self.packed).reshape(x.shape)

    @torch.no_grad()
    def balance(self) -> None:
        """Once after each batch of pretraining: an expert with more than its share becomes less likely to be chosen."""
        if dist.is_initialized():
            dist.all_reduce(self.load_E)
        self.bias += BALANCE_RATE * torch.sign(self.load_E.mean() - self.load_E)
        self.load_E = torch.zeros_like(self.load_E)


def balance(model: nn.Module) -> None:
    """Every balanced router of a model; nothing to do in a dense one."""
    for module in model.modules():
        if isinstance(module, Experts) and module.bias is not None:
            module.balance()


def use(model: nn.Module, ops: Ops) -> nn.Module:
    """Lets every layer that takes operations as a value compute with these."""
    for module in model.modules():
        if hasattr(module, "ops"):
            module.ops = ops
    return model
