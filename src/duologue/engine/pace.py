"""How long ticks take, and whether one more session fits. Read `Pace.admit` first."""

import time
from collections import deque
from collections.abc import Callable

from duologue.engine.engine import Engine
from duologue.errors import SessionError
from duologue.turn import silence

RECENT = 200  # ticks that are remembered
FRESH_S = 5.0  # those of the last seconds say how fast the machine is now; after a pause it is as fast as at the start
BATCHES, TIMES = (1, 4), 3  # what is measured before the first session: numbers of rows, and how often
ALWAYS = -1e9  # patience of a session that speaks in every turn, the dearest kind


class Pace:
    """Ticks cost about `first_ms + rows * each_ms`; measured once when everybody speaks, then scaled by what fresh ticks took."""

    def __init__(self, budget_ms: float, remember: int = RECENT, clock: Callable[[], float] = time.monotonic):
        self.budget_ms, self._clock = budget_ms, clock
        self.first_ms, self.each_ms = 0.0, 0.0
        self._ticks: deque[tuple[int, float, float]] = deque(maxlen=remember)  # rows, milliseconds, when it ended

    @property
    def tick_ms(self) -> list[float]:
        return [ms for _, ms, _ in self._ticks]

    def note(self, rows: int, ms: float) -> None:
        """A tick of so many rows has taken so long."""
        self._ticks.append((rows, ms, self._clock()))

    def measure(self, engine: Engine) -> None:
        """Runs speaking sessions for a few ticks, which also warms everything up."""
        took = {}
        for rows in (min(rows, engine.capacity) for rows in BATCHES):
            sessions = [engine.open(seed, ALWAYS) for seed in range(rows)]
            ticks = [engine.tick(dict.fromkeys(sessions, silence(k))) for k in range(TIMES)]
            took[rows] = min(outs[sessions[0]].compute_ms for outs in ticks)
            for session in sessions:
                engine.close(session)
        self.fit(took)

    def fit(self, took: dict[int, float]) -> None:
        """Sets the cost from milliseconds by number of rows."""
        rows = max(took)
        self.each_ms = (took[rows] - took[1]) / (rows - 1) if rows > 1 else took[1]
        self.first_ms = took[1] - self.each_ms

    def predict(self, sessions: int) -> float:
        """Milliseconds of a tick in which all of so many sessions are due, at the pace of the fresh ticks.

        Their total against what they should have cost: a tick of one row that waited a little weighs as little as it took.
        """
        since = self._clock() - FRESH_S
        fresh = [(rows, ms) for rows, ms, ended in self._ticks if rows and ended >= since]
        pace = sum(ms for _, ms in fresh) / sum(self._cost(rows) for rows, _ in fresh) if fresh else 1.0
        return self._cost(sessions) * pace

    def _cost(self, rows: int) -> float:
        return self.first_ms + rows * self.each_ms

    def admit(self, sessions: int) -> None:
        """Raises SessionError when one more beside these would make ticks too slow."""
        if sessions and (ms := self.predict(sessions + 1)) > self.budget_ms:
            raise SessionError(f"busy: with {sessions + 1} sessions a tick would take {ms:.0f} ms of {self.budget_ms:.0f}; "
                               "try again later")  # fmt: skip
