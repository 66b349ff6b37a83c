"""The mean of weights that come from one another. Read `average`.

Further training on other conversations forgets some of what the weights before it could do; their mean keeps most of both.
Source: Wortsman et al., arXiv 2203.05482 (model soups), and 2109.01903 (with the weights that training began from).
"""

from collections.abc import Sequence
from pathlib import Path

import torch

from duologue.errors import ConfigError, DataError
from duologue.model import checkpoint


def average(paths: Sequence[Path], shares: Sequence[float], out: Path) -> None:
    """Writes the mean of checkpoints in fp32, weighed by `shares` of any sum (all alike if none are given).

    Raises:
        ConfigError: not as many shares as checkpoints, one below zero, or all zero.
        DataError: a checkpoint cannot be read, or is of another model than the first.
    """
    shares = list(shares) or [1.0] * len(paths)
    if len(shares) != len(paths) or not min(shares) >= 0 or not sum(shares) > 0:
        raise ConfigError(f"{len(paths)} checkpoints and shares {shares}; give one --share for each, none below 0, or none at all")
    about = [{"weights": path.name, "share": share / sum(shares)} for path, share in zip(paths, shares, strict=True)]
    checkpoint.write(out, *_mean(paths, [part["share"] for part in about], about))


def _mean(paths: Sequence[Path], shares: Sequence[float], about: list[dict]) -> tuple[dict[str, torch.Tensor], dict]:
    mean, config = {}, None
    for path, share in zip(paths, shares, strict=True):
        tensors, header = checkpoint.read(path)
        if not (theirs := header.get("config")):
            raise DataError(f"{path} holds no model: its header says nothing of the settings")
        if theirs != (config := config or theirs):
            raise DataError(f"{path} has other settings than {paths[0]}; only weights of one model have a mean")
        mean = {name: mean.get(name, 0) + tensor.float() * share for name, tensor in tensors.items()}
    return mean, {"config": config, "about": {"mean of": about}}
