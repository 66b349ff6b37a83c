"""Weights on disk: one safetensors file whose header carries the settings as JSON. Never pickle."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from duologue.config import Config
from duologue.errors import ConfigError, DataError
from duologue.model.interaction import UNKEPT, InteractionModel

FORMAT = "duologue-1"
EYES, LAYERS = "trunk.eyes.", "trunk.layers."  # weights without eyes look with what they hear with
Contents = tuple[dict[str, torch.Tensor], dict]  # tensors and a JSON header


def save(path: Path, model: InteractionModel, about: dict | None = None, dtype: torch.dtype | None = None) -> None:
    """Writes the weights, cast to `dtype` if given; see `write_together`."""
    write_together({path: of(model, about, dtype)})


def of(model: InteractionModel, about: dict | None = None, dtype: torch.dtype | None = None) -> Contents:
    """What a model's checkpoint holds."""
    tensors = {name: (t.to(dtype) if dtype else t).contiguous() for name, t in model.state_dict().items()}
    return tensors, {"config": model.config.to_dict(), "about": about or {}}


def write(path: Path, tensors: dict[str, torch.Tensor], header: dict) -> None:
    """Tensors, wherever they lie, and a JSON header; see `write_together`."""
    write_together({path: (tensors, header)})


def write_together(files: dict[Path, Contents]) -> None:
    """Writes each beside its place and then renames all, in their order: a full disk changes none of them, and a crash never leaves
    half a file in a place. Those that a crash kept from theirs lie whole in `part`. Raises DataError when the disk does not take them.
    """
    try:
        for path, (tensors, header) in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            meta = {"format": FORMAT, "header": json.dumps(header)}
            save_file({name: t.cpu() for name, t in tensors.items()}, part(path), metadata=meta)
        for path in files:
            os.replace(part(path), path)
    except (OSError, SafetensorError) as error:
        for begun in files:
            part(begun).unlink(missing_ok=True)
        raise DataError(f"could not write {path}: {error}; free some space and run again, what was there is untouched") from error


def part(path: Path) -> Path:
    """Where a checkpoint lies until it is whole."""
    return path.with_name(f"{path.name}.part")


def read_header(path: Path) -> dict:
    """The header alone; DataError for a file that is missing, truncated, or of another format."""
    with _opened(path) as file:
        return _header_of(path, file.metadata() or {})


def read(path: Path) -> tuple[dict[str, torch.Tensor], dict]:
    """Tensors and header; DataError as in `read_header`."""
    with _opened(path) as file:
        header = _header_of(path, file.metadata() or {})
        return {name: file.get_tensor(name) for name in file.keys()}, header  # noqa: SIM118


@contextmanager
def _opened(path: Path) -> Iterator[safe_open]:
    try:
        with safe_open(path, "pt") as file:
            yield file
    except (OSError, SafetensorError) as error:
        raise DataError(f"cannot read checkpoint {path}: {error}") from error


def _header_of(path: Path, meta: dict[str, str]) -> dict:
    if meta.get("format") != FORMAT:
        raise DataError(f"{path} is not a checkpoint of this version (format {meta.get('format')!r}, wanted {FORMAT!r})")
    try:
        header = json.loads(meta["header"])
    except (KeyError, ValueError, RecursionError) as error:
        raise DataError(f"{path} has a damaged header: {error}") from error
    if not isinstance(header, dict) or not all(isinstance(header.get(part, {}), dict) for part in ("config", "about")):
        raise DataError(f"{path} has a damaged header: {header!r:.60} is not an object of objects")
    return header


def load(path: Path) -> tuple[InteractionModel, dict]:
    """The model and what was written about it.

    Raises:
        DataError: as in `read_header`, or the weights do not fit their settings, or some are no numbers.
        ConfigError: a setting cannot be used.
    """
    tensors, header = read(path)
    config = _config_of(path, header)
    _check_size(path, config, tensors)
    weights = {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}
    check_finite(path, weights)
    model = InteractionModel(config)
    anew = {name: weights.get(name.replace(EYES, LAYERS), t) for name, t in model.state_dict().items() if name.startswith(UNKEPT)}
    try:
        model.load_state_dict(anew | weights)
    except RuntimeError as error:
        raise DataError(f"{path} does not fit its own settings: {str(error).splitlines()[1].strip()}") from error
    return model.eval(), header.get("about", {})


def check_finite(path: Path, weights: dict[str, torch.Tensor]) -> None:
    """One pass over float32 weights: their sum is not finite where one of them is not. Raises DataError."""
    for name, tensor in weights.items():
        if not tensor.sum().isfinite():
            raise DataError(f"{path} cannot be used: {name} holds values that are no numbers, or infinite")


def _config_of(path: Path, header: dict) -> Config:
    if "config" not in header:
        raise DataError(f"{path} holds no model: its header says nothing of the settings")
    try:
        return Config.from_dict(header["config"])
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _check_size(path: Path, config: Config, tensors: dict[str, torch.Tensor]) -> None:
    """Before a model is made: settings may ask for any size, the file cannot hold more than it does."""
    held = sum(t.numel() for t in tensors.values())
    if held < config.least_weights:
        raise DataError(f"{path} does not fit its own settings: they ask for more than {config.least_weights:,} weights, it holds {held:,}")
