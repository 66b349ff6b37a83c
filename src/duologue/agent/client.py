"""Whoever opened the session as the background model: a client at the other end of a wire. Read `ClientBackend` first.

Here are tasks and answers as values; their form as GPT-Live's events is in `server/live_wire.py`, their meaning in
docs/delegation.md.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

from duologue.agent.packet import Packet
from duologue.agent.tools import Toolbox

QUIET_S = 8.0  # a client that does not say "final" is done this long after the last that came from it


class ClientBackend:
    """Tasks go out by `hand`, called on the agent's loop; what the client finds comes in by `found`, from any thread."""

    def __init__(self, hand: Callable[[Packet], None]):
        self.hand = hand
        self.open: dict[str, tuple[asyncio.AbstractEventLoop, asyncio.Queue]] = {}

    async def answer(self, packet: Packet, tools: Toolbox) -> AsyncIterator[str]:
        """What the client finds for this task. The tools are the client's own."""
        queue: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()
        self.open[packet.id] = asyncio.get_running_loop(), queue
        try:
            self.hand(packet)
            async for text in _until_quiet(queue):
                yield text + "\n"
        finally:
            del self.open[packet.id]

    def found(self, id: str, text: str, final: bool = False) -> bool:
        """A piece of an answer, or without text a sign that there will be one. False if nobody waits for it (any more)."""
        if (waiting := self.open.get(id)) is None:
            return False
        loop, queue = waiting
        loop.call_soon_threadsafe(queue.put_nowait, (text, final))
        return True


async def _until_quiet(queue: asyncio.Queue) -> AsyncIterator[str]:
    """Texts until the final one, or until nothing has come for a while after the first."""
    patience_s = None
    while True:
        try:
            async with asyncio.timeout(patience_s):
                text, final = await queue.get()
        except TimeoutError:
            return
        if text:
            patience_s = QUIET_S
            yield text
        if final:
            return
