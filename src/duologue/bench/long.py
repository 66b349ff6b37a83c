"""`duologue bench long`: a session of hours on the fake clock does not become slower or larger. Read `long` first."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from duologue.bench.figures import Figures
from duologue.bench.turn import HUSHES, SPEAKS, noise
from duologue.live import Conversation
from duologue.turn import TURN_MS

CYCLE = 100  # turns: half spoken, half quiet
WARM = 2 * CYCLE  # turns until the window is full: before that a turn attends to less
TEN = 10
ROWS = 24


def resident_mb() -> float:
    """Memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def live_long(conversation: Conversation) -> Iterator[tuple[float, bool]]:
    """Runs turns without end; yields milliseconds and whether it spoke."""
    for k, turn in enumerate(noise()):
        patience = {0: SPEAKS, CYCLE // 2: HUSHES}.get(k % CYCLE)
        out = conversation.step(replace(turn, patience=patience))
        yield out.compute_ms, out.speak


def long(checkpoint: Path | None, hours: float, progress=lambda done, total: None) -> Figures:
    """The first ten speaking turns with a full window against the last ten, the last against a new session's, and memory."""
    turns = max(WARM + 2 * CYCLE, int(hours * 3_600_000 / TURN_MS) // CYCLE * CYCLE)
    old, began = live_long(Conversation(checkpoint)), time.perf_counter()
    speaking, rows, warm, at_first_mb = [], [], 0, 0.0
    for done, (ms, speak) in enumerate(islice(old, turns), 1):
        if speak:
            speaking.append(ms)
        if done == WARM:
            warm, at_first_mb = len(speaking), resident_mb()
        elif done > WARM and done % max(CYCLE, turns // ROWS // CYCLE * CYCLE) == 0:
            rows.append(_row(done, speaking, at_first_mb))
        progress(done, turns)
    first, last = np.mean(speaking[warm : warm + TEN]), np.mean(speaking[-TEN:])
    title = (f"{turns * TURN_MS / 3_600_000:.2f} h in {(time.perf_counter() - began) / 60:.0f} min: last ten speaking turns "
             f"{last / first:.3f} of the first ten, the next {CYCLE // 2} {_beside(old, checkpoint):.3f} of a new session's, "
             f"memory {rows[-1]['MB more']:+.1f} MB")  # fmt: skip
    return Figures(title, rows, _draw)


def _beside(old: Iterator[tuple[float, bool]], checkpoint: Path | None) -> float:
    """Mean speaking turn of an old session over that of a new one, turn about: hours apart, a machine is not the same."""
    new = live_long(Conversation(checkpoint))
    deque(islice(new, WARM), maxlen=0)
    pairs = [(a, b) for (a, spoke), (b, _) in islice(zip(old, new, strict=True), CYCLE // 2) if spoke]
    return float(np.divide(*np.mean(pairs, 0)))


def _row(turns: int, speaking: list[float], at_first_mb: float) -> dict:
    recent = speaking[-CYCLE:]
    return {"hours": round(turns * TURN_MS / 3_600_000, 3), "speaking turn p50 ms": round(float(np.percentile(recent, 50)), 2),
            "p99 ms": round(float(np.percentile(recent, 99)), 2), "MB more": round(resident_mb() - at_first_mb, 2)}  # fmt: skip


def _draw(axes, rows: list[dict]) -> None:
    hours = [row["hours"] for row in rows]
    axes.plot(hours, [row["speaking turn p50 ms"] for row in rows], color="#4a6fa5", label="speaking turn p50, ms")
    axes.plot(hours, [row["MB more"] for row in rows], color="#b3402f", label="memory beyond the start, MB")
    axes.set_xlabel("hours on the fake clock")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=8)
