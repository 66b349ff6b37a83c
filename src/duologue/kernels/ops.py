"""The operations as one value, to be passed to whoever computes: never patched into torch. Read `Ops` and `best`.

Every set is invariant in itself: a row's bits depend on the row alone. Two sets agree within rounding, not to the bit, so a
session, its replay and its trainer use the same one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from duologue.kernels import build, fast, reference


@dataclass(frozen=True, kw_only=True, slots=True)
class Ops:
    """Shapes and dtypes as in `reference`, function by function."""

    name: str
    linear: Callable[..., torch.Tensor]
    norm: Callable[..., torch.Tensor]
    attention: Callable[..., torch.Tensor]
    experts: Callable[..., torch.Tensor]


REFERENCE = Ops(
    name="reference", linear=reference.linear, norm=reference.rms_norm, attention=reference.live_attention, experts=reference.experts
)  # fmt: skip
CPP = Ops(name="c++", linear=fast.linear, norm=fast.rms_norm, attention=fast.live_attention, experts=fast.experts)


def best(device: str = "cpu") -> Ops:
    """C++ on a CPU that has a compiler, else the reference."""
    return CPP if device == "cpu" and build.library() is not None else REFERENCE


def triton() -> Ops:
    """The set for one GPU, for whoever asks for it: it has not been measured on one. Raises ModuleNotFoundError without Triton."""
    from duologue.kernels import gpu  # Triton is not there on every machine

    return Ops(name="triton", linear=gpu.linear, norm=gpu.rms_norm, attention=gpu.live_attention, experts=gpu.experts)
