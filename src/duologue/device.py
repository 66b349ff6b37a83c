"""Where it computes: what `--device` means, live and in training. Everything else follows the tensors that it is given."""

import os
import re

import torch

from duologue.errors import ConfigError

CPU = torch.device("cpu")


def chosen(name: str | None = None) -> torch.device:
    """The device of a name: cpu, cuda or cuda:N; without a name a GPU if there is one, else the CPU.

    `cuda` is the first GPU, or under `torchrun` each process's own. Raises ConfigError for a device that is not here.
    """
    name = name or ("cuda" if torch.cuda.is_available() else "cpu")
    if not re.fullmatch(r"cpu|cuda(:\d+)?", name):
        raise ConfigError(f"unknown device {name!r}; give cpu, cuda or cuda:1")
    return CPU if name == "cpu" else _gpu(int(name[5:] or os.environ.get("LOCAL_RANK", 0)))


def _gpu(number: int) -> torch.device:
    if not torch.cuda.is_available():
        raise ConfigError(f"torch {torch.__version__} finds no GPU here; give --device cpu, or install a torch that knows "
                          "this GPU (https://pytorch.org/get-started/locally)")  # fmt: skip
    if number >= (there := torch.cuda.device_count()):
        raise ConfigError(f"there is no GPU {number}: this machine has {there}, counted from 0; start at most one process on each")
    torch.cuda.set_device(number)  # NCCL takes the current one
    return torch.device("cuda", number)
