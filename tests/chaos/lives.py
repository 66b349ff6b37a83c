"""One life of a client, drawn at random: what it does to the server, and what the server must do about it.

Each life returns what it saw of its own transcript, so that survivors can be checked word by word. Read `live` first.
"""

import asyncio
import contextlib
import random
from dataclasses import dataclass, field

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.server.stand_in import Client, Running, pcm

PACKET = pcm(0.1)
GARBAGE = [
    "", "{", "[]", "null", '{"type": 1}', '{"type": "session.start"}', '{"type": "session.input_audio.append", "audio": 5}',
    '{"type": "session.input_audio.append", "audio": "%"}', "\x00" * 100, "x" * 70_000, "[" * 10_000, b"\xff\xfe", b"\x00" * 500,
]  # fmt: skip
HARM = ("quiet", "leave", "abort", "resume", "garbage", "flood", "deaf", "crash", "half_open", "steal")


@dataclass
class Life:
    """What one client did and saw."""

    harm: str
    seed: int
    turns: list[dict] = field(default_factory=list)
    whole: bool | None = None  # a survivor's turns are all there; None for one that did not survive
    faults: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def door(server: Running, extended: bool = True, **options):
    names = ["duologue.v1"] if extended else None
    async with connect(server.url(), subprotocols=names, max_size=None, close_timeout=1, open_timeout=60, **options) as socket:
        yield Client(socket)


async def live(server: Running, seed: int) -> Life:
    """A whole life; never raises for what the server does on purpose."""
    rng = random.Random(seed)
    life = Life(rng.choice(HARM), seed)
    with contextlib.suppress(ConnectionClosed, InvalidHandshake, ConnectionError, EOFError):
        await globals()[f"_{life.harm}"](server, rng, life)
    return life


async def _begin(one: Client, life: Life) -> str | None:
    """Starts a session: its token, or None where the server has no room."""
    await one.send(type="session.start", session={"model": "x"}, duologue={"seed": life.seed})
    event = await one.get()
    if event["type"] == "error":
        life.faults.append(event["error"]["code"])
        return None
    return event["duologue"]["resume_token"]


async def _talk(one: Client, rng: random.Random, life: Life, turns: int) -> None:
    """Sends sound and text, and keeps what comes, until so many turns more are over."""
    goal = len(life.turns) + turns
    while len(life.turns) < goal:
        if rng.random() < 0.3:
            await one.send(type="session.input_audio.append", audio=PACKET)
        if rng.random() < 0.1:
            await one.send(type="session.input_text.append", text=f"say {rng.randint(1, 6)}")
        await _keep(one, life)


async def _keep(one: Client, life: Life) -> dict:
    event = await one.get()
    if event["type"] == "session.turn":
        life.turns.append(event)
    if event["type"] == "error":
        life.faults.append(event["error"]["code"])
    return event


async def _end(one: Client, life: Life) -> None:
    await one.send(type="session.close")
    while (await _keep(one, life))["type"] != "session.closed":
        pass
    life.whole = [turn["turn"] for turn in life.turns] == list(range(len(life.turns)))


async def _quiet(server, rng, life) -> None:
    async with door(server) as one:
        if await _begin(one, life):
            await _talk(one, rng, life, rng.randint(1, 10))
            await _end(one, life)


async def _leave(server, rng, life) -> None:
    """Closes politely, at any moment, without a word."""
    async with door(server) as one:
        if rng.random() < 0.8 and await _begin(one, life):
            await _talk(one, rng, life, rng.randint(0, 6))


async def _abort(server, rng, life) -> None:
    async with door(server, extended=rng.random() < 0.5) as one:
        await one.send(type="session.start", session={"model": "x"})
        await asyncio.sleep(rng.random() * 0.05)
        one.socket.transport.abort()


async def _resume(server, rng, life) -> None:
    """Is dropped a few times, comes back, and has the whole transcript in the end."""
    async with door(server) as one:
        token = await _begin(one, life)
        if token is None:
            return
        await _talk(one, rng, life, rng.randint(1, 5))
        one.socket.transport.abort()
    for again in range(rng.randint(1, 3), 0, -1):
        await asyncio.sleep(rng.random() * 0.1)
        async with door(server) as one:
            last = life.turns[-1]["turn"]
            await one.send(type="session.resume", token=token, last_turn=last)
            if (await _keep(one, life))["type"] != "session.resumed":
                return
            await _talk(one, rng, life, rng.randint(1, 5))
            if again > 1:
                one.socket.transport.abort()
            else:
                await _end(one, life)


async def _garbage(server, rng, life) -> None:
    async with door(server) as one:
        if rng.random() < 0.8 and not await _begin(one, life):
            return
        for _ in range(rng.randint(1, 40)):
            await one.socket.send(rng.choice(GARBAGE))
        await _drink(one, life)


async def _flood(server, rng, life) -> None:
    """Much faster than real time, then larger than any message may be."""
    async with door(server) as one:
        if await _begin(one, life):
            for _ in range(60):
                await one.send(type="session.input_audio.append", audio=PACKET * 4)
            await one.socket.send("x" * (2**20 + 10))
            await _drink(one, life)


async def _drink(one: Client, life: Life) -> None:
    """Reads on for a while, or until the server has had enough."""
    for _ in range(30):
        await _keep(one, life)


async def _deaf(server, rng, life) -> None:
    """Never reads: the socket's own buffer is made small, and its reader is stopped."""
    async with door(server) as one:
        await one.send(type="session.start", session={"model": "x"})
        one.socket.transport.pause_reading()
        with contextlib.suppress(ConnectionClosed):
            for _ in range(rng.randint(1, 20)):
                await one.send(type="session.input_audio.append", audio=PACKET)
                await asyncio.sleep(0.02)
        one.socket.transport.abort()


async def _crash(server, rng, life) -> None:
    """Its session fails in the engine."""
    async with door(server) as one:
        if await _begin(one, life):
            await _talk(one, rng, life, rng.randint(0, 3))
            await one.send(type="session.input_text.append", text="crash")
            while "session_failed" not in life.faults:
                await _keep(one, life)


async def _half_open(server, rng, life) -> None:
    """A handshake that stops in the middle, or bytes that are none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(rng.choice([b"GET /v1/live/sessions HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n", rng.randbytes(300), b""]))
    await writer.drain()
    await asyncio.sleep(rng.random() * 0.05)
    writer.close()


async def _steal(server, rng, life) -> None:
    """Two connections on one token, and one on a token that nobody gave."""
    async with door(server) as one, door(server) as two:
        token = await _begin(one, life)
        if token is None:
            return
        await two.send(type="session.resume", token=rng.choice([token, token, "x" * 43]))
        if (await two.get())["type"] == "session.resumed":
            while "taken_over" not in life.faults:
                await _keep(one, life)
            await two.send(type="session.close")
            await two.until("session.closed")
        else:
            await _end(one, life)
