"""`duologue bench peers`: what a second of talk costs beside Moshi, at an equal trunk, on the same core in the same run.

Read `peers` first. Weights are random on both sides: cost does not depend on them. Moshi (Defossez et al., arXiv 2410.00037)
is run as its package runs it on a CPU, eager: `LMGen.step` and Mimi's encode and decode, 12.5 times a second of sound.
Trunk width, depth, feed-forward width and window are ours; its depth transformer keeps six layers and a quarter of the
trunk's width, as published. Our own model is measured appended, as it is served, and re-sent: the window computed anew for
every turn.
"""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import torch

from duologue.bench.figures import Figures, bars, spread
from duologue.bench.turn import SPEAKS, noise
from duologue.config import Config
from duologue.engine.engine import load
from duologue.errors import ConfigError
from duologue.live import Conversation
from duologue.turn import TURN_MS

FRAMES_PER_S, CODEBOOKS, TURNS_PER_S = 12.5, 8, 1000 / TURN_MS
WARM = 3
INSTALL = "pip install --no-deps moshi==0.2.13 einops sphn sentencepiece"
Step = Callable[[], object]


def peers(checkpoint: Path | None, rounds: int) -> Figures:
    """Milliseconds of compute for a second of talk; all contestants take turns in every round."""
    steps: dict[str, tuple[Step, float]] = {}
    with ExitStack() as streaming, torch.no_grad():
        for dtype in (torch.bfloat16, torch.float32):
            name = str(dtype).removeprefix("torch.")
            voiced = load(checkpoint, dtype=dtype)
            turn = _turn(voiced)
            steps[f"ours, a turn, {name}"] = turn, TURNS_PER_S
            steps[f"ours, re-sent, {name}"] = _resent(voiced.model.trunk, dtype, turn), TURNS_PER_S
            steps[f"Moshi's step, {name}"] = _moshi(voiced.model.config, dtype, streaming), FRAMES_PER_S
        encode, decode = _mimi(streaming)
        steps |= {"Mimi encode, float32": (encode, FRAMES_PER_S), "Mimi decode, float32": (decode, FRAMES_PER_S)}
        took = _in_turn(steps, rounds)
    rows = [{"what": name, "ms a second of talk": _a_second(took[name], rate)} | spread(took[name]) for name, (_, rate) in steps.items()]
    return Figures("compute for a second of talk, ms on one core", rows, bars("what", "ms a second of talk"))


def _a_second(ms: list[float], rate: float) -> float:
    return round(sorted(ms)[len(ms) // 2] * rate, 1)


def _in_turn(steps: dict[str, tuple[Step, float]], rounds: int) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {name: [] for name in steps}
    for round_ in range(WARM + rounds):
        for name, (step, _) in steps.items():
            began = time.perf_counter()
            step()
            if round_ >= WARM:
                took[name].append((time.perf_counter() - began) * 1000)
    return took


def _turn(voiced) -> Step:
    conversation, turns = Conversation(voiced=voiced, patience=SPEAKS), noise()
    return lambda: conversation.step(next(turns))


def _resent(trunk, dtype: torch.dtype, turn: Step) -> Step:
    """A turn after the window before it has been computed anew."""
    window = trunk.config.window
    x, times = torch.randn(1, window, trunk.config.width), torch.arange(window)[None]

    def step() -> None:
        trunk(x, times, dtype)
        turn()

    return step


def _imported():
    os.environ["NO_TORCH_COMPILE"] = "1"  # as on any machine without a compiler
    try:
        from moshi.models import LMGen, LMModel, loaders
    except ModuleNotFoundError as error:
        raise ConfigError(f"{error.name} is not installed; the peer is: {INSTALL}") from error
    return LMGen, LMModel, loaders


def _moshi(c: Config, dtype: torch.dtype, streaming: ExitStack) -> Step:
    lm_gen, lm_model, loaders = _imported()
    quarter = c.width // 4
    own = {
        "dim": c.width, "num_layers": c.layers, "num_heads": c.heads, "context": c.window, "text_card": c.vocabulary,
        "hidden_scale": 1.5 * c.hidden / c.width,  # of which its gated layer takes two thirds
        "depformer_dim": quarter, "depformer_num_heads": c.heads, "depformer_dim_feedforward": int(4.125 * quarter),
    }  # fmt: skip
    model = lm_model(**loaders._lm_kwargs | own, device="cpu", dtype=dtype).eval()
    generator = lm_gen(model)
    streaming.enter_context(generator.streaming(1))
    codes = torch.zeros(1, CODEBOOKS, 1, dtype=torch.long)
    return lambda: generator.step(codes)


def _mimi(streaming: ExitStack) -> tuple[Step, Step]:
    _, _, loaders = _imported()
    mimi = loaders.get_mimi(None, device="cpu", num_codebooks=CODEBOOKS).eval()
    streaming.enter_context(mimi.streaming(1))
    sound = torch.randn(1, 1, int(mimi.sample_rate / FRAMES_PER_S)) * 0.05
    codes = mimi.encode(sound)
    return lambda: mimi.encode(sound), lambda: mimi.decode(codes)
