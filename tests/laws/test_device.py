"""The same code on another device: nothing is mixed, nothing is asked of it within a turn, and the same comes out.

No GPU is needed, and none is tested: see `tests/elsewhere.py`.
"""

import copy
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from duologue.device import CPU
from duologue.engine.engine import Engine, Voiced
from duologue.kernels.ops import REFERENCE
from duologue.media import dmel
from duologue.model import graphs
from duologue.model.graphs import Graphs
from duologue.model.moe import use
from duologue.model.mouth import quantised
from duologue.model.vocoder import Vocoder
from duologue.train.align import noise
from duologue.turn import TurnIn, TurnOut
from tests.elsewhere import ELSEWHERE, Elsewhere

TURNS = 8
NUMBERS = 1  # the numbers of the turns
OUTPUTS = 5  # tokens, decision, its log-probability, phonemes, sound as the flow head made it; then the vocoder's, if there is any


@pytest.fixture
def voiced_on(model):
    """The small model on a device, with the operations that every device has, in fp32."""
    torch.manual_seed(5)
    vocoder = Vocoder().settle()

    def voiced(device: torch.device) -> Voiced:
        moved = copy.deepcopy(model).to(device).settle(torch.float32)
        return Voiced(use(moved, REFERENCE), copy.deepcopy(vocoder).to(device), "tiny")

    return voiced


def talk() -> list[TurnIn]:
    """Noise, pictures and text; in turns 2 to 4 the model is made to speak, in the others not to."""
    return [replace(turn, patience=-1e9 if turn.index in (2, 3, 4) else 1e9) for turn in noise(TURNS, 4)]


def alike(a: TurnOut, b: TurnOut) -> bool:
    """Within rounding: elsewhere torch takes attention apart."""
    names = "index", "speak", "heard", "said", "text", "calls"
    return np.allclose(a.pcm_S, b.pcm_S, atol=1e-3) and all(getattr(a, n) == getattr(b, n) for n in names)


def lived(engine: Engine, sessions: list, turns: list[TurnIn]) -> list[list[TurnOut]]:
    return [[outs[s] for s in sessions] for outs in (engine.tick(dict.fromkeys(sessions, turn)) for turn in turns)]


def test_sessions_elsewhere_do_what_they_do_on_the_cpu(voiced_on):
    here = Engine(voiced_on(CPU), 3)
    wanted = lived(here, [here.open(seed) for seed in (7, 1)], talk())
    assert all(any(getattr(out, name) for outs in wanted for out in outs) for name in ("heard", "said", "text"))
    assert any(turn.image is not None for turn in talk()) and any(turn.typed for turn in talk())
    with Elsewhere() as device:
        there = Engine(voiced_on(ELSEWHERE), 3)
        sessions = [there.open(seed) for seed in (7, 1)]
        for turn, outs in zip(talk(), wanted, strict=True):
            device.went, device.waits = 0, []
            assert all(map(alike, lived(there, sessions, [turn])[0], outs)), turn.index
            assert device.went == NUMBERS + OUTPUTS + (2 <= turn.index <= 5) and not device.waits, turn.index


def played(device: Elsewhere, call):
    """In place of a CUDA graph: calls again, and leaves the results where the first ones lie. Nothing may come or go meanwhile."""
    after, did = call()

    def play():
        before = device.came, device.went, len(device.waits)
        again = call()
        assert (device.came, device.went, len(device.waits)) == before, device.waits
        for place, values in zip((*after, *did), (*again[0], *again[1]), strict=True):
            place.copy_(values)
        return after, did

    return play


def test_a_captured_turn_does_what_the_turn_does(voiced_on, monkeypatch):
    def life(engine: Engine) -> list[list[TurnOut]]:
        """Two sessions side by side, then the second alone, then both."""
        both = [engine.open(seed) for seed in (7, 1)]
        parts = (both, talk()[:5]), (both[1:], talk()[5:7]), (both[:1], talk()[5:7]), (both, talk()[7:])
        return [outs for sessions, turns in parts for outs in lived(engine, sessions, turns)]

    wanted = life(Engine(voiced_on(CPU), 3))
    with Elsewhere() as device:
        monkeypatch.setattr(graphs, "captured", partial(played, device))
        there = Engine(voiced_on(ELSEWHERE), 3)
        captures = Graphs(there.voiced.model)
        there.step = captures.step
        outs = life(there)
    assert set(captures.made) == {1, 2} and any(out.speak for turn in wanted for out in turn)
    assert all(alike(a, b) for got, want in zip(outs, wanted, strict=True) for a, b in zip(got, want, strict=True))


def test_a_session_moves_from_device_to_device(voiced_on):
    here, turns = Engine(voiced_on(CPU), 2), talk()
    session = here.open(7)
    lived(here, [session], turns[:4])
    snapshot = here.snapshot(session)
    wanted = lived(here, [session], turns[4:])
    with Elsewhere():
        there = Engine(voiced_on(ELSEWHERE), 2)
        there.open(1)
        moved = there.restore(snapshot)
        outs = lived(there, [moved], turns[4:])
        snapshot = there.snapshot(moved)
        there.close(moved)
    assert all(alike(a, b) for (a,), (b,) in zip(outs, wanted, strict=True))
    assert here.restore(snapshot).next_turn == TURNS


def test_levels_are_those_of_the_ear_to_the_bit():
    mel = np.random.default_rng(0).uniform(-4, 3, 200_000).astype(np.float32)
    edges = np.linspace(-4, 3, 200_001, dtype=np.float32)
    for x in (mel, edges, dmel.FLOOR + np.arange(-1, 17, 0.5, dtype=np.float32) * np.float32(0.32)):
        assert np.array_equal(quantised(torch.from_numpy(x)).numpy(), dmel.quantise(x))
