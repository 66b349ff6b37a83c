"""All conversations of one server: opening, finding again by token, going down. Read `Host.open` first."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from duologue.agent.background import Agent
from duologue.agent.client import ClientBackend
from duologue.agent.loops import Given
from duologue.errors import DataError, DuologueError, SessionError
from duologue.server.clock import Clock
from duologue.server.faults import Fault
from duologue.server.log import Ended, Entry
from duologue.server.metrics import Metrics
from duologue.server.recordings import expired, forget
from duologue.server.session import Background, Live, Opening, Session
from duologue.server.settings import Settings
from duologue.turn import TurnOut

log = logging.getLogger("duologue.server")

TIDY_S = 3600.0

Door = Callable[..., Live]  # live.Conversation.on of a schedule: on_out, on_end, seed, patience
Agents = Callable[[str], Background]  # a background side, told the session's instructions


class Host:
    """Lives on one event loop."""

    def __init__(self, door: Door, settings: Settings, clock: Clock, metrics: Metrics, agents: Agents | None = None):
        self.agents = agents
        self.door, self.settings, self.clock, self.metrics = door, settings, clock, metrics
        self.sessions: dict[str, Session] = {}  # by token
        self.tasks: set[asyncio.Task] = set()
        self.opening = 0  # conversations that wait for the engine
        self.draining = False

    async def open(self, opening: Opening) -> Session:
        """A new conversation, its clock running. Raises Fault when there is no place."""
        if self.draining:
            raise Fault("draining", "the server is going down; try another or come back later")
        if len(self.sessions) + self.opening >= self.settings.sessions:
            raise Fault("busy", f"all {self.settings.sessions} places are taken; try again later")
        session = Session(opening, self.settings, self.clock, self._note)
        self.opening += 1
        try:
            await self._enter(session)
        finally:
            self.opening -= 1
        session.begin()
        self.sessions[session.token] = session
        self.metrics.opened.inc()
        task = asyncio.create_task(session.run())
        self.tasks.add(task)
        task.add_done_callback(partial(self._ran, session))
        log.info("session.opened", extra={"session": session.id, "sessions": len(self.sessions)})
        return session

    async def _enter(self, session: Session) -> None:
        """Waits for engine and background side in a thread. A client that goes away meanwhile leaves no place taken."""
        entering = asyncio.ensure_future(asyncio.to_thread(self._enter_now, session, asyncio.get_running_loop()))
        try:
            await asyncio.shield(entering)
        except asyncio.CancelledError:
            entering.add_done_callback(partial(_leave, session))
            raise
        except DuologueError as error:
            raise Fault("busy", str(error)) from error

    def _enter_now(self, session: Session, loop: asyncio.AbstractEventLoop) -> None:
        session.live = self._live(session, loop)
        try:
            session.agent = self._agent(session, loop)
        except BaseException:
            session.live.close()
            raise

    def _agent(self, session: Session, loop: asyncio.AbstractEventLoop) -> Background | None:
        """Whoever answers what the model delegates: the client, or the server's own background side if it has one."""
        opening = session.opening
        if not opening.delegates:
            session.client = ClientBackend(session.hand)
            agent = Agent(session.client, instructions=opening.instructions, loop=Given(loop))
        elif self.agents:
            agent = self.agents(opening.instructions)
        else:
            return None
        agent.remember(opening.history)
        return agent

    def _live(self, session: Session, loop: asyncio.AbstractEventLoop) -> Live:
        def on_out(out: TurnOut) -> None:
            loop.call_soon_threadsafe(session.gave, out)

        def on_end(error: Exception) -> None:
            loop.call_soon_threadsafe(session.failed, error)

        live = self.door(on_out, on_end=on_end, seed=session.opening.seed, patience=session.opening.patience)
        if self.settings.record:
            self._record(live, self.settings.record / f"{session.id}.jsonl")
        return live

    def _record(self, live: Live, path: Path) -> None:
        """A session that should be recorded and cannot be does not begin."""
        try:
            path.touch(0o600)
            live.record(path)
        except (OSError, DuologueError) as error:
            live.close()
            log.error("session.not_recorded", extra={"path": str(path), "reason": str(error)})
            raise SessionError("the server cannot record, as it was told to; try again later") from error

    def _ran(self, session: Session, task: asyncio.Task) -> None:
        """A clock that stopped by a mistake of ours ends its session, and not quietly."""
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("session.clock_failed", extra={"session": session.id}, exc_info=error)
            session.failed(error)

    def _note(self, session: Session, entry: Entry) -> None:
        """Counts what a session writes into its log, and forgets the session with its last entry."""
        self.metrics.count(entry)
        if isinstance(entry, Ended):
            self._forget(session, entry)

    def _forget(self, session: Session, ended: Ended) -> None:
        self.sessions.pop(session.token, None)
        about = {"session": session.id, "reason": ended.reason, "fault": ended.fault.code if ended.fault else ""}
        log.info("session.ended", extra={**about, "seconds": session.seconds})

    def resume(self, token: str) -> Session:
        """Raises Fault for a token that no conversation has (any more)."""
        session = self.sessions.get(token)
        if session is None or not session.opening.resumable:
            raise Fault("invalid_token", "no session waits for this token; it may have ended: start another")
        return session

    async def tidy(self) -> None:
        """For as long as the server runs: recordings whose time is over are deleted."""
        while self.settings.record:
            try:
                forget(expired(self.settings.record, self.settings.record_days))
            except (OSError, DataError) as error:
                log.error("recordings.not_forgotten", extra={"reason": str(error)})
            await self.clock.until(self.clock.now() + TIDY_S)

    async def drain(self) -> None:
        """No new conversations; those that are there have `drain_s` to end."""
        self.draining = True
        deadline_s = self.clock.now() + self.settings.drain_s
        for session in list(self.sessions.values()):
            session.drain(round(self.settings.drain_s * 1000))
        while self.sessions and self.clock.now() < deadline_s:
            await self.clock.until(min(deadline_s, self.clock.now() + 0.1))
        for session in list(self.sessions.values()):
            session.end("expired", Fault("draining", "the server is going down"))
        await asyncio.gather(*self.tasks, return_exceptions=True)


def _leave(session: Session, entering: asyncio.Future) -> None:
    """Closes what nobody waits for any more."""
    if not entering.cancelled() and not entering.exception():
        session.leave()
