"""A second pair of ears, for the background side: what was asked is heard again by a recogniser that may take its time.

The model's own ears are small and write each word half a second after it; names and numbers suffer first. The packet has the sound, so
a backend that reads text alone need not do with that. When to speak and what to hand on stay the model's. Read `Ears.answer`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace

import numpy as np

from duologue.agent.backends import Backend
from duologue.agent.packet import Entry, Media, Packet
from duologue.agent.tools import Toolbox

Write = Callable[[np.ndarray], str]  # float32 mono 16 kHz to what was understood


class Ears:
    """A backend that puts what `write` makes of a request's sound in the place of the model's words, and then asks another."""

    def __init__(self, backend: Backend, write: Write):
        self.backend, self.write = backend, write

    async def answer(self, packet: Packet, tools: Toolbox) -> AsyncIterator[str]:
        """As `backend` answers. Listening runs in a thread: the loop may be that of other conversations."""
        again = await asyncio.to_thread(heard_again, packet, self.write)
        if again is not packet:
            tools.desk.heard(again.request)
        async with aclosing(self.backend.answer(again, tools)) as pieces:
            async for piece in pieces:
                yield piece


def heard_again(packet: Packet, write: Write) -> Packet:
    """The packet with the heard words of its span, as far back as its sound goes, replaced; as it is where none were or nothing is understood now.

    The recogniser is asked only about what the model heard words in: given noise or a typed request, it would make some up.
    """
    sound = next((media for media in packet.media if media.kind == "sound"), None)
    heard = [entry for entry in packet.log if sound and _asked(entry, packet, sound)]
    if not heard or not (words := write(sound.raw).strip()):
        return packet
    first = packet.log.index(heard[0])
    others = [entry for entry in packet.log[first:] if entry not in heard]
    return replace(packet, log=(*packet.log[:first], replace(heard[0], text=words), *others))


def _asked(entry: Entry, packet: Packet, sound: Media) -> bool:
    """A long span may begin before the sound that is kept: those words are all that is known of it."""
    begins = int(sound.ref.removeprefix("sound:").split("-")[0])
    return entry.lane == "heard" and max(begins, packet.span[0]) <= entry.turn <= packet.span[1]
