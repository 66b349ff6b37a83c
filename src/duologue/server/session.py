"""A conversation as the server keeps it, whoever is connected: its clock, its inbox, its log, its end.

Read `Session.run` first. A connection attaches and detaches; the conversation goes on for a grace time without one.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread
from typing import Any, Protocol

import numpy as np

from duologue.agent.board import LOST, State
from duologue.agent.client import ClientBackend
from duologue.agent.packet import Packet
from duologue.errors import DataError, SessionError
from duologue.server.bucket import Bucket
from duologue.server.clock import Clock
from duologue.server.faults import Fault
from duologue.server.inbox import SLACK_MS, Inbox
from duologue.server.log import Drained, Ended, Entry, Event, Handed, Happened, Log, Over, Turned
from duologue.server.pictures import decode_picture
from duologue.server.settings import Settings
from duologue.turn import TURN_MS, Note, TurnIn, TurnOut

TURN_S = TURN_MS / 1000
OVER = (State.DONE, *LOST)
PICTURES_PER_S = 10
TEXT_PER_S, TEXT_AT_ONCE = 150, 20_000  # characters; the model takes eight tokens a turn, the rest queues


class Live(Protocol):
    """A conversation on the engine's thread; `live.Conversation.on` makes one."""

    patience: float | None

    def give(self, turn: TurnIn) -> None: ...
    def close(self) -> None: ...
    def record(self, path: Path) -> None: ...


class Background(Protocol):
    """The background side of one conversation: `agent.background.Agent`. Only `close` waits."""

    events: list
    board: Any

    def remember(self, history: Iterable[tuple[str, str]]) -> None: ...
    def hear(self, turn: TurnIn, out: TurnOut) -> None: ...
    def notes(self, turn: int | None = None) -> tuple[Note, ...]: ...
    def clicked(self, text: str) -> Note: ...
    def late(self, id: str, text: str) -> None: ...
    def standing(self) -> list: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Opening:
    """How a conversation begins. `instructions` and `history` go to the background side."""

    patience: float
    seed: int
    resumable: bool = False
    delegates: bool = False  # the server's own background side owns what the model delegates; otherwise the client
    instructions: str = ""
    history: tuple[tuple[str, str], ...] = ()  # role, text


@dataclass(eq=False)
class Session:
    """`wrote` is called with every entry of its log."""

    opening: Opening
    settings: Settings
    clock: Clock
    wrote: Callable[["Session", Entry], None]
    id: str = field(default_factory=lambda: "live_" + secrets.token_hex(12))
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    inbox: Inbox = field(default_factory=Inbox)
    log: Log = field(default_factory=Log)
    live: Live | None = None
    agent: Background | None = None
    client: ClientBackend | None = None  # of the agent, where the client owns what the model delegates
    handed: dict[str, Handed | None] = field(default_factory=dict)  # tasks of the client; None when over
    listener: object | None = None  # the connection that is attached
    ended: Ended | None = None
    config: object | None = None  # of the wire that opened it, for the connection that resumes it

    def __post_init__(self):
        self.begin()
        self.expires_at = int(time.time() + self.settings.wall_s)
        self.patience = self.opening.patience
        self.given: deque[TurnIn] = deque()
        self.came = asyncio.Event()
        self.received = 0
        self.pictures = Bucket.full(PICTURES_PER_S, PICTURES_PER_S, self.began_s)
        self.text = Bucket.full(TEXT_PER_S, TEXT_AT_ONCE, self.began_s)

    def begin(self) -> None:
        """Now is the beginning of its first turn."""
        self.began_s = self.heard_from_s = self.lost_s = self.clock.now()

    async def run(self) -> None:
        """Closes each input turn when its time has come, until the end."""
        while not self.ended:
            due_s = self.began_s + (self.inbox.index + 1) * TURN_S
            await self.clock.until(due_s)
            while not self.inbox.complete and self.clock.now() < due_s + SLACK_MS / 1000:
                self.came.clear()
                await self.clock.wait(self.came, due_s + SLACK_MS / 1000)
            self._check_limits()
            if not self.ended:
                self._give(self.inbox.take())

    def _give(self, turn: TurnIn) -> None:
        if self.agent:
            turn = replace(turn, notes=(*turn.notes, *self.agent.notes(turn.index)))
        self.given.append(turn)
        try:
            self.live.give(turn)
        except SessionError as error:
            self.failed(error)

    def _check_limits(self) -> None:
        now_s, limits = self.clock.now(), self.settings
        if self.listener is None and now_s - self.lost_s > limits.grace_s:
            self.end("connection_lost")
        elif now_s - self.began_s > limits.wall_s:
            self.end("expired", Fault("session_expired", f"a session lasts at most {limits.wall_s:.0f} s; start another"))
        elif now_s - self.heard_from_s > limits.idle_s:
            self.end("expired", Fault("idle_timeout", f"nothing came for {limits.idle_s:.0f} s; start another session"))
        elif len(self.given) * TURN_S > limits.behind_s:
            self.end("expired", Fault("busy", f"the machine is {limits.behind_s:.0f} s behind; try again later"))

    def gave(self, out: TurnOut) -> None:
        """The engine's answer to the oldest turn it still owed."""
        if self.ended:
            return
        if self.listener is None and out.pcm_S.any():
            self.inbox.unplayed_ms += TURN_MS
        turn = self.given.popleft()
        self._write(Turned(self.clock.now(), turn, out))
        if self.agent:
            self._tell_agent(turn, out)

    def _tell_agent(self, turn: TurnIn, out: TurnOut) -> None:
        known = len(self.agent.events)
        self.agent.hear(turn, out)
        for event in self.agent.events[known:]:
            self._write(self._happened(event))
            if event.what in OVER and self.handed.get(event.task):
                self.handed[event.task] = None
                self._write(Over(self.clock.now(), event.task, str(event.what)))

    def _happened(self, event: Event) -> Happened:
        task = self.agent.board.tasks.get(event.task)
        return Happened(self.clock.now(), event, task.asked if task else event.turn)

    def standing(self) -> list[Entry]:
        """How tasks and page stand, for a listener who knows nothing of them."""
        events = self.agent.standing() if self.agent else []
        return [*(self._happened(event) for event in events), *filter(None, self.handed.values())]

    def hand(self, packet: Packet) -> None:
        """A task goes to the client, unless it has been taken back meanwhile."""
        if not self.ended and self.agent.board.tasks[packet.id].state is State.WORKING:
            self.handed[packet.id] = Handed(self.clock.now(), packet.id, packet.asked, packet.to_dict())
            self._write(self.handed[packet.id])

    def answered(self, id: str, note: Note, final: bool = False) -> None:
        """What the client has to say about a task of its own: from `background` it is (a part of) the answer, from any other
        source something to know. For a task that was taken back it goes no further; after the end of the answer it is a
        note like any other. Raises Fault for a task that it was never handed, and for too much text."""
        if id not in self.handed:
            raise Fault("invalid_event", f"this client was handed no delegation {id[:80]!r}; take the id from the event that "
                        "hands it over, or null", "delegation_id")  # fmt: skip
        self._admit(note.text)
        if self.agent.board.tasks[id].state in LOST:
            return self.agent.late(id, note.text)
        tells = note.source == "background"
        waited_for = self.client.found(id, note.text * tells, final)
        if note.text and not (tells and waited_for):
            self.inbox.notes.append(note)

    def _write(self, entry: Entry) -> None:
        self.log.append(entry)
        self.wrote(self, entry)

    @property
    def seconds(self) -> float:
        return self.inbox.index * TURN_S

    def came_in(self, size: int) -> None:
        """A message of this size has come. Raises Fault when there were too many bytes."""
        self.heard_from_s = self.clock.now()
        self.received += size
        if self.received > self.settings.bytes:
            raise Fault("byte_limit", f"a session may send {self.settings.bytes} bytes; start another")

    def hear(self, pcm_S: np.ndarray) -> None:
        """16 kHz samples that have come. Raises Fault when they are too far ahead."""
        self.inbox.hear(pcm_S)
        self.came.set()

    def see(self, data: bytes) -> None:
        """A picture file; the last one of a turn is seen. Raises Fault."""
        if not self.pictures.take(self.clock.now()):
            raise Fault("invalid_image", f"more than {PICTURES_PER_S} pictures a second; the model sees five")
        self.inbox.image = decode_picture(data)

    def read(self, source: str, text: str) -> None:
        """Typed text or a note for the next turn. Raises Fault when more waits than the model can read in time."""
        self._admit(text)
        if source == "typed":
            self.inbox.typed.append(text)
        else:
            self.inbox.notes.append(self._clicked(text) if source == "ui" and self.agent else Note(source, text))

    def _admit(self, text: str) -> None:
        if not self.text.take(self.clock.now(), len(text)):
            raise Fault("input_too_fast", f"the model reads about {TEXT_PER_S} characters a second; send this text later")

    def _clicked(self, text: str) -> Note:
        try:
            return self.agent.clicked(text)
        except DataError as error:
            raise Fault("invalid_event", str(error), "text") from None

    def be_patient(self, patience: float) -> None:
        """From the next turn on."""
        self.patience = patience
        self.live.patience = patience

    def attach(self, listener: object) -> None:
        """From now on this connection hears it, and no other."""
        self.listener = listener
        self.heard_from_s = self.clock.now()

    def detach(self, listener: object) -> None:
        """The connection is gone. Without a way to come back, that is the end."""
        if self.listener is not listener:
            return
        self.listener, self.lost_s = None, self.clock.now()
        if not self.opening.resumable:
            self.end("connection_lost")

    def drain(self, deadline_ms: int) -> None:
        self._write(Drained(self.clock.now(), deadline_ms))

    def failed(self, error: Exception) -> None:
        """The engine gave this one up; its neighbours go on."""
        self.end("connection_lost", Fault("session_failed", str(error)))

    def end(self, reason: str, fault: Fault | None = None) -> None:
        if self.ended:
            return
        self.ended = Ended(self.clock.now(), reason, fault)
        self.leave()
        self._write(self.ended)
        self.came.set()

    def leave(self) -> None:
        """Gives its places in engine and background side back; the event loop does not wait for it."""
        asyncio.get_running_loop().run_in_executor(None, self.live.close)  # it waits for the running tick
        if self.agent:  # may take seconds, and the pool's few threads are those by which new sessions come in
            Thread(target=self.agent.close, name="closing").start()
