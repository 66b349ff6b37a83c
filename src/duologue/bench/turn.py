"""`duologue bench turn`: how long one turn of one session takes here, part by part. Read `turn` first.

Other load on the machine counts against it: measure on an idle one.
"""

import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from duologue.bench.figures import Figures, bars, spread
from duologue.engine.engine import Voiced, load
from duologue.live import Conversation
from duologue.turn import SAMPLES_PER_TURN, TurnIn

AIM_MS, WARM = 40.0, 20
SPEAKS, HUSHES = -1e9, 1e9  # patience of a session that always speaks, and of one that never does
FIRST_TURN = "import sys; from pathlib import Path; from duologue.live import Conversation; from duologue.turn import silence; \
Conversation(Path(sys.argv[1]) if sys.argv[1:] else None).step(silence(0))"


def noise(seed: int = 0) -> Iterator[TurnIn]:
    """Turns of noise without end, loud for three seconds and soft for five."""
    rng = np.random.default_rng(seed)
    k = 0
    while True:
        loud = 0.05 if k % 40 < 15 else 1e-4
        yield TurnIn(k, (loud * rng.standard_normal(SAMPLES_PER_TURN)).astype(np.float32))
        k += 1


def parts_of(voiced: Voiced) -> dict[str, tuple]:
    """By part: the objects and names of the functions in which its time is spent."""
    model = voiced.model
    fuse = [(model.fuse, name) for name in ("user_turn", "own_position", "picture", "text", "output", "recalled")]
    return {"embed": fuse, "trunk": [(model.trunk, "extend")], "heads": [(model.heads, "gate"), (model.heads, "logits")],
            "flow": [(model.flow, "sample")], "vocoder": [(voiced.vocoder, "step")]}  # fmt: skip


@contextmanager
def watched(voiced: Voiced):
    """Yields milliseconds by part, which grow as turns run inside the block."""
    spent, before = defaultdict(float), []
    for part, places in parts_of(voiced).items():
        for owner, name in places:
            before.append((owner, name))
            setattr(owner, name, _timed(getattr(owner, name), spent, part))
    yield spent
    for owner, name in before:
        delattr(owner, name)


def _timed(function, spent: dict[str, float], part: str):
    def timed(*args):
        began = time.perf_counter()
        result = function(*args)
        spent[part] += (time.perf_counter() - began) * 1000
        return result

    return timed


def turn_ms(voiced: Voiced, patience: float, turns: int) -> dict[str, list[float]]:
    """Milliseconds of each turn after the warm ones, by part and in all."""
    conversation, took = Conversation(voiced=voiced, patience=patience), defaultdict(list)
    with watched(voiced) as spent:
        for turn, _ in zip(noise(), range(WARM + turns), strict=False):
            spent.clear()
            out = conversation.step(turn)
            if turn.index >= WARM:
                for part in parts_of(voiced):
                    took[part].append(spent[part])
                took["rest"].append(out.compute_ms - sum(spent.values()))
                took["all"].append(out.compute_ms)
    return took


def first_turn_ms(checkpoint: Path | None) -> float:
    """From the start of a process to the end of its first turn."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", FIRST_TURN, *([str(checkpoint)] if checkpoint else [])], check=True)
    return (time.perf_counter() - began) * 1000


def turn(checkpoint: Path | None, turns: int) -> Figures:
    """Turns that speak and turns that do not, in bf16 and in fp32; the parts are those of a turn that speaks."""
    rows = []
    for dtype in (torch.bfloat16, torch.float32):
        voiced = load(checkpoint, dtype=dtype)
        speaking, quiet = turn_ms(voiced, SPEAKS, turns), turn_ms(voiced, HUSHES, turns)
        rows.append({"what": f"{voiced.dtype} quiet turn"} | spread(quiet["all"]))
        rows.append({"what": f"{voiced.dtype} speaking turn"} | spread(speaking.pop("all")))
        rows += [{"what": f"{voiced.dtype} · {part}"} | spread(ms) for part, ms in speaking.items()]
    rows.append({"what": "start to first turn"} | spread([first_turn_ms(checkpoint) for _ in range(3)]))
    return Figures("one turn of one session, ms", rows, lambda axes, rows: bars("what", "p99 ms", AIM_MS)(axes, rows[:-1]))
