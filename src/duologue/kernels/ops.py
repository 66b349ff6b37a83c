"""The operations as one value, to be passed to whoever computes: never patched into torch. Read `Ops` and `best`.

Every set is invariant in itself: a row's bits depend on the row alone. Two sets agree within rounding, not to the bit, so a
session, its replay and its trainer use the same one.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec

import torch

from duologue.kernels import build, fast, reference, tiled


@dataclass(frozen=True, kw_only=True, slots=True)
class Ops:
    """Shapes and dtypes as in `reference`, function by function."""

    name: str
    pack: Callable[..., tuple | None]  # a weight as `linear` and `experts` read it fastest, for inference
    linear: Callable[..., torch.Tensor]
    norm: Callable[..., torch.Tensor]
    turned: Callable[..., torch.Tensor]
    gated: Callable[..., torch.Tensor]
    attention: Callable[..., torch.Tensor]  # over a ring
    window: Callable[..., torch.Tensor]  # over whole sequences
    exact: bool  # whether `window` has the bits of `attention`
    experts: Callable[..., torch.Tensor]
    layers: Callable[..., torch.Tensor] | None = None  # all layers of a dense trunk over a ring in one call, for inference
    draw: Callable[..., torch.Tensor] | None = None  # all steps of the flow head, for few rows


REFERENCE = Ops(
    name="reference", pack=reference.pack, linear=reference.linear, norm=reference.rms_norm, turned=reference.turned, gated=reference.gated, attention=reference.live_attention, window=reference.window_attention,
    exact=False, experts=reference.experts,
)  # fmt: skip
CPP = Ops(
    name="c++", pack=fast.pack, linear=fast.linear, norm=fast.rms_norm, turned=fast.turned, gated=fast.gated,
    attention=fast.live_attention, window=fast.window_attention, exact=True, experts=fast.experts, layers=fast.layers, draw=fast.draw,
)  # fmt: skip
TILES = replace(CPP, name="c++ and tiles", linear=reference.linear, experts=reference.experts, window=fast.tiled_window, exact=False, draw=None)


def best(device: str = "cpu") -> Ops:
    """C++ on a CPU that has a compiler, else the reference."""
    return CPP if device == "cpu" and build.library() is not None else REFERENCE


def training(device: str = "cpu") -> Ops:
    """Of thousands of rows at once, whose bits no session asks for: as `best`, and the products in the CPU's tiles where it has them."""
    return TILES if best(device) is CPP and tiled() else best(device)


@cache
def fast_dtype(device: str = "cpu") -> torch.dtype:
    """What matrix products are fastest in: bf16 on a GPU and on a CPU that multiplies in it, else fp32."""
    fast = device != "cpu" or reference.multiplies_bf16()
    return torch.bfloat16 if fast else torch.float32


def live_dtype(device: str = "cpu") -> torch.dtype:
    """What a live turn is fastest in: it waits for memory, so bf16 wherever the C++ operations read it, whatever the CPU."""
    return torch.bfloat16 if best(device) is CPP else fast_dtype(device)


def live(device: str = "cpu") -> Ops:
    """For live sessions, in which no row may know of another: as `best`, and on a GPU Triton where it is installed."""
    return triton() if device == "cuda" and find_spec("triton") else best(device)


def triton() -> Ops:
    """The set for one GPU. Raises ModuleNotFoundError without Triton."""
    from duologue.kernels import gpu  # Triton is not there on every machine

    return Ops(
        name="triton", pack=reference.pack, linear=gpu.linear, norm=gpu.rms_norm, turned=gpu.turned, gated=reference.gated,
        attention=gpu.live_attention, window=reference.window_attention, exact=False, experts=gpu.experts,
    )  # fmt: skip
