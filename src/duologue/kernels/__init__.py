"""Operations that the model is written in, passed around as plain functions and never patched into torch."""

import os
import platform
from pathlib import Path


def _on_intel() -> bool:
    """Whether Intel made this CPU."""
    about = Path("/proc/cpuinfo")
    return "GenuineIntel" in (about.read_text() if about.exists() else platform.processor())


# On its own CPUs Intel's library sums a few rows in another order than many, so that a session's fp32 bits would depend on who shares
# the batch. In this mode it does not, at the same speed; it must be set before the first product. Elsewhere it is left as it is.
if _on_intel():
    os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
