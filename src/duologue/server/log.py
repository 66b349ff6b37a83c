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


KEPT = 200  # entries: 40 s of turns, about 3 MB with their sound


@dataclass(frozen=True, slots=True)
class Turned:
    """One micro-turn is over."""

    at_s: float
    turn: TurnIn
    out: TurnOut
    delegations: tuple[str, ...] = ()  # ids, one for each `delegate` among the calls


@dataclass(frozen=True, slots=True)
class Happened:
    """Something about a background task: an event of the agent's board."""

    at_s: float
    event: Event
    asked: int  # turn in which the task was asked for


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


Entry = Turned | Happened | Drained | Ended


class Log:
    """Written by the session, read by one connection at a time."""

    def __init__(self):
        self.entries: deque[Entry] = deque(maxlen=KEPT)
        self.end = 0  # number of the entry that comes next
        self.grown = asyncio.Event()

    def append(self, entry: Entry) -> None:
        self.entries.append(entry)
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

    def after_turn(self, turn: int) -> list[Turned]:
        """Turns after this one, as far back as they are kept."""
        return [entry for entry in self.entries if isinstance(entry, Turned) and entry.out.index > turn]
