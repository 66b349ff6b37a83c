"""What a turn draws: noise counted by session, turn and position, so that a replay has equal bits whoever shares the batch.

It is made on the CPU before anything else in a turn, all of it at once: see `draw`.
"""

from dataclasses import dataclass

import numpy as np
import torch

from duologue.kernels.noise import noise_for
from duologue.model.flow import TARGET
from duologue.model.layout import AUDIO, CHANNELS

TEMPERATURE = 0.7  # of the voice: the flow head's noise is scaled by its square root
VOICE, GATES, TOKENS, CHOICE = 0, 10, 40, 90  # lanes of noise; gates and tokens have one for each place and channel
PLACE = 8  # lanes from the first output position's to the second's


@dataclass(frozen=True, slots=True)
class Sampling:
    """How outputs are drawn. Zero temperature takes the likelier; `patience` shifts the decision's own logit."""

    seed: int = 0
    token_temperature: float = 0.0
    decision_temperature: float = 0.0
    patience: float = 0.0


@dataclass(slots=True)
class Drawn:
    """Noise of one turn for B sessions, as it is added to logits; that of tokens is None where nobody draws them."""

    voice_BVF: torch.Tensor  # of the flow head, scaled by its temperature
    decision_B: torch.Tensor  # patience is in it
    gates_XBC: torch.Tensor | None
    tokens_XCBN: torch.Tensor | None

    def to(self, device: torch.device) -> "Drawn":
        return Drawn(*(t if t is None else t.to(device) for t in (self.voice_BVF, self.decision_B, self.gates_XBC, self.tokens_XCBN)))


def draw(sampling: list[Sampling], turns: list[int], vocabulary: int) -> Drawn:
    """The noise of session b's turn `turns[b]`, on the CPU."""
    pairs = list(zip(sampling, turns, strict=True))
    decision = [_logistic(s.seed, turn, CHOICE, s.decision_temperature) - s.patience for s, turn in pairs]
    warm = any(s.token_temperature for s in sampling)
    return Drawn(
        voice_noise([(s.seed, turn) for s, turn in pairs]),
        torch.tensor(decision),
        torch.stack([_gates(pairs, place) for place in range(2)]) if warm else None,
        torch.stack([_tokens(pairs, place, vocabulary) for place in range(2)]) if warm else None,
    )


def voice_noise(pairs: list[tuple[int, int]]) -> torch.Tensor:
    """What the flow head begins with [pairs, AUDIO, TARGET], for pairs of seed and turn."""
    noise = np.stack([noise_for(seed, turn, VOICE, AUDIO * TARGET) for seed, turn in pairs])
    return torch.from_numpy(noise).view(-1, AUDIO, TARGET) * TEMPERATURE**0.5


def _logistic(seed: int, turn: int, lane: int, temperature: float) -> float:
    """Noise for a choice of two."""
    if not temperature:
        return 0.0
    uniform = noise_for(seed, turn, lane, 1, uniform=True)[0]
    return temperature * float(np.log(uniform) - np.log1p(-uniform))


def _gates(pairs: list[tuple[Sampling, int]], place: int) -> torch.Tensor:
    """Noise for the gate of every channel [B, channels]."""
    lanes = [GATES + place * PLACE + channel for channel in range(len(CHANNELS))]
    return torch.tensor([[_logistic(s.seed, turn, lane, s.token_temperature) for lane in lanes] for s, turn in pairs])


def _tokens(pairs: list[tuple[Sampling, int]], place: int, vocabulary: int) -> torch.Tensor:
    """Gumbel noise for the tokens of every channel [channels, B, vocabulary], zero at temperature zero."""
    out = torch.zeros(len(CHANNELS), len(pairs), vocabulary)
    for channel in range(len(CHANNELS)):
        for b, (s, turn) in enumerate(pairs):
            if s.token_temperature:
                uniform = noise_for(s.seed, turn, TOKENS + place * PLACE + channel, vocabulary, uniform=True)
                out[channel, b] = torch.from_numpy(-s.token_temperature * np.log(-np.log(uniform))).float()
    return out
