"""One WebSocket, from handshake to close: a receiving and a sending side around a wire. Read `Connection.serve` first.

The sending side reads the log and keeps the listener at most LEAD_MS ahead; the receiving side answers events. Whatever a
client does wrong becomes a Fault for it alone.
"""

import asyncio
import logging
import secrets
from contextlib import suppress
from typing import Protocol

from pydantic import BaseModel
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from duologue.server.bucket import Bucket
from duologue.server.faults import Fault
from duologue.server.host import Host
from duologue.server.log import Ended, Entry, Turned
from duologue.server.outbox import PATIENCE_MS, Outbox
from duologue.server.session import Session
from duologue.turn import TURN_MS

NORMAL = 1000
log = logging.getLogger("duologue.server")


class Wire(Protocol):
    """A protocol without a socket: LiveWire or RealtimeWire."""

    session: Session | None
    outbox: Outbox
    next_entry: int

    async def greet(self) -> list[BaseModel]: ...
    async def take(self, raw: str | bytes) -> list[BaseModel]: ...
    def show(self, entry: Entry) -> list[BaseModel]: ...
    def sound(self, entry: Turned) -> BaseModel | None: ...
    def unsent(self, entry: Turned) -> list[BaseModel]: ...
    def after(self, entry: Entry) -> list[BaseModel]: ...
    def error(self, fault: Fault) -> BaseModel: ...


class Connection:
    """`serve` returns when the socket is closed."""

    def __init__(self, socket: WebSocket, wire: Wire, host: Host):
        self.socket, self.wire, self.host = socket, wire, host
        self.settings, self.clock = host.settings, host.clock
        self.events = Bucket.full(self.settings.events_per_s, 2 * self.settings.events_per_s, self.clock.now())
        self.sending = asyncio.Lock()
        self.begun = asyncio.Event()  # there is a session
        self.faults = 0

    async def serve(self) -> None:
        """Both sides at once; the first that ends, by itself or by a Fault, ends the other."""
        sides = [asyncio.create_task(self._listen()), asyncio.create_task(self._feed())]
        try:
            await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for side in sides:
                side.cancel()
            results = await asyncio.gather(*sides, return_exceptions=True)
            if self.wire.session:
                self.wire.session.detach(self.wire)
        await self._close(next((result for result in results if isinstance(result, Exception)), None))

    async def _listen(self) -> None:
        await self._send(await self.wire.greet())
        self._check_begun()
        await self._begin()
        while True:
            await self._send(await self._answer(await self._message()))

    async def _begin(self) -> None:
        """Answers until there is a session. Raises Fault for one who only holds the line."""
        try:
            async with asyncio.timeout(self.settings.start_s / self.clock.speed):
                while not self.begun.is_set():
                    await self._send(await self._answer(await self._message()))
                    self._check_begun()
        except TimeoutError:
            raise Fault("idle_timeout", f"no session was begun within {self.settings.start_s:.0f} s") from None

    def _check_begun(self) -> None:
        if self.wire.session:
            self.begun.set()

    def _check_taken(self) -> None:
        if self.wire.session.listener is not self.wire:
            raise Fault("taken_over", "another connection resumed this session")

    async def _message(self) -> str | bytes:
        message = await self.socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        return message.get("text") or message.get("bytes") or ""

    async def _answer(self, raw: str | bytes) -> list[BaseModel]:
        """The answers to one message. Raises Fault when it must be the last."""
        if not self.events.take(self.clock.now()):
            raise Fault("rate_limit_exceeded", f"more than {self.settings.events_per_s:.0f} events a second")
        try:
            if self.wire.session:
                self._check_taken()
                self.wire.session.came_in(len(raw))
            return await self.wire.take(raw)
        except Fault as fault:
            self.faults += 1
            if fault.close_code:
                raise
            if self.faults >= self.settings.faults:
                raise Fault("too_many_errors", f"{self.faults} faulty events; the last: {fault.message}") from None
            return [self.wire.error(fault)]

    async def _feed(self) -> None:
        """Shows the log from where this connection came in, to its end."""
        await self.begun.wait()
        while True:
            entry = await self.wire.session.log.read(self.wire.next_entry)
            self._check_taken()
            self.wire.next_entry += 1
            if isinstance(entry, Ended) and entry.fault:
                await self._send([self.wire.error(entry.fault)])
            await self._send(self.wire.show(entry))
            if isinstance(entry, Ended):
                return
            if isinstance(entry, Turned):
                await self._play(entry)
            await self._send(self.wire.after(entry))

    async def _play(self, entry: Turned) -> None:
        """Sends a turn's sound when the listener has room for it. What has waited too long is not sent, and the model is told;
        silence is left out to catch up."""
        outbox, behind_ms = self.wire.outbox, (self.clock.now() - entry.at_s) * 1000
        wait_ms = outbox.wait_ms(self.clock.now())
        loud = bool(entry.out.pcm_S.any())
        if behind_ms + wait_ms > PATIENCE_MS or (behind_ms > TURN_MS and not loud):
            self.wire.session.inbox.unplayed_ms += TURN_MS * loud
            await self._send(self.wire.unsent(entry))
            return
        await self.clock.until(self.clock.now() + wait_ms / 1000)
        if sound := self.wire.sound(entry):
            await self._give(sound, entry)
            outbox.sent(self.clock.now(), (entry.out.index + 2) * TURN_MS)

    async def _give(self, sound: BaseModel, entry: Turned) -> None:
        await self._send([sound])

    async def _send(self, events: list[BaseModel]) -> None:
        """Raises Fault when the client has not read for too long."""
        try:
            async with self.sending, asyncio.timeout(self.settings.slow_s / self.clock.speed):
                for event in events:
                    await self.socket.send_text(as_json(event))
        except TimeoutError:
            raise Fault("slow_reader", f"nothing was read for {self.settings.slow_s:.0f} s") from None

    async def _close(self, why: Exception | None) -> None:
        """Tells the client why, where that is still possible."""
        if isinstance(why, WebSocketDisconnect | WebSocketDisconnected):
            return
        ended = self.wire.session.ended if self.wire.session else None
        fault = why if isinstance(why, Fault) else ended and ended.fault
        if why and not isinstance(why, Fault):
            log.error("connection.failed", exc_info=why)
            fault = Fault("session_failed", "the server made a mistake; it has been logged")
        if fault:
            self.host.metrics.refused.labels(fault.code).inc()
        with suppress(WebSocketDisconnect, WebSocketDisconnected):
            if why and fault.code != "slow_reader":
                with suppress(Fault):
                    await self._send([self.wire.error(fault)])
            await self.socket.close(fault.close_code if fault else NORMAL, fault.code if fault else "")


def as_json(event: BaseModel) -> str:
    """The event with an id of its own; fields that are not there are left out, and numbers that JSON lacks are null."""
    return f'{{"event_id":"event_{secrets.token_hex(8)}",{event.model_dump_json(exclude_none=True)[1:]}'
