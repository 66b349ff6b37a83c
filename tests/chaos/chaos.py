"""Thousands of session lives against one server, and nothing left behind. `make chaos`; `--lives` sets how many.

The engine is the stand-in, so what is tested is the server: every slot, task, file and byte given back, neighbours that
never notice, survivors whose transcript is whole. Two witnesses talk through all of it. Read `storm` first.
"""

import argparse
import asyncio
import gc
import os
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.lives import Life, door, live
from tests.server.stand_in import Running, eventually, running

AT_ONCE = 16
GRACE_S = 4.0  # of the server's clock


@dataclass
class Storm:
    """What came of it."""

    lives: list[Life] = field(default_factory=list)
    witnesses: list[list[dict]] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)  # what was not given back


def storm(lives: int, seed: int = 0) -> Storm:
    """Runs so many lives, AT_ONCE at a time, beside two witnesses; then counts what is left."""
    found = Storm()
    with running(speed=10.0, sessions=AT_ONCE + 4, grace_s=GRACE_S, faults=10, slow_s=10.0) as server:
        before = _held(server)
        asyncio.run(_storm(server, lives, seed, found))
        asyncio.run(eventually(lambda: not (server.engine.open_now or server.host.tasks or _agents())))
        gc.collect()
        after = _held(server)
    found.left = {what: after[what] - before[what] for what in before}
    return found


def _held(server: Running) -> dict[str, int]:
    tasks = asyncio.run_coroutine_threadsafe(_tasks(), server.loop).result()
    return {
        "sessions": len(server.host.sessions), "engine": len(server.engine.open_now), "tasks": tasks,
        "files": len(os.listdir("/proc/self/fd")), "opening": server.host.opening,
        "agents": _agents(),
    }  # fmt: skip


def _agents() -> int:
    """Threads of background sides, and those that end them."""
    return sum(thread.name in ("background", "closing") for thread in threading.enumerate())


async def _tasks() -> int:
    return len(asyncio.all_tasks())


async def _storm(server: Running, lives: int, seed: int, found: Storm) -> None:
    over, seated = asyncio.Event(), asyncio.Semaphore(0)
    witnesses = [asyncio.create_task(_witness(server, over, seated)) for _ in range(2)]
    for _ in witnesses:
        await seated.acquire()
    room = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with room:
            found.lives.append(await asyncio.wait_for(live(server, seed + number), 300))

    await asyncio.gather(*(one(number) for number in range(lives)))
    over.set()
    found.witnesses = await asyncio.gather(*witnesses)


async def _witness(server: Running, over: asyncio.Event, seated: asyncio.Semaphore) -> list[dict]:
    """One who only listens: its turns must be the same as if nobody else were there."""
    turns = []
    async with door(server) as one:
        await one.send(type="session.start", session={"model": "x"}, duologue={"seed": 1})
        await one.until("session.started")
        seated.release()
        while not over.is_set() or len(turns) < 50:
            event = await one.get()
            if event["type"] == "session.turn":
                turns.append(event)
                if event["turn"] % 25 == 0:
                    await one.send(type="session.input_text.append", text="say 3")
        await one.send(type="session.close")
        await one.until("session.closed")
    return turns


def faults(found: Storm) -> list[str]:
    """Everything that is wrong; nothing, when all is well."""
    wrong = [f"left behind: {count} {what}" for what, count in found.left.items() if count > 0]
    wrong += [f"life {life.seed} ({life.harm}): its transcript has holes" for life in found.lives if life.whole is False]
    return wrong + [f"a witness: {what}" for turns in found.witnesses for what in _noticed(turns)]


def _noticed(turns: list[dict]) -> list[str]:
    """What a witness should not have seen: it speaks three turns from each request on, and never else."""
    asked = [turn["turn"] for turn in turns if turn["typed"]]
    wanted = {at + k for at in asked for k in range(3)}
    wrong = ["missed a turn"] if [turn["turn"] for turn in turns] != list(range(len(turns))) else []
    spoke = {turn["turn"] for turn in turns if turn["speak"]}
    return wrong + (["was answered otherwise than alone"] if spoke != {k for k in wanted if k < len(turns)} else [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lives", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    began = time.monotonic()
    found = storm(asked.lives, asked.seed)
    print(f"{len(found.lives)} lives in {time.monotonic() - began:.0f} s:", dict(Counter(one.harm for one in found.lives)))
    told = Counter(fault for one in found.lives for fault in one.faults)
    print("survivors:", sum(one.whole is True for one in found.lives), "faults told:", dict(told))
    wrong = faults(found)
    print("\n".join(wrong) or "nothing left behind, nobody missed a word")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
