"""A small model ready to run, conversations of noise, pictures and text, and what it means that two outputs are the same."""

import copy
from functools import cache

import numpy as np
import torch

from duologue.config import tiny
from duologue.engine.engine import Engine, Voiced
from duologue.engine.schedule import Schedule
from duologue.kernels.ops import fast_dtype
from duologue.model.interaction import InteractionModel
from duologue.model.vocoder import Vocoder
from duologue.train.align import restless
from duologue.turn import SAMPLES_PER_TURN, Note, TurnIn, TurnOut


def small_model() -> InteractionModel:
    """Random weights everywhere, so that nothing is zero by initialisation; the same in every process."""
    torch.set_num_threads(1)
    return restless(tiny(), 8)


def small(model: InteractionModel) -> Voiced:
    """The same, ready to run live."""
    torch.manual_seed(5)
    return Voiced(copy.deepcopy(model).settle(fast_dtype()), Vocoder().settle(), "tiny")


def small_schedule() -> Schedule:
    """For four sessions; one that another process can make too."""
    return Schedule(Engine(small(small_model()), 4), budget_ms=float("inf"))


def talk(seed: int, turns: int = 25) -> list[TurnIn]:
    """Turns of a conversation, the same for the same seed."""
    return [turn(seed, k) for k in range(turns)]


@cache
def turn(seed: int, k: int) -> TurnIn:
    rng = np.random.default_rng([seed, k])
    image = rng.integers(0, 256, (120, 160, 3)).astype(np.uint8) if rng.random() < 0.1 else None
    return TurnIn(
        k, rng.normal(0, 0.1, SAMPLES_PER_TURN).astype(np.float32), image, "hello there" if k % 5 == 0 else "",
        (Note("tool", "it rains"),) if rng.random() < 0.1 else (), 20 * (k % 3), 40 * (k % 2),
    )  # fmt: skip


def same(a: TurnOut, b: TurnOut) -> bool:
    """Equal bits in everything that a session does."""
    names = "index", "speak", "heard", "said", "text", "calls"
    return a.pcm_S.tobytes() == b.pcm_S.tobytes() and all(getattr(a, n) == getattr(b, n) for n in names)
