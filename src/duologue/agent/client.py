"""A GPT-Live client as the background model: delegation as events, both ways. Read `ClientBackend` first.

A client whose session has `delegation: {"type": "client"}` gets `session.delegation.created` for each task and appends
what it finds with `session.commentary.append` (to be spoken) or `session.thinking.append` (progress, kept silent).
With `duologue.v1`, the created event also carries the context packet, further events tell of cancelled tasks, and
`final: true` on a commentary ends the task. The server owns the wire; here are the events as values.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

from duologue.agent.packet import Packet
from duologue.agent.tools import Toolbox
from duologue.errors import DataError
from duologue.turn import TURN_MS

QUIET_S = 8.0  # a client that does not say "final" is done this long after its last commentary
APPENDED = {
    "session.commentary.append": "session.commentary.appended",
    "session.thinking.append": "session.thinking.appended",
}


def created(packet: Packet, extended: bool) -> dict:
    """`session.delegation.created`; `extended` adds the packet, as the subprotocol `duologue.v1` has it."""
    event = {
        "type": "session.delegation.created",
        "offset_ms": packet.asked * TURN_MS,
        "delegation": {"type": "delegation", "id": packet.id, "target": "client"},
    }
    return event | ({"context": packet.to_dict()} if extended else {})


class ClientBackend:
    """Tasks go out by `send`, called on the agent's loop; the client's events come in by `receive`, on any thread."""

    def __init__(self, send: Callable[[dict], None], extended: bool = False):
        self.send, self.extended = send, extended
        self.open: dict[str, tuple[asyncio.AbstractEventLoop, asyncio.Queue]] = {}

    async def answer(self, packet: Packet, tools: Toolbox) -> AsyncIterator[str]:
        """What the client appends to this task. The tools are the client's own."""
        queue: asyncio.Queue[dict] = asyncio.Queue()
        self.open[packet.id] = asyncio.get_running_loop(), queue
        final = False
        try:
            self.send(created(packet, self.extended))
            async for event in _until_quiet(queue):
                final = bool(event.get("final"))
                yield event["content"] + "\n"
        finally:
            del self.open[packet.id]
            if self.extended and not final:
                self.send({"type": "session.delegation.closed", "delegation_id": packet.id})

    def receive(self, event: dict, turn: int) -> dict | None:
        """A `…append` event of the client. Returns the acknowledgement, None if it belongs to no task of this backend.

        Raises DataError for content that is no text.
        """
        id = event.get("delegation_id")
        if event["type"] not in APPENDED or id is None:
            return None
        if not isinstance(event.get("content"), str):
            raise DataError(f"{event['type']}: content must be text, got {type(event.get('content')).__name__}")
        if id in self.open:
            loop, queue = self.open[id]
            loop.call_soon_threadsafe(queue.put_nowait, event)
        at_ms = turn * TURN_MS
        return {"type": APPENDED[event["type"]], "start_ms": at_ms, "end_ms": at_ms}


async def _until_quiet(queue: asyncio.Queue) -> AsyncIterator[dict]:
    """Commentaries until the final one, or until none has come for a while after the first."""
    patience_s = None
    while True:
        try:
            async with asyncio.timeout(patience_s):
                event = await queue.get()
        except TimeoutError:
            return
        if event["type"] == "session.commentary.append":
            patience_s = QUIET_S
            yield event
        if event.get("final"):
            return
