"""The one door: a conversation, for a person, a benchmark, reinforcement learning and a test alike.

Stepped by its owner, time is the turn's index: whoever steps faster than 200 ms a turn runs on a fake clock. Run live, a
schedule steps it among others, and what it does comes by callback. Read `Conversation` first.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import torch

from duologue.device import CPU
from duologue.engine.apart import Apart
from duologue.engine.engine import Engine, Voiced, load
from duologue.engine.log import SessionLog
from duologue.engine.schedule import Live, Schedule
from duologue.errors import SessionError
from duologue.turn import Note, TurnIn, TurnOut, silence


class Conversation:
    """One session of its own: turns in, turns out, in order from 0. With an agent, its calls are answered by notes."""

    def __init__(
        self, checkpoint: Path | None = None, seed: int = 0, voiced: Voiced | None = None, patience: float = 0.0, device: torch.device = CPU
    ):
        """`voiced`: instead of the weights of `checkpoint` on `device`."""
        self.engine = Engine(voiced or load(checkpoint, device=device))
        self.session = self.engine.open(seed, patience)
        self.log: SessionLog | None = None
        self.agent: Beside | None = None

    def step(self, turn: TurnIn) -> TurnOut:
        """Raises SessionError for a turn out of order."""
        turn = _told(turn, self.agent)
        out = self.engine.tick({self.session: turn})[self.session]
        if self.log:
            self.log.came(turn)
            self.log.did(out)
        if self.agent:
            self.agent.hear(turn, out)
        return out

    def record(self, path: Path) -> None:
        """Writes the session from here on to a file that `duologue replay` proves. Raises DataError."""
        begun = self.engine.snapshot(self.session) if self.session.next_turn else None
        self.log = SessionLog(path, self.engine.voiced, self.session, begun)

    @staticmethod
    def on(
        schedule: Schedule | Apart,
        on_out: Callable[[TurnOut], None],
        *,
        seed: int = 0,
        patience: float = 0.0,
        snapshot: bytes | None = None,
        on_end: Callable[[SessionError], None] = lambda error: None,
    ) -> Live:
        """A conversation that the schedule runs: `give` it turns, `close` it. Arguments and errors as in `Schedule.open`."""
        return schedule.open(on_out, seed=seed, patience=patience, snapshot=snapshot, on_end=on_end)


class Beside(Protocol):
    """The background side of one conversation: `agent.background.Agent`."""

    def notes(self, turn: int | None = None) -> tuple[Note, ...]: ...

    def hear(self, turn: TurnIn, out: TurnOut) -> None: ...


def converse(
    voiced: Voiced,
    inputs: list[list[TurnIn]],
    seeds: list[int],
    patience: float = 0.0,
    agents: Sequence[Beside | None] = (),
) -> Iterator[list[TurnOut]]:
    """Many conversations side by side on the fake clock, a tick at a time; the shorter ones end in silence.

    `agents`: the background side of each, where it has one.
    """
    engine = Engine(voiced, len(seeds))
    sessions = [engine.open(seed, patience) for seed in seeds]
    beside = [(row, agent) for row, agent in enumerate(agents) if agent]
    for k in range(max(len(turns) for turns in inputs)):
        due = [turns[k] if k < len(turns) else silence(k) for turns in inputs]
        for row, agent in beside:
            due[row] = _told(due[row], agent)
        outs = engine.tick(dict(zip(sessions, due, strict=True)))
        for row, agent in beside:
            agent.hear(due[row], outs[sessions[row]])
        yield [outs[session] for session in sessions]


def _told(turn: TurnIn, agent: Beside | None) -> TurnIn:
    """The turn with what the agent has for it."""
    return replace(turn, notes=(*turn.notes, *agent.notes(turn.index))) if agent else turn
