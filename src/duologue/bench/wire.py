"""`duologue bench sessions --wire`: the same crowd over real sockets, the server a process of its own. Read `rung` first.

Its clients run here, on the same machine, and cost their share of it. Ticks, late turns and missing sound are the server's own figures.
"""

import asyncio
import base64
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import numpy as np
from websockets.asyncio.client import connect

from duologue.errors import DataError
from duologue.turn import SAMPLE_RATE_HZ, SAMPLES_PER_TURN, TURN_MS

WIRE_HZ = 24_000
PACKETS = 5  # of 40 ms in a turn
WARM_S, START_S = 3.0, 60.0
PATIENCE = 8.0  # as far as the wire allows: minus this speaks, plus this hushes
SERVE = "import sys; from duologue.cli import app; sys.argv[0] = 'duologue'; app()"


@contextmanager
def serving(checkpoint: Path | None, most: int) -> Iterator[str]:
    """A server in a process of its own with `most` places; gives its address. Raises DataError when it does not start."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--checkpoint", str(checkpoint)] if checkpoint else []
    command = [sys.executable, "-c", SERVE, "serve", "--port", str(port), "--sessions", str(most), *options]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port, server)
        yield f"127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def _wait_for(port: int, server: subprocess.Popen) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise DataError("the server did not start; try `duologue serve` to see why")


def figures_of(address: str) -> Callable[..., float]:
    """The server's metrics now, as a function of name and labels."""
    text = urlopen(f"http://{address}/metrics").read().decode()
    found = dict(re.findall(r"^(\S+) (\S+)$", text, re.M))
    return lambda name: float(found[name])


class Client:
    """One session that gives noise in real time and notes when each turn came back."""

    def __init__(self, number: int):
        self.number, self.came_ms, self.refused = number, [], False

    async def live(self, address: str, seconds: float, phase_s: float) -> None:
        """A whole session of so many seconds."""
        await asyncio.sleep(phase_s)
        own = (f"127.0.0.{2 + self.number}", 0) if sys.platform == "linux" else None  # a server counts connections by address
        url = f"ws://{address}/v1/live/sessions"
        async with connect(url, subprotocols=["duologue.v1"], max_size=None, local_addr=own) as line:
            wishes = {"patience": PATIENCE * (-1) ** self.number, "seed": self.number}
            await line.send(json.dumps({"type": "session.start", "session": {"model": "nano"}, "duologue": wishes}))
            first = json.loads(await line.recv())
            if first["type"] != "session.started":
                self.refused = True
                return
            reading = asyncio.create_task(self._read(line))
            await self._give(line, seconds)
            await line.send(json.dumps({"type": "session.close"}))
            await reading

    async def _give(self, line, seconds: float) -> None:
        samples = int(SAMPLES_PER_TURN * WIRE_HZ / SAMPLE_RATE_HZ) // PACKETS
        sound = np.random.default_rng(self.number).normal(0, 1000, samples).astype("<i2").tobytes()
        packet = json.dumps({"type": "session.input_audio.append", "audio": base64.b64encode(sound).decode()})
        began, packet_s = time.monotonic(), TURN_MS / 1000 / PACKETS
        for n in range(int(seconds / packet_s)):
            await asyncio.sleep(max(0.0, began + (n + 1) * packet_s - time.monotonic()))
            await line.send(packet)

    async def _read(self, line) -> None:
        async for raw in line:
            if json.loads(raw)["type"] == "session.turn":
                self.came_ms.append(time.monotonic() * 1000)

    def gaps_ms(self) -> np.ndarray:
        """Between one turn and the next, after warming up: TURN_MS each on a server that keeps time."""
        return np.diff(self.came_ms[int(WARM_S * 1000 / TURN_MS) :])


async def _crowd(address: str, count: int, seconds: float) -> list[Client]:
    clients = [Client(n) for n in range(count)]
    await asyncio.gather(*(c.live(address, WARM_S + seconds, c.number / count * TURN_MS / 1000) for c in clients))
    return clients


def rung(address: str, count: int, seconds: float) -> dict:
    """One number of sessions for so long; all turns of who was refused count as late."""
    before = figures_of(address)
    clients = asyncio.run(_crowd(address, count, seconds))
    after = figures_of(address)
    gaps_ms = np.concatenate([c.gaps_ms() for c in clients])
    late = after("duologue_late_turns_total") - before("duologue_late_turns_total")
    missing_s = after("duologue_missing_seconds_total") - before("duologue_missing_seconds_total")
    turns = count * (WARM_S + seconds) * 1000 / TURN_MS
    owed = turns / count * sum(c.refused for c in clients)
    p99_ms = round(float(np.percentile(gaps_ms, 99)), 1) if len(gaps_ms) else float("inf")
    ticks_ms = {q: round(after(f'duologue_tick_ms{{quantile="{q}"}}'), 1) for q in ("0.50", "0.99")}
    return {"sessions": count, "tick p50 ms": ticks_ms["0.50"], "tick p99 ms": ticks_ms["0.99"], "turn to turn p99 ms": p99_ms,
            "missing s": round(missing_s, 2), "late %": round(100 * (late + owed) / turns, 2)}  # fmt: skip
