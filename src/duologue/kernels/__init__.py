"""Operations that the model is written in, passed around as plain functions and never patched into torch.

What the CPU's libraries are told here must be said before the first product of the process.
"""

import os
import platform
from functools import cache
from pathlib import Path

ISA, NO_TILES = "ONEDNN_MAX_CPU_ISA", "AVX512_CORE_FP16"


@cache
def _cpu() -> str:
    """What the machine tells of its CPU."""
    about = Path("/proc/cpuinfo")
    return about.read_text() if about.exists() else platform.processor()


# On its own CPUs Intel's library sums a few rows in another order than many, so that a session's fp32 bits would depend on who shares
# the batch. In this mode it does not, at the same speed. Elsewhere it is left as it is.
if "GenuineIntel" in _cpu():
    os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
# The same of bf16 products that are computed in tiles (AMX).
if "amx_bf16" in _cpu():
    os.environ.setdefault(ISA, NO_TILES)


def with_tiles() -> None:
    """For a process that only trains: bf16 products in tiles where the CPU has them, some ten times as fast; a row's bits may then
    depend on how many there are."""
    if os.environ.get(ISA) == NO_TILES:
        del os.environ[ISA]


def tiled() -> bool:
    """Whether this process computes bf16 products in tiles."""
    return "amx_bf16" in _cpu() and ISA not in os.environ
