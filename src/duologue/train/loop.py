"""The one training loop: steps, schedule, log, save, resume. Under `torchrun` every process takes its share of rows.

Read `train` first. Of stored shards a batch is a pure function of (seed, step, rank), so a resumed run has the bits of an unbroken one.
"""

import math
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import nn

from duologue.device import CPU
from duologue.errors import DataError, TrainError
from duologue.kernels.ops import fast_dtype
from duologue.model import checkpoint
from duologue.train import memory
from duologue.train.log import Log
from duologue.train.optim import optimisers, set_rate

MODEL, STATE = "model.safetensors", "state.safetensors"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How long, how fast, and where."""

    out: Path
    steps: int
    minutes: float = math.inf  # stop earlier, with a checkpoint, when this much time has passed; the rate has fallen by then
    warmup: int = 100
    decay: float = 0.3  # share of the steps, or of the time, over which the rate falls to nothing
    rate: float = 1.0  # times the base rates
    seed: int = 0
    save_every: int = 100
    device: torch.device = CPU
    only: tuple[str, ...] = ("",)  # what learns, by how the weights' names begin

    @property
    def dtype(self) -> torch.dtype:
        """What matrix products compute in."""
        return fast_dtype(self.device.type)


def share_of_rate(plan: Plan, step: int, spent: float = 0.0) -> float:
    """Warm-up, flat, linear fall; `spent` is the share of the time that has passed, for a slow machine may not get to the last step."""
    rise = min(1.0, (step + 1) / max(1, plan.warmup))
    left = min(plan.steps - step, (1 - spent) * plan.steps)
    return plan.rate * rise * min(1.0, left / max(1.0, plan.decay * plan.steps))


def rank_and_world() -> tuple[int, int]:
    """Joins the process group when `torchrun` started us: a tensor on a GPU goes by NCCL, one on the CPU by gloo."""
    if "RANK" not in os.environ:
        return 0, 1
    if not dist.is_initialized():
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    return dist.get_rank(), dist.get_world_size()


def train(model: nn.Module, batch_of: Callable[[int], object], loss_of: Callable, plan: Plan) -> nn.Module:
    """Trains until `plan.steps` or `plan.minutes`.

    Args:
        model: an InteractionModel, which moves to `plan.device`.
        batch_of: step -> batch on the CPU, this process's share of it.
        loss_of: (model, batch) -> named losses with "total".
        plan: see Plan; `plan.out` receives model.safetensors, state.safetensors, log.jsonl and TensorBoard events.

    Raises:
        TrainError: the loss is no number, or the folder is another version's.
        DataError: the disk is full; what `save` wrote before stays good.
    """
    memory.keep_large()
    rank, world = rank_and_world()
    for name, weight in model.named_parameters():
        weight.requires_grad_(name.startswith(plan.only))
    made = optimisers(model.to(plan.device))
    if rank == 0:
        _finish(plan.out)
    if world > 1:
        dist.barrier()
    first = _resume(model, made, plan.out)
    log = Log(plan.out) if rank == 0 else None
    began, spent = time.monotonic(), 0.0
    with _progress(rank) as bar:
        task = bar.add_task("train", total=plan.steps, completed=first, loss="")
        for step in range(first, plan.steps):
            torch.manual_seed(plan.seed * 1_000_003 + step * world + rank)
            losses = _step(model, made, loss_of, batch_of(step).to(plan.device), share_of_rate(plan, step, spent), world)
            _check(losses, step, plan.out)
            spent = _most(time.monotonic() - began, world) / max(60 * plan.minutes, 1e-9)
            if rank == 0:
                bar.update(task, completed=step + 1, loss=" ".join(f"{k} {v:.3f}" for k, v in losses.items()))
                log.add(step, losses, time.monotonic() - began)
                if spent > 1 or (step + 1) % plan.save_every == 0 or step + 1 == plan.steps:
                    save(model, made, plan.out, step + 1)
            if spent > 1:
                break
            memory.give_back(step)
    return model


def _step(model, made, loss_of, batch, rate: float, world: int) -> dict[str, float]:
    losses = loss_of(model, batch)
    losses["total"].backward()
    if world > 1:
        _average_gradients(model, world)
    set_rate(made, rate)
    for optimiser in made:
        optimiser.step()
    for optimiser in made:  # after all steps: two read the tokens' gradient
        optimiser.zero_grad(set_to_none=False)
    return _read(losses)


def _read(losses: dict[str, torch.Tensor]) -> dict[str, float]:
    """One wait for the device, when all of the step is under way."""
    return dict(zip(losses, torch.stack([value.detach() for value in losses.values()]).tolist(), strict=True))


def _average_gradients(model: nn.Module, world: int) -> None:
    """One all-reduce over all gradients laid end to end; a weight that no process has used stays without one."""
    learning = [p for p in model.parameters() if p.requires_grad]
    grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in learning]
    used = torch.tensor([float(p.grad is not None) for p in learning], device=grads[0].device)  # a gradient may be all zeros
    flat = torch.cat([*(g.flatten() for g in grads), used])
    dist.all_reduce(flat)
    *means, used = (flat / world).split([*(g.numel() for g in grads), len(learning)])
    for p, mean, by_any in zip(learning, means, used.tolist(), strict=True):
        if by_any:
            p.grad = mean.view_as(p).clone()


def _most(seconds: float, world: int) -> float:
    """The most of all processes, so that all have one rate and stop at one step."""
    if world == 1:
        return seconds
    of_all = torch.tensor(seconds, dtype=torch.float64)
    dist.all_reduce(of_all, op=dist.ReduceOp.MAX)
    return of_all.item()


def _check(losses: dict[str, float], step: int, out: Path) -> None:
    if losses["total"] != losses["total"] or losses["total"] > 1e4:
        raise TrainError(f"loss is {losses['total']} at step {step}; the last good checkpoint is {out / MODEL}")


def save(model: nn.Module, made: list, out: Path, step: int) -> None:
    """The weights for use, and the optimisers' state to go on from: a pair, of which `_finish` expects the state to be put in place first."""
    tensors, groups = {}, []
    for n, optimiser in enumerate(made):
        state = optimiser.state_dict()
        groups.append({"param_groups": state["param_groups"]})
        for p, values in state["state"].items():
            tensors |= {f"{n}/{p}/{name}": torch.as_tensor(value) for name, value in values.items()}
    state = tensors, {"step": step, "groups": groups}
    checkpoint.write_together({out / STATE: state, out / MODEL: checkpoint.of(model, {"step": step})})


def _finish(out: Path) -> None:
    """Puts the weights beside their state where a crash came between: `save` had written both whole before it moved the first."""
    late = checkpoint.part(out / MODEL)
    if (step := _step_of(out / STATE)) >= 0 and _step_of(late) == step != _step_of(out / MODEL):
        os.replace(late, out / MODEL)


def _step_of(path: Path) -> int:
    """-1 for a file that is not there or not whole."""
    with suppress(DataError):
        header = checkpoint.read_header(path)
        return header.get("about", header).get("step", -1)
    return -1


def _resume(model: nn.Module, made: list, out: Path) -> int:
    """Loads what `save` left in `out`; returns the step to go on from."""
    if not (out / STATE).exists():
        out.mkdir(parents=True, exist_ok=True)
        return 0
    loaded, about = checkpoint.load(out / MODEL)
    tensors, header = checkpoint.read(out / STATE)
    if about["step"] != header["step"]:
        raise TrainError(f"{out}: model is at step {about['step']}, optimiser at {header['step']}; copy back a matching pair")
    if _sizes(header["groups"]) != _sizes([optimiser.state_dict() for optimiser in made]):
        raise TrainError(f"{out} was left by another version's optimisers; begin a new folder from it: --init {out / MODEL}")
    model.load_state_dict(loaded.state_dict())
    for n, optimiser in enumerate(made):
        state: dict[int, dict] = {}
        for key, value in tensors.items():
            which, p, name = key.split("/")
            if int(which) == n:
                state.setdefault(int(p), {})[name] = value
        optimiser.load_state_dict({"state": state, **header["groups"][n]})
    return header["step"]


def _sizes(states: list[dict]) -> list[list[int]]:
    """How many weights each group of each optimiser has."""
    return [[len(group["params"]) for group in state["param_groups"]] for state in states]


def _progress(rank: int) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, TextColumn("{task.fields[loss]}"), disable=rank > 0)
