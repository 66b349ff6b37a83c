"""`duologue bench long`: a session of hours on the fake clock does not become slower or larger. Read `long` first."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from duologue.bench.figures import Figures
from duologue.bench.turn import HUSHES, SPEAKS, WARM, noise
from duologue.live import Conversation
from duologue.turn import TURN_MS

CYCLE = 100  # turns: half spoken, half quiet
TEN = 10
ROWS = 24


def resident_mb() -> float:
    """Memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def live_long(conversation: Conversation, turns: int):
    """Runs so many turns; yields index, milliseconds and whether it spoke."""
    for turn, k in zip(noise(), range(turns), strict=False):
        patience = {0: SPEAKS, CYCLE // 2: HUSHES}.get(k % CYCLE)
        out = conversation.step(replace(turn, patience=patience))
        yield k, out.compute_ms, out.speak


def long(checkpoint: Path | None, hours: float, progress=lambda done, total: None) -> Figures:
    """The first ten speaking turns after warm-up against the last ten, and memory."""
    turns = max(2 * CYCLE, int(hours * 3_600_000 / TURN_MS) // CYCLE * CYCLE)
    conversation, began = Conversation(checkpoint), time.perf_counter()
    speaking, rows, at_first_mb = [], [], 0.0
    for k, ms, speak in live_long(conversation, turns):
        if speak:
            speaking.append(ms)
        if k == CYCLE:
            at_first_mb = resident_mb()
        if (k + 1) % max(CYCLE, turns // ROWS // CYCLE * CYCLE) == 0:
            rows.append(_row(k + 1, speaking, at_first_mb))
            progress(k + 1, turns)
    first, last = np.mean(speaking[WARM : WARM + TEN]), np.mean(speaking[-TEN:])
    title = (f"{turns * TURN_MS / 3_600_000:.2f} h in {(time.perf_counter() - began) / 60:.0f} min: last ten speaking turns "
             f"{last / first:.3f} of the first ten, memory {rows[-1]['MB more']:+.1f} MB")  # fmt: skip
    return Figures(title, rows, _draw)


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
