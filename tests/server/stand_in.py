"""A stand-in for the engine, and a server around it: what it does follows from what is typed, so tests can plan it.

    say N        speaks N turns of a tone, a word in each
    tell WORDS   says these words in one turn
    write TEXT   answers in text
    do TEXT      delegates
    drop TEXT    cancels
    show TEXT    puts something on the page
    crash        its session fails
A note of the memory is obeyed as well: a plain client cannot type. A turn that holds sound is heard as the word `sound`; an engine that `answers` speaks four turns when the sound has ended.
"""

import asyncio
import base64
import contextlib
import json
import queue
import threading
from dataclasses import dataclass, field

import numpy as np
import uvicorn
from websockets.asyncio.client import connect

from duologue.agent.planner import builtin_tools
from duologue.agent.tools import Tool
from duologue.errors import SessionError
from duologue.server.app import Server
from duologue.server.clock import Clock
from duologue.server.run import MOST_MESSAGE
from duologue.server.settings import Settings
from duologue.turn import SAMPLE_RATE_HZ, SAMPLES_PER_TURN, Call, TurnIn, TurnOut

TONE_S = (0.3 * np.sin(2 * np.pi * 440 * np.arange(SAMPLES_PER_TURN) / SAMPLE_RATE_HZ)).astype(np.float32)
CALLS = {"do": "delegate", "drop": "cancel", "show": "interface"}
QUIET_S = np.zeros(SAMPLES_PER_TURN, np.float32)
CALLS = {"do": "delegate", "drop": "cancel", "show": "interface"}


@dataclass(eq=False)
class Scripted:
    """One conversation of the stand-in."""

    engine: "Engine"
    on_out: object
    on_end: object
    seed: int
    patience: float
    to_say: int = 0
    after_sound: bool = False
    turns: list[TurnIn] = field(default_factory=list)
    closed: bool = False

    def give(self, turn: TurnIn) -> None:
        if self.closed:
            raise SessionError("this session is closed")
        assert turn.index == len(self.turns)
        self.turns.append(turn)
        self.engine.work.put((self, turn))

    def close(self) -> None:
        self.closed = True
        self.engine.open_now.discard(self)

    def step(self, turn: TurnIn) -> TurnOut:
        orders = [turn.typed.split("\n")[-1], *(note.text for note in turn.notes if note.source == "memory")]
        verb, _, rest = next(filter(None, orders), "").partition(" ")
        if verb == "crash":
            raise SessionError("this session was told to fail")
        if verb in ("say", "tell"):
            self.to_say = int(rest) if verb == "say" else 1
        loud = np.abs(turn.pcm_S).max() > 0.1
        if self.engine.answers and self.after_sound and not loud:
            self.to_say = 4
        self.after_sound = loud
        speak, self.to_say = self.to_say > 0, max(0, self.to_say - 1)
        calls = (Call(CALLS[verb], rest),) if verb in CALLS else ()
        heard = "sound" if loud else ""
        word = rest if verb == "tell" else "tone"
        said, text = (word if speak else ""), (rest if verb == "write" else "")
        return TurnOut(turn.index, TONE_S if speak else QUIET_S, speak, heard, said, text, calls)


class Engine:
    """Steps conversations on a thread of its own, as the schedule does."""

    def __init__(self, places: int = 1000, answers: bool = False):
        self.places, self.answers, self.open_now, self.all = places, answers, set(), []
        self.work: queue.Queue = queue.Queue()
        threading.Thread(target=self._run, daemon=True).start()

    def open(self, on_out, *, on_end, seed: int, patience: float) -> Scripted:
        if len(self.open_now) >= self.places:
            raise SessionError("busy: the engine has no time for one more")
        live = Scripted(self, on_out, on_end, seed, patience)
        self.open_now.add(live)
        self.all.append(live)
        return live

    def _run(self) -> None:
        while True:
            live, turn = self.work.get()
            if live.closed:
                continue
            with contextlib.suppress(RuntimeError):  # the loop of a test that is over
                try:
                    out = live.step(turn)
                except SessionError as error:
                    live.close()
                    live.on_end(error)
                else:
                    live.on_out(out)


@dataclass
class Running:
    """A server on a port, its engine and its own event loop."""

    engine: Engine
    server: Server
    uvicorn: uvicorn.Server
    port: int

    @property
    def loop(self):
        return self.uvicorn.loop

    @property
    def host(self):
        return self.server.host

    def url(self, path: str = "/v1/live/sessions") -> str:
        return f"ws://127.0.0.1:{self.port}{path}"


class Web(uvicorn.Server):
    """Remembers its loop."""

    async def serve(self, sockets=None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().serve(sockets)


@contextlib.contextmanager
def running(speed: float = 10.0, engine: Engine | None = None, **settings):
    """A real server on a real socket, its clock `speed` times as fast."""
    engine = engine or Engine()
    limits = {"connections_per_minute": 1e9, "events_per_s": 1e6, "behind_s": 1e9, **settings}  # a test may be slow
    server = Server(engine.open, Settings(**limits), lambda: [1.0], Clock(speed))
    config = uvicorn.Config(server.app(), "127.0.0.1", 0, log_config=None, lifespan="off", ws_max_size=MOST_MESSAGE)
    web = Web(config)
    thread = threading.Thread(target=web.run, daemon=True)
    thread.start()
    while not web.started:
        thread.join(0.01)
        assert thread.is_alive(), "the server did not start"
    try:
        yield Running(engine, server, web, web.servers[0].sockets[0].getsockname()[1])
    finally:
        web.should_exit = web.force_exit = True
        thread.join(20)


class Client:
    """A WebSocket with events instead of messages."""

    def __init__(self, socket):
        self.socket, self.seen = socket, []

    async def send(self, **event) -> None:
        await self.socket.send(json.dumps(event))

    async def get(self) -> dict:
        async with asyncio.timeout(60):  # `wait_for` of Python 3.11 may swallow a cancellation
            event = json.loads(await self.socket.recv())
        self.seen.append(event)
        return event

    async def until(self, kind: str, **fields) -> dict:
        """The next event of a kind whose fields are as given."""
        while True:
            event = await self.get()
            if event["type"] == kind and all(event.get(k) == v for k, v in fields.items()):
                return event

    async def close_code(self) -> int:
        with contextlib.suppress(Exception):
            while True:
                await self.get()
        return self.socket.close_code


@contextlib.asynccontextmanager
async def client(server: Running, path: str = "/v1/live/sessions", extended: bool = True, **options):
    """A client of the native wire's extended form unless said otherwise."""
    subprotocols = ["duologue.v1"] if extended else None
    async with connect(server.url(path), subprotocols=subprotocols, max_size=None, **options) as socket:
        yield Client(socket)


async def start(one: Client, **duologue) -> dict:
    extra = {"duologue": duologue} if duologue else {}
    await one.send(type="session.start", session={"model": "any"}, **extra)
    return await one.until("session.started")


async def type_in(one: Client, text: str) -> None:
    await one.send(type="session.input_text.append", text=text)


def planner_tools() -> list[Tool]:
    """The tools that need no network. The first sum reads all units, which takes seconds on a busy machine: it is done here."""
    tools = builtin_tools()
    asyncio.run(tools[0].run({"expression": "1 + 1"}))
    return tools


async def eventually(holds) -> None:
    """Waits until a condition holds."""
    for _ in range(6000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to be")


def pcm(seconds: float, rate_hz: int = 24_000, hz: float = 440) -> str:
    """A tone as the wire carries it."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    return base64.b64encode((9000 * np.sin(2 * np.pi * hz * t)).astype("<i2").tobytes()).decode()


def samples(delta: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(delta), "<i2")
