"""Train the own voice: `duologue train vocoder --minutes 600 --out DIR`. Read `train` first.

Phase 1 matches magnitudes at several resolutions, mel and pitch; phase 2 adds critics. A run started again with the
same arguments goes on from its last checkpoint with the same bits. `export` writes the weights that ship.
"""

import json
import math
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from duologue.data.bank import Bank
from duologue.errors import DataError, TrainError
from duologue.kernels.ops import fast_dtype
from duologue.media.dmel import HOP, MELS
from duologue.model.vocoder import DELAY, Vocoder
from duologue.train.critic import Critics
from duologue.train.log import Events
from duologue.train.vocoder_crops import Batch, Voice, draw_batch, load_voice, own_sounds
from duologue.train.vocoder_losses import mel_loss, pitch_loss, spectral_loss

WARM = 6  # frames: a crop's first ones only fill the convolutions
BATCH_PLAIN, BATCH_CRITICS = 16, 8
JUDGED = 27  # frames of each crop that the critics see
PHASE_1_MINUTES = 40
SAVE_SECONDS = 120
RATE_PLAIN, RATE, RATE_END, RATE_CRITICS, WARMUP = 1e-3, 5e-4, 5e-5, 3e-4, 200
FOOL_WEIGHT, MATCH_WEIGHT = 0.3, 1.0
AVERAGE = 0.999  # decay of the weights' running mean, which is what ships


def cheaply() -> torch.autocast:
    """In bf16, where that is cheaper."""
    return torch.autocast("cpu", torch.bfloat16, enabled=fast_dtype() is torch.bfloat16)


def synthesise(model: Vocoder, batch: Batch, draw: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Made sound, real sound (both after the warm-up, aligned) and pitch logits.

    Half of the rows are driven by the true pitch, so that the filters learn sharp harmonics, half by the read one.
    """
    size = len(batch.mel_BFM)
    state = model.start(size)
    state.phase_B.random_(1 << 24, generator=draw)
    state.frame_B.random_(1 << 16, generator=draw)
    true = (torch.rand(size, 1, generator=draw) < 0.5) & batch.voiced_BF
    with cheaply():
        made, _, logits = model.analyse(batch.mel_BFM, state, (batch.rate_BF, true))
    return made[:, WARM * HOP :], batch.pcm_BS[:, WARM * HOP - DELAY : -DELAY], logits


def learning_rate(minutes: float, total: float, step: int) -> float:
    """Warm-up and a constant in phase 1; in phase 2 a cosine down to the end of the run."""
    if minutes < PHASE_1_MINUTES:
        return RATE_PLAIN * min(1, (step + 1) / WARMUP)
    done = min(1.0, (minutes - PHASE_1_MINUTES) / max(total - PHASE_1_MINUTES, 1))
    return RATE_END + (RATE - RATE_END) * 0.5 * (1 + math.cos(math.pi * done))


@dataclass
class Run:
    """Everything that a checkpoint holds."""

    model: Vocoder
    average: Vocoder
    critics: Critics
    optimiser: torch.optim.Optimizer
    critic_optimiser: torch.optim.Optimizer
    draw: torch.Generator
    step: int = 0
    seconds: float = 0.0


def new_run() -> Run:
    """Fresh weights from seed 0."""
    torch.manual_seed(0)
    model, average, critics = Vocoder(), Vocoder(), Critics()
    average.load_state_dict(model.state_dict())
    made = torch.optim.AdamW(model.parameters(), RATE_PLAIN, betas=(0.8, 0.99), weight_decay=0.01)
    judge = torch.optim.AdamW(critics.parameters(), RATE_CRITICS, betas=(0.8, 0.99), weight_decay=0.01)
    return Run(model, average, critics, made, judge, torch.Generator().manual_seed(1))


def moments(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Flat names for an optimiser's tensors."""
    return {f"{i}.{k}": v for i, s in optimiser.state_dict()["state"].items() for k, v in s.items()}


def restore_moments(optimiser: torch.optim.Optimizer, flat: dict[str, Tensor]) -> None:
    state = optimiser.state_dict()
    state["state"] = {}
    for name, value in flat.items():
        index, key = name.split(".", 1)
        state["state"].setdefault(int(index), {})[key] = value
    optimiser.load_state_dict(state)


def save(run: Run, out: Path) -> None:
    """Write `last.safetensors` and `last.json`; the tensors carry the step, so a torn pair cannot pass for whole."""
    parts = {
        "model": run.model.state_dict(),
        "average": run.average.state_dict(),
        "critics": run.critics.state_dict(),
        "optimiser": moments(run.optimiser),
        "critic_optimiser": moments(run.critic_optimiser),
        "draw": {"state": run.draw.get_state()},
        "clock": {"step": torch.tensor(run.step), "seconds": torch.tensor(run.seconds, dtype=torch.float64)},
    }
    tensors = {f"{part}/{k}": v.contiguous() for part, group in parts.items() for k, v in group.items()}
    part = out / "last.part"
    try:
        out.mkdir(parents=True, exist_ok=True)
        save_file(tensors, part)
        os.replace(part, out / "last.safetensors")
        (out / "last.json").write_text(json.dumps({"step": run.step, "minutes": run.seconds / 60}) + "\n")
    except (OSError, SafetensorError) as error:
        part.unlink(missing_ok=True)
        raise DataError(f"could not write {out}: {error}; free some space and run again, the checkpoint before stays good") from error


def restore(run: Run, out: Path) -> Run:
    """Continue from the last checkpoint, if there is one."""
    path = out / "last.safetensors"
    if not path.exists():
        return run
    groups: dict[str, dict[str, Tensor]] = {}
    for name, value in _read(path).items():
        part, key = name.split("/", 1)
        groups.setdefault(part, {})[key] = value
    run.model.load_state_dict(groups["model"])
    run.average.load_state_dict(groups["average"])
    run.critics.load_state_dict(groups["critics"])
    restore_moments(run.optimiser, groups.get("optimiser", {}))
    restore_moments(run.critic_optimiser, groups.get("critic_optimiser", {}))
    run.draw.set_state(groups["draw"]["state"])
    run.step, run.seconds = int(groups["clock"]["step"]), float(groups["clock"]["seconds"])
    return run


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"cannot read checkpoint {path}: {error}") from error


def one_step(run: Run, voice: Voice, minutes: float) -> dict[str, float]:
    """One update of the vocoder, and of the critics in phase 2; the losses by name."""
    judged = run.seconds >= PHASE_1_MINUTES * 60
    batch = draw_batch(voice, BATCH_CRITICS if judged else BATCH_PLAIN, run.draw)
    made, real, logits = synthesise(run.model, batch, run.draw)
    losses = {
        "spectral": spectral_loss(made, real, run.draw),
        "mel": mel_loss(made, real),
        "pitch": pitch_loss(logits, batch.rate_BF, batch.voiced_BF),
    }
    total = losses["spectral"] + 2 * losses["mel"] + 0.1 * losses["pitch"]
    if judged:
        real, made = (x[:, -JUDGED * HOP :] for x in (real, made))
        losses["critics"] = update_critics(run, real, made.detach())
        with cheaply():
            losses["fool"], losses["match"] = run.critics.persuade(real, made)
        total = total + FOOL_WEIGHT * losses["fool"] + MATCH_WEIGHT * losses["match"]
    for group in run.optimiser.param_groups:
        group["lr"] = learning_rate(run.seconds / 60, minutes, run.step)
    run.optimiser.zero_grad()
    total.backward()
    norm = torch.nn.utils.clip_grad_norm_(run.model.parameters(), 5.0)
    if not torch.isfinite(norm):
        raise TrainError(f"step {run.step}: the gradient is not finite; the last checkpoint is good, lower the rate")
    run.optimiser.step()
    with torch.no_grad():
        keep = min(AVERAGE, run.step / (run.step + 10))
        torch._foreach_lerp_(list(run.average.parameters()), list(run.model.parameters()), 1 - keep)
    return {name: loss.item() for name, loss in losses.items()}


def update_critics(run: Run, real_BS: Tensor, made_BS: Tensor) -> Tensor:
    with cheaply():
        loss = run.critics.judge(real_BS, made_BS)
    run.critic_optimiser.zero_grad()
    loss.backward()
    run.critic_optimiser.step()
    return loss


def train(voice: Voice, out: Path, minutes: float) -> Run:
    """Train until `minutes` of processor time have passed, this run's and its predecessors' together."""
    run, board = restore(new_run(), out), Events(out / "board")
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    saved, stop = time.monotonic(), []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    with Progress(*columns) as progress:
        bar = progress.add_task("vocoder", total=minutes * 60, completed=run.seconds)
        while run.seconds < minutes * 60 and not stop:
            began = time.process_time()
            losses = one_step(run, voice, minutes)
            run.step += 1
            run.seconds += (time.process_time() - began) / torch.get_num_threads()
            words = " ".join(f"{k} {v:.3f}" for k, v in losses.items())
            progress.update(bar, completed=run.seconds, description=f"step {run.step} {words}")
            if run.step % 20 == 0:
                board.add(run.step, losses)
            if time.monotonic() - saved > SAVE_SECONDS:
                save(run, out)
                progress.console.print(f"{run.seconds / 60:.1f} min, step {run.step}: {words}")
                saved = time.monotonic()
    save(run, out)
    return run


def export(out: Path, path: Path) -> None:
    """Write the vocoder alone, bf16, as `path` with a JSON of the same name beside it (`load_vocoder` reads both)."""
    run = restore(new_run(), out)
    tensors = {k: v.to(torch.bfloat16).contiguous() for k, v in run.average.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)
    facts = {"steps": run.step, "minutes": round(run.seconds / 60, 1), "delay_samples": DELAY, "mels": MELS}
    path.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n")


def run(out: Path, minutes: float, threads: int = 1) -> None:
    """Trains on the own voice of the bank for `minutes` of processor time in all; goes on where `out` stopped."""
    torch.set_num_threads(threads)
    train(load_voice(own_sounds(Bank())), out, minutes)
