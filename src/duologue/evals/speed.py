"""How long one turn takes on this machine, a single session, as it is served. Read `turn_times`."""

from collections.abc import Iterator

import numpy as np
import torch

from duologue.engine.engine import Voiced
from duologue.live import Conversation
from duologue.turn import SAMPLES_PER_TURN, TurnIn

TURNS, WARM = 320, 20
SPEAKS = -1e9  # patience of a session that always speaks: its turns are the longest


def _inputs() -> Iterator[TurnIn]:
    rng = np.random.default_rng(0)
    for k in range(TURNS):
        loud = 0.05 if k % 40 < 15 else 1e-4
        yield TurnIn(k, (loud * rng.standard_normal(SAMPLES_PER_TURN)).astype(np.float32))


def turn_times(voiced: Voiced) -> dict:
    """Milliseconds of a speaking turn, p50 and p99; other load on the machine counts against it."""
    conversation = Conversation(voiced=voiced, patience=SPEAKS)
    outs = [conversation.step(turn) for turn in _inputs()]
    p50, p99 = np.percentile([out.compute_ms for out in outs[WARM:]], [50, 99])
    about = {"turns": TURNS - WARM, "speaking": sum(out.speak for out in outs), "threads": torch.get_num_threads()}
    about |= {"dtype": str(voiced.model.dtype), "device": voiced.device}
    return {"p50_ms": round(float(p50), 1), "p99_ms": round(float(p99), 1)} | about
