"""What a position decides: for each channel which token if any, SPEAK or HUSH, and the phonemes of the own sound to come."""

import torch
from torch import nn

from duologue.config import Config
from duologue.kernels.ops import REFERENCE, Ops
from duologue.model.layout import CHANNELS, PHONED, PHONES
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


class Pronouncing(nn.Linear):
    """Which phoneme each 20 ms of the next 100 ms hold: decided before the sound is drawn, and remembered with it.

    So what is being said, and how far it has come, stands in the history as clearly as a token, whatever became of the sound.
    """

    ops: Ops = REFERENCE
    packed = None

    def settle(self, ops: Ops) -> None:
        self.ops, self.packed = ops, ops.pack(self.weight)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """fp32 logits [..., PHONED, PHONES]."""
        return (self.ops.linear(hidden, self.weight, self.packed) + self.bias).unflatten(-1, (PHONED, PHONES))

    def decide(self, hidden: torch.Tensor) -> torch.Tensor:
        """The likeliest of each frame [..., PHONED]."""
        return self(hidden).argmax(-1)


def marked(phones: torch.Tensor) -> torch.Tensor:
    """Phonemes [..., PHONED] as flow head and fusion take them: 0 or 1 [..., PHONED * PHONES], none a row of zeros."""
    each = torch.arange(PHONES, device=phones.device)
    return ((phones[..., None] == each) & (each > 0)).float().flatten(-2)
