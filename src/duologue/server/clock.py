"""The server's clock. Tests make it run faster."""

import asyncio
import time
from contextlib import suppress


class Clock:
    """Seconds since it was made, times `speed`."""

    def __init__(self, speed: float = 1.0):
        self.speed, self.origin = speed, time.monotonic()

    def now(self) -> float:
        return (time.monotonic() - self.origin) * self.speed

    async def until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, at_s - self.now()) / self.speed)

    async def wait(self, event: asyncio.Event, at_s: float) -> None:
        """Until the event or this time, whatever comes first."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, at_s - self.now()) / self.speed):
                await event.wait()
