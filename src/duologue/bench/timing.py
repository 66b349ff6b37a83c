"""Where operations are measured, and how: by the clock on a CPU, by events and captured graphs on a GPU. Read `Place`."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from duologue.device import CPU
from duologue.errors import ConfigError
from duologue.kernels import build
from duologue.kernels.ops import CPP, Ops, triton

BEYOND_CACHE = 1 << 26  # numbers that no CPU's cache holds
GPU_BEYOND_CACHE = 1 << 30  # 4 GB, so that a copy takes milliseconds
WARM = 3  # calls before a capture, in which libraries choose and Triton compiles
MOST_CALLS, CAPTURED_S = 20, 1e-3  # in one graph, for operations that take less time than their launch

Call = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Place:
    """One device. `seconds` is the time of one of so many calls in a row; `ready` gives what is timed in place of a call, and how
    many calls that is; `memory_speed` is in bytes a second."""

    device: torch.device
    ours: Ops
    seconds: Callable[[Call, int], float]
    ready: Callable[[Call], tuple[Call, int]]
    memory_speed: Callable[[], float]


def on_cpu() -> Place:
    """The C++ operations. Raises ConfigError where they cannot be built."""
    if build.library() is None:
        raise ConfigError("there is nothing to measure without the C++ operations: install g++ and run again")
    return Place(CPU, CPP, seconds, as_it_is, _read_speed)


def on_gpu(device: torch.device) -> Place:
    """The Triton operations, timed as replays of captured graphs. Raises ConfigError without Triton."""
    try:
        ours = triton()
    except ModuleNotFoundError as error:
        raise ConfigError("there is nothing to measure without Triton: pip install 'duologue[gpu]' and run again") from error
    return Place(device, ours, _seconds_on_gpu, partial(_captured, torch.cuda.Stream(device)), partial(_copy_speed, device))


def seconds(call: Call, repeats: int) -> float:
    """Of one call, by the clock."""
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - began) / repeats


def as_it_is(call: Call) -> tuple[Call, int]:
    """A call for itself."""
    return call, 1


def _read_speed() -> float:
    """What can be read from beyond the caches, the best of several."""
    block = torch.ones(BEYOND_CACHE)
    return block.nbytes / min(seconds(lambda: build.library().total(block.data_ptr(), BEYOND_CACHE), 1) for _ in range(5))


def _copy_speed(device: torch.device) -> float:
    """What a copy within the GPU's memory reads and writes, the best of several."""
    block = torch.randn(GPU_BEYOND_CACHE, device=device)
    other = torch.empty_like(block)
    return 2 * block.nbytes / min(_seconds_on_gpu(lambda: other.copy_(block), 1) for _ in range(5))


def _seconds_on_gpu(call: Call, repeats: int) -> float:
    began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    began.record()
    for _ in range(repeats):
        call()
    ended.record()
    ended.synchronize()
    return max(1e-7, began.elapsed_time(ended) / 1e3 / repeats)


def _captured(side: torch.cuda.Stream, call: Call) -> tuple[Call, int]:
    """A graph of several calls. `torch.cuda.graph` would collect garbage before each, which takes longer than the rest."""
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM):
            call()
        calls = max(1, min(MOST_CALLS, int(CAPTURED_S / _seconds_on_gpu(call, 1))))
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        graph.capture_begin()
        for _ in range(calls):
            call()
        graph.capture_end()
    torch.cuda.current_stream().wait_stream(side)
    graph.replay()
    return graph.replay, calls
