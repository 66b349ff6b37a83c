"""The flow head: the next 100 ms of own sound (five log-mel frames) by flow matching, from one position of the trunk, the phonemes
around it and the 100 ms before.

An AdaLN MLP as in MAR (Li et al., arXiv 2406.11838) under flow matching (Lipman et al., arXiv 2210.02747). It predicts
the clean frames, not the velocity: measured, a head that predicts velocity through a layer narrower than its target
speaks noise. x_t = (1 - t) noise + t data; v = (x1 - x_t) / (1 - t). Several draws of (t, noise) a position in training.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from duologue.config import Config
from duologue.kernels.fast import Flow
from duologue.media.dmel import CEILING, FLOOR, FRAMES_PER_TURN, LEVELS, MELS
from duologue.model.layout import AUDIO, PHONED, PHONES, TOLD
from duologue.model.pronouncing import marked
from duologue.model.trunk import Linear

TARGET = FRAMES_PER_TURN // AUDIO * MELS  # numbers in one position
MIDDLE, SPREAD = -0.9, 0.9  # log-mel of speech to about zero mean and unit spread
WEIGHT_CAP = 10.0  # of 1 / (1 - t)^2
UNTOLD = 0.1  # share of what is learned without any condition, so that it can be told from what hangs on it
GUIDANCE = 1.0  # how much more than that, live
STEPS = 4  # of a draw
ROUGH = 0.6  # most noise on the sound before in training: live it is the head's own, and never quite right


def normalise(mel: torch.Tensor) -> torch.Tensor:
    return (mel - MIDDLE) / SPREAD


def denormalise(x: torch.Tensor) -> torch.Tensor:
    return x * SPREAD + MIDDLE


def heard_before(levels: torch.Tensor) -> torch.Tensor:
    """Own sound as it is remembered, uint8 levels [R, 5, MELS], as normalised frames [R, TARGET]."""
    return normalise(levels.flatten(1).float() * ((CEILING - FLOOR) / (LEVELS - 1)) + FLOOR)


def _times(device: torch.device) -> torch.Tensor:
    return torch.arange(STEPS, device=device)[:, None] / STEPS


def time_features(t: torch.Tensor, width: int = 128) -> torch.Tensor:
    rates = torch.exp(torch.arange(width // 2, device=t.device) * (-math.log(1000.0) / (width // 2)))
    angles = t[..., None] * 100 * rates
    return torch.cat([angles.cos(), angles.sin()], -1)


class FlowBlock(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.wide, self.narrow = Linear(width, width), Linear(width, width)
        self.own = nn.Parameter(torch.zeros(3, width))  # this block's share of the modulation that all blocks share

    def forward(self, x: torch.Tensor, shift: torch.Tensor, scale: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
        y = torch.addcmul(shift, F.layer_norm(x, x.shape[-1:]), scale)
        return torch.addcmul(x, gate, self.narrow(F.silu(self.wide(y))))

    def modulated(self, shared: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """This block's shift, scale and gate, of what all blocks share [..., 3 width]."""
        shift, scale, gate = (shared.unflatten(-1, (3, -1)) + self.own.to(shared.dtype)).unbind(-2)
        return shift, 1 + scale, gate


class FlowHead(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        w = config.flow_width
        self.condition, self.phones = Linear(config.width, w), Linear(TOLD * PHONED * PHONES, w)
        self.past, self.offset = Linear(TARGET, w), nn.Parameter(torch.zeros(w))
        self.time = nn.Sequential(Linear(128, w), nn.SiLU(), Linear(w, w))
        self.modulate = Linear(w, 3 * w)
        self.enter = Linear(TARGET, w)
        self.blocks = nn.ModuleList(FlowBlock(w) for _ in range(config.flow_layers))
        self.leave = Linear(w, TARGET)
        self.timed = None

    def settle(self, dtype: torch.dtype) -> None:
        """For inference, after the linears: the times of the steps are always the same."""
        self.timed = self.time(time_features(_times(self.offset.device)).to(dtype)).detach()

    def forward(self, x_t: torch.Tensor, t: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Clean frames predicted from noisy ones. x_t [..., TARGET], t [...], condition as `conditioned` makes it."""
        shared = self.modulate(F.silu(condition + self._timed(t, condition.dtype)))
        return self.clean(x_t, condition, [block.modulated(shared) for block in self.blocks])

    def conditioned(self, hidden_RD: torch.Tensor, told_RP: torch.Tensor, past_RF: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """What the sound hangs on: the trunk's position, the phonemes around it [R, TOLD * PHONED] and the normalised sound before it."""
        heard = self.past(past_RF.to(dtype)) + self.offset.to(dtype)
        return self.condition(hidden_RD.to(dtype)) + self.phones(marked(told_RP).to(dtype)) + heard

    def _timed(self, t: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        return self.time(time_features(t).to(dtype))

    def clean(self, x_t: torch.Tensor, condition: torch.Tensor, modulation: Sequence[Sequence[torch.Tensor]]) -> torch.Tensor:
        x = self.enter(x_t.to(condition.dtype)) + condition
        for block, how in zip(self.blocks, modulation, strict=True):
            x = block(x, *how)
        return self.leave(F.layer_norm(x, x.shape[-1:])).float()

    def loss(self, condition_RW: torch.Tensor, mel_RF: torch.Tensor, draws: int) -> torch.Tensor:
        """Weighted square error [R] over `draws` of (t, noise) for each position. mel_RF is normalised."""
        told = torch.rand(len(condition_RW), 1, device=condition_RW.device) >= UNTOLD
        condition = (condition_RW * told)[None].expand(draws, -1, -1)
        data = mel_RF[None].expand(draws, -1, -1)
        t = torch.rand(data.shape[:2], device=data.device)
        x_t = (1 - t[..., None]) * torch.randn_like(data) + t[..., None] * data
        error = (self(x_t, t, condition) - data).square().mean(-1)
        return (error * (1 - t).square().reciprocal().clamp(max=WEIGHT_CAP)).mean(0)

    def sample(self, condition: torch.Tensor, noise_RF: torch.Tensor) -> torch.Tensor:
        """Euler steps from noise (already scaled by the square root of the temperature) to normalised frames [R, TARGET].

        Guided without a classifier (Ho & Salimans, arXiv 2207.12598): away from what would be drawn on no condition.
        """
        known = self.timed is not None and len(self.timed) == STEPS
        timed = self.timed if known else self._timed(_times(noise_RF.device), condition.dtype)
        both, draw = torch.cat([condition, torch.zeros_like(condition)]), self.enter.ops.draw
        shared = self.modulate(F.silu(both + timed))
        if draw and both.shape[1] % 32 == 0:
            return draw(self._flow(condition.dtype), both, shared, noise_RF, GUIDANCE)
        x, by_block = noise_RF, [block.modulated(shared) for block in self.blocks]
        for n in range(STEPS):
            told, untold = self.clean(torch.cat([x, x]), both, [[part[n] for part in how] for how in by_block]).chunk(2)
            x = x + (told + GUIDANCE * (told - untold) - x) * (1 / (STEPS - n))
        return x

    def _flow(self, dtype: torch.dtype) -> Flow:
        """As the C++ operation reads it; packed anew where the head has not settled."""
        blocks = [part for block in self.blocks for part in (block.wide, block.narrow, block.own)]
        parts = [self.enter, *blocks, self.leave]
        return Flow([part.float() if isinstance(part, nn.Parameter) else part.panels(dtype) for part in parts], len(self.blocks))
