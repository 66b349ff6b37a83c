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
from duologue.evals.speed import SPEAKS
from duologue.live import Conversation
from duologue.turn import PICTURE_HEIGHT, PICTURE_WIDTH, SAMPLES_PER_TURN, TurnIn

AIM_MS, LOOKING_MS = 40.0, 60.0  # p99 in bf16; the second with a picture in every turn
FP32_COSTS = 2  # times as much
WARM = 20
HUSHES = -SPEAKS  # patience of a session that never speaks
FIRST_TURN = "import sys; from pathlib import Path; from duologue.live import Conversation; from duologue.turn import silence; \
Conversation(Path(sys.argv[1]) if sys.argv[1:] else None).step(silence(0))"


def noise(pictures: bool = False, seed: int = 0) -> Iterator[TurnIn]:
    """Turns of noise without end, loud for three seconds and soft for five; with pictures, another one of noise in each."""
    rng = np.random.default_rng(seed)
    k = 0
    while True:
        loud = 0.05 if k % 40 < 15 else 1e-4
        image = rng.integers(256, size=(PICTURE_HEIGHT, PICTURE_WIDTH, 3), dtype=np.uint8) if pictures else None
        yield TurnIn(k, (loud * rng.standard_normal(SAMPLES_PER_TURN)).astype(np.float32), image)
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


def turn_ms(voiced: Voiced, patience: float, turns: int, pictures: bool = False) -> dict[str, list[float]]:
    """Milliseconds of each turn after the warm ones, by part and in all."""
    conversation, took = Conversation(voiced=voiced, patience=patience), defaultdict(list)
    with watched(voiced) as spent:
        for turn, _ in zip(noise(pictures), range(WARM + turns), strict=False):
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


def turn(checkpoint: Path | None, turns: int, pictures: bool = False) -> Figures:
    """Turns that speak and turns that do not, in bf16 and in fp32; the parts are those of a turn that speaks.

    `pictures`: one comes in every turn, as while a camera streams.
    """
    rows, aim_ms = [], LOOKING_MS if pictures else AIM_MS
    for dtype in (torch.bfloat16, torch.float32):
        voiced = load(checkpoint, dtype=dtype)
        speaking, quiet = (turn_ms(voiced, patience, turns, pictures) for patience in (SPEAKS, HUSHES))
        rows.append({"what": f"{voiced.dtype} quiet turn"} | spread(quiet["all"]))
        rows.append({"what": f"{voiced.dtype} speaking turn"} | spread(speaking.pop("all")))
        rows += [{"what": f"{voiced.dtype} · {part}"} | spread(ms) for part, ms in speaking.items()]
    rows.append({"what": "start to first turn"} | spread([first_turn_ms(checkpoint) for _ in range(3)]))
    what = "one turn of one session" + (", a picture in each" if pictures else "")
    title = f"{what}, ms (aim: p99 {aim_ms:g} in bf16, {FP32_COSTS * aim_ms:g} in fp32)"
    return Figures(title, rows, lambda axes, rows: bars("what", "p99 ms", aim_ms)(axes, rows[:-1]))
