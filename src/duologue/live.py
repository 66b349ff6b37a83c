"""The one door: a conversation, for a person, a benchmark, reinforcement learning and a test alike.

Time is the turn's index: whoever steps faster than 200 ms a turn runs on a fake clock.
"""

from collections.abc import Iterator
from pathlib import Path

from duologue.engine.engine import Engine, Voiced, load
from duologue.errors import SessionError
from duologue.turn import TurnIn, TurnOut, silence


class Conversation:
    """One session of its own: turns in, turns out, in order from 0."""

    def __init__(self, checkpoint: Path | None = None, seed: int = 0, voiced: Voiced | None = None, patience: float = 0.0):
        self.engine = Engine(voiced or load(checkpoint), [seed], patience)

    def step(self, turn: TurnIn) -> TurnOut:
        """Raises SessionError for a turn out of order."""
        wanted = self.engine.sessions[0].next_turn
        if turn.index != wanted:
            raise SessionError(f"turn {turn.index} came when turn {wanted} was due; send turns in order, none twice")
        return self.engine.tick([turn])[0]


def converse(voiced: Voiced, inputs: list[list[TurnIn]], seeds: list[int], patience: float = 0.0) -> Iterator[list[TurnOut]]:
    """Many conversations side by side on the fake clock, a tick at a time; the shorter ones end in silence."""
    engine = Engine(voiced, seeds, patience)
    for k in range(max(len(turns) for turns in inputs)):
        yield engine.tick([turns[k] if k < len(turns) else silence(k) for turns in inputs])
