"""A bad line, seeded: a TCP proxy that stalls and drops. What it does next follows from its seed alone."""

import asyncio
import contextlib
import random


class Proxy:
    """Between a client and a server on the same machine. `drop` cuts every line at once, as a lost network does."""

    def __init__(self, port: int, seed: int, stall: float, stall_s: float):
        self.to, self.rng, self.stall, self.stall_s = port, random.Random(seed), stall, stall_s
        self.writers: set[asyncio.StreamWriter] = set()
        self.stalls = 0

    async def __aenter__(self) -> "Proxy":
        self.server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_) -> None:
        self.server.close()
        self.drop()

    def drop(self) -> None:
        for writer in self.writers:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.to)
        self.writers |= {writer, back}
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer), return_exceptions=True)
        self.writers -= {writer, back}

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(4096):
                if self.rng.random() < self.stall:
                    self.stalls += 1
                    await asyncio.sleep(self.stall_s)
                target.write(data)
                await target.drain()
        target.close()
