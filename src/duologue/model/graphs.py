"""On a GPU a turn of sound alone is captured once for each number of sessions, and then played again: one launch instead of hundreds.

Read `Graphs.step`. Nothing in a turn may ask the device for a value or bring it one; `tests/laws/test_device.py` sees to it.
Run on an H200 (docs/kernels.md).
"""

from collections.abc import Callable
from dataclasses import fields

import torch

from duologue.model import stream
from duologue.model.drawn import Drawn, Sampling
from duologue.model.interaction import InteractionModel
from duologue.model.state import State

WARM = 3  # turns before a capture, in which libraries choose and allocate; they write what the turn itself will write again
Tensors = tuple[torch.Tensor, ...]


class Graphs:
    """In place of `stream.step` for one model. Turns with pictures, text or drawn tokens are seldom, and run as they are."""

    def __init__(self, model: InteractionModel):
        self.model, self.made = model, {}

    def step(self, state: State, heard: stream.Heard, sampling: list[Sampling]) -> stream.Did:
        """See `stream.step`."""
        given, drawn = stream.prepared(self.model, state, heard, sampling)
        if any(x is not None for x in (given.text_BT, given.patches, drawn.gates_XBC)):
            return stream.home(*stream.turn(self.model, state, given, drawn))
        rows = len(sampling)
        if rows not in self.made:
            self.made[rows] = Played(self.model, state, given, drawn)
        return stream.home(*self.made[rows].turn(state, given, drawn))


class Played:
    """One captured turn: what it reads and what it leaves lie in the same places every time."""

    def __init__(self, model: InteractionModel, state: State, given: stream.Given, drawn: Drawn):
        self.state, self.given, self.drawn = state.copy(), _copy(given), _copy(drawn)
        self.state.cache.rows_B = state.cache.rows_B.clone()
        self.play = captured(lambda: self._turn(model))

    def _turn(self, model: InteractionModel) -> tuple[Tensors, Tensors]:
        after = self.state.copy()
        did = stream.turn(model, after, self.given, self.drawn)
        return tuple(after.small().values()), did

    def turn(self, state: State, given: stream.Given, drawn: Drawn) -> Tensors:
        """See `stream.turn`."""
        here, there = [*state.small().values(), state.cache.rows_B], [*self.state.small().values(), self.state.cache.rows_B]
        for come, place in zip(here + _tensors(given) + _tensors(drawn), there + _tensors(self.given) + _tensors(self.drawn), strict=True):
            place.copy_(come)
        after, did = self.play()
        for name, values in zip(state.small(), after, strict=True):
            state.set(name, values.clone())
        return did


def _tensors(values: stream.Given | Drawn) -> list[torch.Tensor]:
    return [t for field in fields(values) if (t := getattr(values, field.name)) is not None]


def _copy(values):
    return type(values)(*(None if (t := getattr(values, f.name)) is None else t.clone() for f in fields(values)))


def captured(call: Callable[[], tuple[Tensors, Tensors]]) -> Callable[[], tuple[Tensors, Tensors]]:
    """Runs `call` until its memory has settled, and captures it. What is returned plays it again, into the same tensors."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM):
            call()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        left = call()

    def play() -> tuple[Tensors, Tensors]:
        graph.replay()
        return left

    return play
