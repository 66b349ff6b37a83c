"""The micro-turn: the one pair of values that crosses every border. Plain numpy, no torch.

Read `TurnIn` and `TurnOut` first. Output *k* is what the model does in the 200 ms after input *k* has ended, so on the
world's clock input *k* spans [k, k+1) * TURN_MS and output *k* spans [k+1, k+2) * TURN_MS.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

TURN_MS = 200
SAMPLE_RATE_HZ = 16_000
SAMPLES_PER_TURN = SAMPLE_RATE_HZ * TURN_MS // 1000
PICTURE_WIDTH, PICTURE_HEIGHT = 160, 120

Source = Literal["typed", "background", "tool", "ui", "memory"]


@dataclass(frozen=True, slots=True)
class Note:
    """Text that reaches the model: typed by the user, or found by the background side."""

    source: Source
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """Something the model wants done elsewhere."""

    kind: Literal["delegate", "cancel", "interface"]
    text: str = ""


@dataclass(frozen=True, slots=True)
class TurnIn:
    """What the world did during one micro-turn."""

    index: int
    pcm_S: np.ndarray  # float32 mono in [-1, 1], SAMPLES_PER_TURN samples
    image: np.ndarray | None = None  # uint8 [PICTURE_HEIGHT, PICTURE_WIDTH, 3], the last one before the turn's end
    typed: str = ""
    notes: tuple[Note, ...] = ()
    missing_ms: int = 0  # audio that never came, filled with silence
    unplayed_ms: int = 0  # own sound that the listener never heard
    patience: float | None = None  # from this turn on: shifts the decision's own logit, higher waits longer

    def __post_init__(self):
        if self.pcm_S.shape != (SAMPLES_PER_TURN,) or self.pcm_S.dtype != np.float32:
            raise ValueError(
                f"turn {self.index}: pcm must be float32 [{SAMPLES_PER_TURN}], got {self.pcm_S.dtype} {self.pcm_S.shape}"
            )


@dataclass(frozen=True, slots=True)
class TurnOut:
    """What the model does in the 200 ms after the input turn of the same index has ended."""

    index: int
    pcm_S: np.ndarray  # float32 mono; exact zeros in a quiet turn, save the vocoder's tail
    speak: bool
    heard: str = ""  # whole words that the user said, in the turn in which they are complete
    said: str = ""  # whole words that the model is saying, in the turn in which their sound starts or (long ones) just after
    text: str = ""  # typed answer
    calls: tuple[Call, ...] = ()
    compute_ms: float = field(default=0.0, compare=False)
    late: bool = field(default=False, compare=False)  # begun more than a turn after its input had come


def silence(index: int) -> TurnIn:
    """A turn in which nothing happens."""
    return TurnIn(index, np.zeros(SAMPLES_PER_TURN, np.float32))


def first_turn_at(seconds: float) -> int:
    """Index of the input turn that contains this instant (rounding guards 0.6 / 0.2)."""
    return int(seconds * 1000 / TURN_MS + 1e-6)
