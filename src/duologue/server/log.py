"""The event log of one conversation: what happened, in order, in no client's words. Both wires are drawn from it."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from duologue.server.faults import Fault
from duologue.turn import TurnIn, TurnOut


class Event(Protocol):
    """`agent.board.Event`."""

    turn: int
    task: str
    what: str
    text: str
    request: str
    active: bool



KEPT = 200  # turns, with what happened in them: 40 s, about 3 MB with their sound


@dataclass(frozen=True, slots=True)
class Turned:
    """One micro-turn is over."""

    at_s: float
    turn: TurnIn
    out: TurnOut


@dataclass(frozen=True, slots=True)
class Happened:
    """Something about a background task: an event of the agent's board."""

    at_s: float
    event: Event
    asked: int  # turn in which the task was asked for


@dataclass(frozen=True, slots=True)
class Handed:
    """A task goes to the client, which is the background model."""

    at_s: float
    id: str
    asked: int
    context: dict  # the packet


@dataclass(frozen=True, slots=True)
class Over:
    """A task that was handed to the client is over."""

    at_s: float
    id: str
    why: str  # `agent.board.State`


@dataclass(frozen=True, slots=True)
class Drained:
    """The server will go down."""

    at_s: float
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing comes after this."""

    at_s: float
    reason: str
    fault: Fault | None = None


Entry = Turned | Happened | Handed | Over | Drained | Ended


class Log:
    """Written by the session, read by one connection at a time."""

    def __init__(self):
        self.entries: deque[Entry] = deque()
        self.turns = 0  # among them
        self.end = 0  # number of the entry that comes next
        self.grown = asyncio.Event()

    def append(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.turns += isinstance(entry, Turned)
        while self.turns > KEPT:
            self.turns -= isinstance(self.entries.popleft(), Turned)
        self.end += 1
        self.grown.set()

    async def read(self, number: int) -> Entry:
        """The entry of this number, as soon as it is there. Raises Fault when it is kept no longer."""
        while number >= self.end:
            self.grown.clear()
            await self.grown.wait()
        first = self.end - len(self.entries)
        if number < first:
            raise Fault("slow_reader", f"{self.end - number} events wait to be read; read them as they come")
        return self.entries[number - first]

    def after_turn(self, turn: int) -> list[Entry]:
        """What came after this turn was told, as far back as it is kept."""
        told = [k for k, entry in enumerate(self.entries) if isinstance(entry, Turned) and entry.out.index <= turn]
        return list(self.entries)[told[-1] + 1 if told else 0 :]

    def reaches(self, turn: int) -> bool:
        """Whether all that came after this turn is kept."""
        first = next((entry.out.index for entry in self.entries if isinstance(entry, Turned)), 0)
        return first <= turn + 1
