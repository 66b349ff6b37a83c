"""The flow head: the next 100 ms of own sound (five log-mel frames) by flow matching, from one position of the trunk, the phonemes
around it and the 100 ms before.

An AdaLN MLP as in MAR (Li et al., arXiv 2406.11838) under flow matching (Lipman et al., arXiv 2210.02747). It predicts
the clean frames, not the velocity: measured, a head that predicts velocity through a layer narrower than its target
speaks noise. x_t = (1 - t) noise + t data; v = (x1 - x_t) / (1 - t). Several draws of (t, noise) a position in training.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from duologue.config import Config
from duologue.media.dmel import CEILING, FLOOR, FRAMES_PER_TURN, LEVELS, MELS
from duologue.model.layout import AUDIO, PHONED, PHONES, TOLD
from duologue.model.pronouncing import marked
from duologue.model.trunk import Linear

TARGET = FRAMES_PER_TURN // AUDIO * MELS  # numbers in one position
MIDDLE, SPREAD = -0.9, 0.9  # log-mel of speech to about zero mean and unit spread
WEIGHT_CAP = 10.0  # of 1 / (1 - t)^2
UNTOLD = 0.1  # share of what is learned without any condition, so that it can be told from what hangs on it
GUIDANCE = 1.0  # how much more than that, live
ROUGH = 0.6  # most noise on the sound before in training: live it is the head's own, and never quite right


def normalise(mel: torch.Tensor) -> torch.Tensor:
    return (mel - MIDDLE) / SPREAD


def denormalise(x: torch.Tensor) -> torch.Tensor:
    return x * SPREAD + MIDDLE


def heard_before(levels: torch.Tensor) -> torch.Tensor:
    """Own sound as it is remembered, uint8 levels [R, 5, MELS], as normalised frames [R, TARGET]."""
    return normalise(levels.flatten(1).float() * ((CEILING - FLOOR) / (LEVELS - 1)) + FLOOR)


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
        y = F.layer_norm(x, x.shape[-1:]) * (1 + scale + self.own[1]) + shift + self.own[0]
        return x + (gate + self.own[2]) * self.narrow(F.silu(self.wide(y.to(gate.dtype))))


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

    def forward(self, x_t: torch.Tensor, t: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Clean frames predicted from noisy ones. x_t [..., TARGET], t [...], condition as `conditioned` makes it."""
        return self.clean(x_t, condition, self.modulation(t, condition))

    def conditioned(self, hidden_RD: torch.Tensor, told_RP: torch.Tensor, past_RF: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """What the sound hangs on: the trunk's position, the phonemes around it [R, TOLD * PHONED] and the normalised sound before it."""
        heard = self.past(past_RF.to(dtype)) + self.offset.to(dtype)
        return self.condition(hidden_RD.to(dtype)) + self.phones(marked(told_RP).to(dtype)) + heard

    def modulation(self, t: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Shift, scale and gate of all blocks [..., 3 width]; t broadcasts against the rows of `condition`."""
        return self.modulate(F.silu(condition + self.time(time_features(t).to(condition.dtype))))

    def clean(self, x_t: torch.Tensor, condition: torch.Tensor, modulation: torch.Tensor) -> torch.Tensor:
        shift, scale, gate = modulation.chunk(3, -1)
        x = self.enter(x_t.to(condition.dtype)) + condition
        for block in self.blocks:
            x = block(x, shift, scale, gate)
        return self.leave(F.layer_norm(x, x.shape[-1:]).to(condition.dtype)).float()

    def loss(self, condition_RW: torch.Tensor, mel_RF: torch.Tensor, draws: int) -> torch.Tensor:
        """Weighted square error [R] over `draws` of (t, noise) for each position. mel_RF is normalised."""
        told = torch.rand(len(condition_RW), 1, device=condition_RW.device) >= UNTOLD
        condition = (condition_RW * told)[None].expand(draws, -1, -1)
        data = mel_RF[None].expand(draws, -1, -1)
        t = torch.rand(data.shape[:2], device=data.device)
        x_t = (1 - t[..., None]) * torch.randn_like(data) + t[..., None] * data
        error = (self(x_t, t, condition) - data).square().mean(-1)
        return (error * (1 - t).square().reciprocal().clamp(max=WEIGHT_CAP)).mean(0)

    def sample(self, condition: torch.Tensor, noise_RF: torch.Tensor, steps: int) -> torch.Tensor:
        """Euler steps from noise (already scaled by the square root of the temperature) to normalised frames [R, TARGET].

        Guided without a classifier (Ho & Salimans, arXiv 2207.12598): away from what would be drawn on no condition.
        """
        t = torch.arange(steps, device=noise_RF.device)[:, None] / steps
        x, both = noise_RF, torch.cat([condition, torch.zeros_like(condition)])
        for n, modulation in enumerate(self.modulation(t, both)):
            told, untold = self.clean(torch.cat([x, x]), both, modulation).chunk(2)
            x = x + (told + GUIDANCE * (told - untold) - x) * ((1 / steps) / (1 - n / steps))
        return x
