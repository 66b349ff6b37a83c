"""Memory of tensors that a training is done with. Their sizes change from batch to batch, and no allocator is made for that."""

import ctypes
import sys
from contextlib import suppress

EVERY = 4  # steps
NEVER = 1 << 40  # bytes: larger than any tensor


def keep_large() -> None:
    """What is larger than 8 MB, and so most of it, jemalloc gives back to the kernel at once, to ask for it again within the same step.

    MALLOC_CONF does not change it where everything is in one arena (`runs/memory.sh`): that one is made before
    `oversize_threshold` is read (jemalloc 5.3). Told here, it keeps such memory for `dirty_decay_ms` too. Nothing happens with
    another allocator.
    """
    if sys.platform == "linux" and hasattr(allocator := ctypes.CDLL(None), "mallctl"):
        most = ctypes.c_size_t(NEVER)
        allocator.mallctl(b"arena.0.oversize_threshold", None, None, ctypes.byref(most), ctypes.c_size_t(ctypes.sizeof(most)))


def give_back(step: int) -> None:
    """What glibc keeps between such tensors grows by some 150 MB a step, until the machine pages."""
    with suppress(AttributeError):  # another libc
        if step % EVERY == 0:
            ctypes.CDLL(None).malloc_trim(0)
