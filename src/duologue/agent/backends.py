"""Backends: what answers a delegated task. Read `Backend` first; real ones are in `hosted`, `planner`, `client`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from duologue.agent.packet import Packet
from duologue.agent.tools import Toolbox


class Backend(Protocol):
    """Answers a packet in pieces of text, as they are produced.

    It may be cancelled at any `await`. Raises BackendError when it cannot answer; anything else that it raises is a
    mistake, and the task fails all the same.
    """

    def answer(self, packet: Packet, tools: Toolbox) -> AsyncIterator[str]: ...


@dataclass(frozen=True, slots=True)
class Scripted:
    """For tests and evaluation: what it is told to say to each request, each piece some seconds after the last.

    `replies` maps a word of the request to (seconds, text) pairs; a text that is an exception is raised.
    """

    replies: dict[str, Sequence[tuple[float, str | Exception]]]

    async def answer(self, packet: Packet, tools: Toolbox) -> AsyncIterator[str]:
        words = packet.request.lower().split()
        for seconds, text in next((reply for word, reply in self.replies.items() if word in words), ()):
            await asyncio.sleep(seconds)
            if isinstance(text, Exception):
                raise text
            yield text
