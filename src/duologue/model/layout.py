"""Which positions a micro-turn has, and where in time they lie: the one place that trainer and engine both read.

    IN   I I I I   one position a column of 40x40 patches, in a turn that carries a picture
         A A       two positions of 100 ms of the user's sound (five dMel frames each)
         T <= 8    typed text and notes: a source marker, then tokens; the rest queues into the following turns
    OUT  X X       one token of every channel (PAD when none); the second also carries the decision
         V V       after SPEAK only: two positions of 100 ms of the own sound

An output position is predicted from the position before it, never from a picture's: who is shown something hears as well as who is not. `flatten` turns a grid of turns into the flat sequence.
"""

from typing import NamedTuple

import numpy as np

from duologue.config import TIME_SLOTS

CHANNELS = ("hear", "say", "text", "act")
A, I, T, X, V = range(5)  # noqa: E741  kinds of position
LETTERS = 27  # a to z and the apostrophe
PHONES, PHONED = 48, 5  # phonemes that a frame of own sound may hold, 0 for none; frames of a position
TOLD = 4  # positions of whose phonemes the flow head is told: two before its own, its own, the one after
BEFORE, NOW = slice(PHONED, 2 * PHONED), slice(2 * PHONED, 3 * PHONED)  # where those of the last and of its own stand among them
AUDIO, VIEW, TEXT, OUT = 2, 4, 8, 2  # positions of each kind in a turn at most (OUT twice: X and V)
PATCHES = 12  # of a picture, in reading order: three rows of VIEW
KIND_OF_COLUMN = np.array([I] * VIEW + [A] * AUDIO + [T] * TEXT + [X] * OUT + [V] * OUT)
TIME_OF_COLUMN = np.array([-1] * VIEW + [0, 1] + list(range(3, 3 + TEXT)) + [11, 12, 13, 14])
PLACE_OF_COLUMN = np.array([*range(VIEW), *range(AUDIO), *range(TEXT), *range(OUT), *range(OUT)])
COLUMNS = len(KIND_OF_COLUMN)


class Flat(NamedTuple):
    """A flat sequence of N positions: its kind, its turn, which of its kind in the turn, and its RoPE position."""

    kind_N: np.ndarray
    turn_N: np.ndarray
    place_N: np.ndarray
    time_N: np.ndarray


def flatten(speak_T: np.ndarray, typed_TX: np.ndarray, picture_T: np.ndarray | None = None, first_turn: int = 0) -> Flat:
    """The positions of these turns, in order.

    Args:
        speak_T: whether the model speaks in each turn (then V V are there).
        typed_TX: text tokens of each turn, 0 where none.
        picture_T: whether each turn carries a picture, or None.
        first_turn: index of the first turn in its session.
    """
    turns = len(speak_T)
    there = np.ones((turns, COLUMNS), bool)
    there[:, :VIEW] = False if picture_T is None else picture_T[:, None]
    there[:, VIEW + AUDIO : VIEW + AUDIO + TEXT] = typed_TX != 0
    there[:, -OUT:] = (speak_T != 0)[:, None]
    turn_N, column_N = np.nonzero(there)
    time_N = (turn_N + first_turn) * TIME_SLOTS + TIME_OF_COLUMN[column_N]
    return Flat(KIND_OF_COLUMN[column_N], turn_N, PLACE_OF_COLUMN[column_N], time_N)
