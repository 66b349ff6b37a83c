"""Who can be measured, by name: ours, the controls, the cascades, and what others wrote into files. Read `contestant`."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import torch

from duologue.device import CPU
from duologue.errors import ConfigError
from duologue.evals.interpreting import INTERPRETERS
from duologue.evals.refusing import REFUSING
from duologue.evals.systems import CONTROLS, System, model

OURS, CASCADE, QUIET, ENGINEERED, FILES = "ours", "cascade", "cascade-quiet", "engineered", "files"
URLS = ("ws://", "wss://")
EVERY_CONTROL = CONTROLS | REFUSING | INTERPRETERS
NAMES = (OURS, *EVERY_CONTROL, CASCADE, QUIET, ENGINEERED)


class Contestant(NamedTuple):
    """A system with its name in files and tables; `about` tells one set of weights from another."""

    name: str
    system: System
    about: str = ""

    @property
    def is_control(self) -> bool:
        return self.name in EVERY_CONTROL


def contestant(name: str, checkpoint: Path | None = None, device: torch.device = CPU) -> Contestant:
    """The system of a name.

    Args:
        name: one of NAMES; "ours@1.5" shifts the decision's logit by so much patience, "cascade@0.5,0.25" sets the seconds
            of its end-point and of its barge-in, "cascade-quiet" is silent where it understands no request; "files:FOLDER"
            reads what a system wrote there; the URL of a server that speaks GPT-Live or Realtime.
        checkpoint: weights of "ours" (None: the shipped ones).
        device: where "ours" computes.

    Raises:
        ConfigError: there is no such system. DataError: its weights or files cannot be read.
    """
    kind, _, setting = name.partition("@")
    if name in EVERY_CONTROL:
        return Contestant(name, EVERY_CONTROL[name])
    if kind == OURS:
        return ours(checkpoint, [_number(setting or "0", name)], device)[0]
    if kind in (CASCADE, QUIET) or name == ENGINEERED:
        return _cascade(name, setting)
    if name.startswith(f"{FILES}:"):
        return _files(Path(name.removeprefix(f"{FILES}:")))
    if name.startswith(URLS):
        return _endpoint(name)
    raise ConfigError(f"there is no system {name!r}; choose from {', '.join(NAMES)}, {FILES}:FOLDER or a ws:// URL")


def ours(checkpoint: Path | None, patiences: list[float], device: torch.device = CPU) -> list[Contestant]:
    """The interaction model at each patience, its weights read once."""
    from duologue.engine.engine import WEIGHTS, load

    voiced = load(checkpoint, device=device)
    about = hashlib.sha256((checkpoint or WEIGHTS / "nano.safetensors").read_bytes()).hexdigest()[:16]
    return [Contestant(f"{OURS}@{p:g}" if p else OURS, model(voiced, p), about) for p in patiences]


def _number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"{name!r}: after the @ stands a number, for example {OURS}@1.5") from None


def _cascade(name: str, setting: str) -> Contestant:
    from duologue.evals.cascade import Tuning, standard
    from duologue.evals.cascade_parts import real
    from duologue.evals.cascade_unasked import engineered

    parts = real()
    if name == ENGINEERED:
        return Contestant(name, engineered(parts), str(parts.costs))
    seconds = [_number(text, name) for text in setting.split(",") if text]
    if len(seconds) > 2:
        raise ConfigError(f"{name!r}: a cascade has two thresholds, for example {CASCADE}@0.5,0.25")
    tuning = Tuning(*seconds)._replace(asks_back=not name.startswith(QUIET))
    return Contestant(name, standard(parts, tuning), str(parts.costs))


def _files(folder: Path) -> Contestant:
    from duologue.evals.files import recorded

    return Contestant(FILES, recorded(folder), str(folder))


def _endpoint(url: str) -> Contestant:
    from duologue.config import api_key
    from duologue.evals.endpoint import endpoint

    return Contestant(url.split("?")[0], endpoint(url, api_key()), url)
