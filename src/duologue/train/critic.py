"""Critics of the vocoder's second phase: small convolutional judges of spectrograms. Read `Critic` first.

Multi-resolution discriminators on complex spectrograms (EnCodec, Défossez et al., arXiv 2210.13438), least squares.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

SIZES = ((1024, 256), (512, 128), (256, 64))  # window and hop of each critic, samples
CHANNELS = 16


def convolution(inputs: int, outputs: int, bins: int, stride: int = 1) -> nn.Module:
    return weight_norm(nn.Conv2d(inputs, outputs, (3, bins), (1, stride), padding=(1, bins // 2)))


class Critic(nn.Module):
    """Sound [B, S] -> a map of verdicts (1 real, 0 made) and the features on the way."""

    def __init__(self, size: int, hop: int):
        super().__init__()
        self.size, self.hop = size, hop
        inner = [convolution(CHANNELS, CHANNELS, 9, 2) for _ in range(3)]
        self.layers = nn.ModuleList([convolution(2, CHANNELS, 9, 2), *inner, convolution(CHANNELS, CHANNELS, 3)])
        self.verdict = convolution(CHANNELS, 1, 3)

    def forward(self, pcm_BS: Tensor) -> tuple[Tensor, list[Tensor]]:
        window = torch.hann_window(self.size, device=pcm_BS.device)
        spectrum = torch.stft(pcm_BS, self.size, self.hop, window=window, return_complex=True)
        scale = spectrum.abs().clamp(min=1e-4) ** -0.7  # compressed magnitude, phase kept
        x = torch.stack([spectrum.real * scale, spectrum.imag * scale], 1).transpose(2, 3)
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.1)
            features.append(x)
        return self.verdict(x), features


class Critics(nn.ModuleList):
    """One critic a resolution."""

    def __init__(self):
        super().__init__(Critic(*size) for size in SIZES)

    def judge(self, real_BS: Tensor, made_BS: Tensor) -> Tensor:
        """Loss of the critics: real is 1, made is 0."""
        losses = [(1 - critic(real_BS)[0]).square().mean() + critic(made_BS)[0].square().mean() for critic in self]
        return sum(losses) / len(losses)

    def persuade(self, real_BS: Tensor, made_BS: Tensor) -> tuple[Tensor, Tensor]:
        """Losses of the vocoder: made should be judged 1, and look like the real on the way (feature matching)."""
        fool, match = [], []
        for critic in self:
            verdict, made = critic(made_BS)
            with torch.no_grad():
                real = critic(real_BS)[1]
            fool.append((1 - verdict).square().mean())
            match += [(m - r).abs().mean() / r.abs().mean() for m, r in zip(made, real, strict=True)]
        return sum(fool) / len(fool), sum(match) / len(match)
