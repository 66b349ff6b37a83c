"""What a position decides: for each channel which token if any, and SPEAK or HUSH."""

import torch
from torch import nn

from duologue.config import Config
from duologue.kernels.ops import REFERENCE, Ops
from duologue.model.layout import CHANNELS
from duologue.model.trunk import Linear

DECISION = len(CHANNELS)  # its row among the gates


class TokenHeads(nn.Module):
    """For each channel a gate (is there a token at all?) and, if so, which: p(PAD) = 1 - p(gate).

    Most positions hold PAD, so the whole vocabulary is only ever computed where there is a token.
    """

    ops: Ops = REFERENCE

    def __init__(self, config: Config):
        super().__init__()
        d = config.width
        self.gates = nn.Linear(d, len(CHANNELS) + 1)
        self.project = nn.ModuleList(Linear(d, d) for _ in CHANNELS)
        self.packed_gates = self.settled = None

    def settle(self, table: torch.Tensor, ops: Ops) -> None:
        """For inference: the vocabulary's table in the dtype that it computes in, and all as the operations read it."""
        self.ops, self.packed_gates, self.settled = ops, ops.pack(self.gates.weight), (table.detach(), ops.pack(table))

    def gate(self, hidden: torch.Tensor) -> torch.Tensor:
        """fp32 logits [..., channels + decision]."""
        return self.ops.linear(hidden, self.gates.weight, self.packed_gates) + self.gates.bias

    def logits(self, channel: int, hidden: torch.Tensor, table: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        table, packed = self.settled or (table, None)
        return self.ops.linear(self.project[channel](hidden.to(dtype)), table, packed).float()
