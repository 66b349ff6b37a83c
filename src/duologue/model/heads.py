"""What a position decides: for each channel which token if any, SPEAK or HUSH, and the phonemes of the own sound to come."""

import torch
import torch.nn.functional as F
from torch import nn

from duologue.config import Config
from duologue.kernels.ops import REFERENCE, Ops
from duologue.model.layout import CHANNELS, PHONED, PHONES
from duologue.model.trunk import Linear

DECISION = len(CHANNELS)  # its row among the gates
WIDE = 128  # of the hidden layer that weighs a phoneme against the one before it


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


class Pronouncing(nn.Module):
    """Which phoneme each 20 ms of the next 100 ms hold: decided before the sound is drawn, and remembered with it.

    So what is being said, and how far it has come, stands in the history as clearly as a token, whatever became of the sound.
    Frame by frame, each knowing the one before: decided apart, the likeliest of five frames leave out what is short.
    """

    def __init__(self, width: int):
        super().__init__()
        self.each, self.bias = Linear(width, PHONED * PHONES), nn.Parameter(torch.zeros(PHONED, PHONES))
        self.enter, self.leave = Linear(width, WIDE), Linear(WIDE, PHONES)
        self.before = nn.Parameter(torch.randn(PHONES, WIDE) * 0.5)

    def forward(self, hidden: torch.Tensor, phones: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """fp32 logits [..., PHONED, PHONES], each frame's after the true phoneme of the one before; phones [..., 1 + PHONED]."""
        frames, known = self._read(hidden.to(dtype))
        return frames + self._after(known[..., None, :], phones[..., :-1])

    def decide(self, hidden: torch.Tensor, before: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """The likeliest of each frame after the one before [..., PHONED]; `before` is that of the frame before all, 0 for none."""
        frames, known = self._read(hidden.to(dtype))
        found = [before]
        for frame in frames.unbind(-2):
            found.append((frame + self._after(known, found[-1])).argmax(-1))
        return torch.stack(found[1:], -1)

    def _read(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.each(hidden).float().unflatten(-1, (PHONED, PHONES)) + self.bias, self.enter(hidden)

    def _after(self, known: torch.Tensor, phones: torch.Tensor) -> torch.Tensor:
        return self.leave(F.silu(known + F.embedding(phones, self.before).to(known.dtype))).float()


def marked(phones: torch.Tensor) -> torch.Tensor:
    """Phonemes [..., PHONED] as flow head and fusion take them: 0 or 1 [..., PHONED * PHONES], none a row of zeros."""
    each = torch.arange(PHONES, device=phones.device)
    return ((phones[..., None] == each) & (each > 0)).float().flatten(-2)
