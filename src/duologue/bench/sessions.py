"""`duologue bench sessions`: how many live sessions this machine holds, half of them speaking. Read `sessions` first.

In real time, through the schedule, in this process: each session gives a turn every 200 ms at a phase of its own; over the wire
(`wire.rung`) if wanted. The number is found by halving a ladder, so that a handful of rungs is enough on any machine, and a rung
that cannot keep up is left as soon as that shows.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from duologue.bench import wire
from duologue.bench.figures import Figures, bars
from duologue.bench.turn import HUSHES, SPEAKS
from duologue.engine.engine import Engine, Voiced, load
from duologue.engine.schedule import Schedule
from duologue.errors import SessionError
from duologue.turn import SAMPLES_PER_TURN, TURN_MS, TurnIn, TurnOut

AIM_MS, WARM_S = 150.0, 2.0
MOST_LATE = 0.01  # of all turns: as many as ticks may be longer than AIM_MS
BEHIND_TURNS = 5  # that each session may wait for, all at once: more, and there are too many sessions
SETTLE_S = 10.0  # for the last answers
LADDER = (1, 2, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 128)


class Crowd:
    """Sessions that give a turn every 200 ms, and when each turn was given and answered."""

    def __init__(self, schedule: Schedule, count: int):
        self.given: dict[tuple[int, int], float] = {}
        self.waited_ms: list[float] = []
        self.late, self.lag_ms, self.behind = 0, 0.0, 0
        self.lives = [
            schedule.open(lambda out, n=n: self._came(n, out), seed=n, patience=SPEAKS if n % 2 else HUSHES) for n in range(count)
        ]

    def _came(self, n: int, out: TurnOut) -> None:
        self.waited_ms.append((time.perf_counter() - self.given.pop((n, out.index))) * 1000)
        self.late += out.late

    def give(self, seconds: float) -> None:
        """Gives turns in real time for so long, or until the sessions fall behind; their phases lie evenly in a turn."""
        pcm_S = (0.05 * np.random.default_rng(0).standard_normal(SAMPLES_PER_TURN)).astype(np.float32)
        began, turn_s = time.perf_counter(), TURN_MS / 1000
        for step in range(int(seconds / turn_s) * len(self.lives)):
            k, n = divmod(step, len(self.lives))
            due = began + (k + n / len(self.lives)) * turn_s
            time.sleep(max(0.0, due - time.perf_counter()))
            self.lag_ms = max(self.lag_ms, (time.perf_counter() - due) * 1000)
            self.given[n, k] = time.perf_counter()
            self.lives[n].give(TurnIn(k, pcm_S))
            if (owed := len(self.given)) > BEHIND_TURNS * len(self.lives):
                self.behind = owed
                return

    def settle(self) -> None:
        """Waits for the last answers; sessions that are behind are closed after the first."""
        until = time.perf_counter() + SETTLE_S
        while self.given and not (self.behind and self.waited_ms):
            if time.perf_counter() > until:
                raise SessionError(f"{len(self.given)} turns were never answered; this is a fault of the engine")
            time.sleep(0.01)
        for live in self.lives:
            live.close()


def rung(voiced: Voiced, count: int, seconds: float) -> dict:
    """One number of sessions for so long."""
    schedule = Schedule(Engine(voiced, count), budget_ms=float("inf"), remember=100_000)
    crowd = Crowd(schedule, count)
    giver = threading.Thread(target=crowd.give, args=(WARM_S + seconds,))
    giver.start()
    giver.join(WARM_S)
    warm, turns = len(schedule.tick_ms), len(crowd.waited_ms)
    giver.join()
    crowd.settle()
    tick_ms, waited_ms = schedule.tick_ms[warm:] or schedule.tick_ms, crowd.waited_ms[turns:] or crowd.waited_ms
    schedule.stop()
    p = lambda ms, q: round(float(np.percentile(ms, q)), 1)  # noqa: E731
    return {"sessions": count, "tick p50 ms": p(tick_ms, 50), "tick p99 ms": p(tick_ms, 99), "wait p50 ms": p(waited_ms, 50),
            "wait p99 ms": p(waited_ms, 99), "late %": round(100 * (crowd.late + crowd.behind) / (len(crowd.waited_ms) + crowd.behind), 2),
            "giver behind ms": round(crowd.lag_ms, 1)}  # fmt: skip


def fits(row: dict) -> bool:
    return row["tick p99 ms"] <= AIM_MS and row["late %"] <= 100 * MOST_LATE


def sessions(
    checkpoint: Path | None,
    seconds: float,
    most: int,
    over_wire: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Figures:
    """The highest rung of the ladder that fits, found by halving.

    Args:
        seconds: for each number of sessions that is tried.
        over_wire: through a server's WebSockets, else in this process.
        progress: rungs done, and the most there can be.
    """
    ladder = [n for n in LADDER if n <= most]
    if over_wire:
        held, rows = _climb(ladder, lambda count: _served(checkpoint, count, seconds), progress)
    else:
        torch.set_num_threads(1)  # as the server does: the second core is the clients'
        voiced = load(checkpoint)
        held, rows = _climb(ladder, lambda count: rung(voiced, count, seconds), progress)
    named = [row | {"of": f"{row['sessions']} sessions"} for row in rows]
    how = "over WebSockets" if over_wire else "in one process"
    title = f"{held} live sessions held {how}, half speaking, tick p99 at most {AIM_MS:.0f} ms, at most {MOST_LATE:.0%} of turns late"
    return Figures(title, rows, lambda axes, _: bars("of", "tick p99 ms", AIM_MS)(axes, named))


def _served(checkpoint: Path | None, count: int, seconds: float) -> dict:
    """A rung on a server of its own: one that has just had too many remembers their ticks."""
    with wire.serving(checkpoint, count) as address:
        return wire.rung(address, count, seconds)


def _climb(ladder: list[int], rung: Callable[[int], dict], progress: Callable[[int, int], None]) -> tuple[int, list[dict]]:
    """The highest number that fits, and all rungs that were tried, in order."""
    rows, low, high = [], 0, len(ladder)  # rungs below `low` fit, those from `high` on do not
    while low < high:
        middle = (low + high) // 2
        rows.append(rung(ladder[middle]))
        low, high = (middle + 1, high) if fits(rows[-1]) else (low, middle)
        progress(len(rows), len(ladder).bit_length())
    return ladder[low - 1] if low else 0, sorted(rows, key=lambda row: row["sessions"])
