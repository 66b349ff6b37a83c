"""Pictures to positions: 40x40 patches through an hMLP stem, then a few layers in which the patches of one picture meet.

As the front's convolution does for sound, the meeting makes of what a patch holds what it is a part of: a ball over four
patches is a ball in each of them. So a column of patches is one position: with a camera on, three turns in four of what the trunk
can look back upon would else be pictures. Read `Sight.forward` first.
Sources: hMLP, Touvron et al., arXiv 2203.09795 §4 (kernels 5-2-2-2 here, norm per position); mixing, Tolstikhin et al.,
MLP-Mixer, arXiv 2105.01601.
"""

import torch
import torch.nn.functional as F
from torch import nn

from duologue.model.layout import PATCHES, VIEW
from duologue.model.trunk import Linear, Norm

WIDTHS = (3, 64, 128, 192)  # of ever larger parts of a patch
MIXES, MIDDLE = 5, 64  # layers; the width between the patches
LOUDNESS = 0.4  # root mean square of a position at first, that of a written word: what is far louder, no layer of the trunk moves


class Sight(nn.Module):
    """Patches of one picture to embeddings of its positions."""

    KERNELS = (5, 2, 2, 2)

    def __init__(self, width: int):
        super().__init__()
        widths = (*WIDTHS, width)
        self.steps = nn.ModuleList(Linear(k * k * a, b) for k, a, b in zip(self.KERNELS, widths, widths[1:], strict=False))
        self.norms = nn.ModuleList(Norm(w) for w in widths[1:])
        self.place = nn.Parameter(torch.randn(PATCHES, width) * 0.02)
        self.mixes = nn.ModuleList(Mix(width) for _ in range(MIXES))
        self.gather = Linear(PATCHES, VIEW)
        self.gather.weight.data = torch.eye(VIEW).repeat(1, PATCHES // VIEW) * VIEW / PATCHES
        self.leave = Norm(width)
        nn.init.constant_(self.leave.weight, LOUDNESS)

    def forward(self, patches: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """patches float [..., PATCHES, 40, 40, 3] in [-1, 1], in reading order of the picture, to fp32 [..., VIEW, D]."""
        x = self.patch(patches, dtype) + self.place
        for mix in self.mixes:
            x = mix(x, dtype)
        return self.leave(self.gather(_turned(x.to(dtype))).mT)

    def patch(self, patches: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Each for itself, [..., 40, 40, 3] to fp32 [..., D]: four steps of nested sub-patches, as reshapes and linears."""
        x = patches.to(dtype)
        for kernel, step, norm in zip(self.KERNELS, self.steps, self.norms, strict=True):
            *lead, high, wide, c = x.shape
            x = x.reshape(*lead, high // kernel, kernel, wide // kernel, kernel, c).transpose(-4, -3)
            x = norm(step(x.reshape(*lead, high // kernel, wide // kernel, kernel * kernel * c)))
            x = (F.gelu(x) if kernel * x.shape[-2] > kernel else x).to(dtype)
        return x[..., 0, 0, :].float()


class Mix(nn.Module):
    """One layer between the patches, one within each; both begin as nothing."""

    def __init__(self, width: int):
        super().__init__()
        self.norms = nn.ModuleList(Norm(width) for _ in range(2))
        self.across = nn.ModuleList([Linear(PATCHES, MIDDLE), Linear(MIDDLE, PATCHES)])
        self.within = nn.ModuleList([Linear(width, width), Linear(width, width)])
        for _, last in (self.across, self.within):
            nn.init.zeros_(last.weight)

    def forward(self, x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """fp32 [..., PATCHES, D] to the same."""
        x = x + _through(self.across, _turned(self.norms[0](x).to(dtype))).mT.float()
        return x + _through(self.within, self.norms[1](x).to(dtype)).float()


def _turned(x: torch.Tensor) -> torch.Tensor:
    """Rows and columns exchanged, laid out anew: else a single picture is multiplied as it lies, and has other bits than among others
    (fp32 on an AMD EPYC with AVX512-BF16)."""
    return x.mT.contiguous()


def _through(layers: nn.ModuleList, x: torch.Tensor) -> torch.Tensor:
    first, last = layers
    return last(F.gelu(first(x)))
