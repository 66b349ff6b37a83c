"""Where the agent's work runs: beside the talk in a thread, on a loop that runs anyway, or inside the talk on the turns' own clock."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import Any, Protocol

from duologue.turn import TURN_MS

GRACE_S = 7.0  # the `mcp` SDK ends a server that will not go in steps of 0.5, 2, 2 and 2 s, and kills it by the last


class Loop(Protocol):
    """What an agent needs; several agents may share one."""

    real_time: bool  # whether its clock is the world's, not the turns'

    def start(self, work: Coroutine) -> Any: ...  # something with `cancel()`

    def soon(self, function: Callable, *args) -> None: ...

    def turn(self) -> None: ...

    def close(self) -> None: ...


class Given:
    """An event loop that runs anyway, and that its owner ends: for work that hardly does more than wait."""

    real_time = True

    def __init__(self, loop: asyncio.AbstractEventLoop):
        self.loop = loop

    def start(self, work: Coroutine) -> Future:
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def soon(self, function: Callable, *args) -> None:
        self.loop.call_soon_threadsafe(function, *args)

    def turn(self) -> None:
        """A turn has passed; the loop has its own clock."""

    def close(self) -> None:
        """Its owner does."""


class Threaded(Given):
    """An event loop in a thread of its own: the talk never waits for it."""

    def __init__(self):
        super().__init__(asyncio.new_event_loop())
        self.thread = Thread(target=self.loop.run_forever, name="background", daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Cancels what is left, and waits until it has ended."""
        asyncio.run_coroutine_threadsafe(_cancel_others(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class Stepped:
    """An event loop that runs only between turns and whose time is the turns': the same input gives the same notes.

    For evaluation and tests with backends that wait by `asyncio.sleep` alone; the world outside has another time.
    """

    real_time = False
    ROUNDS = 64  # of the loop after each turn: enough for any chain of callbacks within one instant

    def __init__(self):
        self.now = 0.0
        self.loop = asyncio.new_event_loop()
        self.loop.time = lambda: self.now
        self.loop.set_default_executor(_Inline(1))

    def start(self, work: Coroutine) -> asyncio.Task:
        return self.loop.create_task(work)

    def soon(self, function: Callable, *args) -> None:
        self.loop.call_soon(function, *args)

    def turn(self) -> None:
        """What was started begins, then 200 ms pass."""
        self._settle()
        self.now += TURN_MS / 1000
        self._settle()

    def _settle(self) -> None:
        if asyncio.all_tasks(self.loop):
            self.loop.run_until_complete(_settle())

    def close(self) -> None:
        self.loop.run_until_complete(_cancel_others())
        self.loop.close()


class _Inline(ThreadPoolExecutor):
    """Runs at once, in the caller's thread."""

    def submit(self, function, /, *args, **kwargs):
        done = Future()
        try:
            done.set_result(function(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  it is handed to whoever waits for the result
            done.set_exception(error)
        return done


async def _settle() -> None:
    for _ in range(Stepped.ROUNDS):
        await asyncio.sleep(0)


async def _cancel_others() -> None:
    """What was asked to end gets its time first: a second cancellation in the middle would leave a server of tools running.

    Then asks again and again: a client library may take a cancellation for a failed connection, and try the next one.
    """
    if asked := [task for task in _others() if task.cancelling()]:
        await asyncio.wait(asked, timeout=GRACE_S)
    while others := _others():
        for task in others:
            task.cancel()
        await asyncio.wait(others, timeout=0.5)


def _others() -> set[asyncio.Task]:
    return asyncio.all_tasks() - {asyncio.current_task()}
