"""Weights on disk: one safetensors file whose header carries the settings as JSON. Never pickle."""

import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from duologue.config import Config
from duologue.errors import DataError
from duologue.model.interaction import UNKEPT, InteractionModel

FORMAT = "duologue-1"


def save(path: Path, model: InteractionModel, about: dict | None = None, dtype: torch.dtype | None = None) -> None:
    """Writes beside `path` and renames, so that a full disk or a crash never leaves half a file in its place."""
    tensors = {name: (t.to(dtype) if dtype else t).contiguous() for name, t in model.state_dict().items()}
    write(path, tensors, {"config": model.config.to_dict(), "about": about or {}})


def write(path: Path, tensors: dict[str, torch.Tensor], header: dict) -> None:
    """Atomically writes tensors, wherever they lie, and a JSON header; DataError when the disk does not take it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        save_file({name: t.cpu() for name, t in tensors.items()}, beside, metadata={"format": FORMAT, "header": json.dumps(header)})
        os.replace(beside, path)
    except (OSError, SafetensorError) as error:
        beside.unlink(missing_ok=True)
        raise DataError(f"could not write {path}: {error}; free some space and run again, nothing was lost") from error


def read(path: Path) -> tuple[dict[str, torch.Tensor], dict]:
    """Tensors and header; DataError for a file that is missing, truncated, or of another format."""
    try:
        with safe_open(path, "pt") as file:
            meta = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise DataError(f"cannot read checkpoint {path}: {error}") from error
    if meta.get("format") != FORMAT:
        raise DataError(f"{path} is not a checkpoint of this version (format {meta.get('format')!r}, wanted {FORMAT!r})")
    try:
        return tensors, json.loads(meta["header"])
    except (KeyError, json.JSONDecodeError) as error:
        raise DataError(f"{path} has a damaged header: {error}") from error


def load(path: Path) -> tuple[InteractionModel, dict]:
    """The model and what was written about it. Raises DataError when the weights do not fit their settings."""
    tensors, header = read(path)
    model = InteractionModel(Config.from_dict(header.get("config", {})))
    anew = {name: t for name, t in model.state_dict().items() if name.startswith(UNKEPT)}
    try:
        model.load_state_dict(anew | {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()})
    except RuntimeError as error:
        raise DataError(f"{path} does not fit its own settings: {str(error).splitlines()[1].strip()}") from error
    return model.eval(), header.get("about", {})
