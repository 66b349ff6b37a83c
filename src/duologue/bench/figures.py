"""Measured figures: a table on the terminal, the same as JSON, the same as a picture. Read `give`."""

import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from duologue.errors import ConfigError


def machine() -> dict:
    """What the figures were taken on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return {"cpu": cpu, "cores": torch.multiprocessing.cpu_count(), "threads": torch.get_num_threads(), "torch": torch.__version__}


@dataclass(frozen=True, slots=True)
class Figures:
    """Rows of equal keys, and how to draw them on matplotlib axes."""

    title: str
    rows: list[dict]
    draw: Callable
    about: dict = field(default_factory=machine)


def spread(ms: Sequence[float]) -> dict:
    """The percentiles by which a live system is judged."""
    p50, p95, p99 = np.percentile(ms, [50, 95, 99]).round(2).tolist()
    return {"p50 ms": p50, "p95 ms": p95, "p99 ms": p99, "n": len(ms)}


def give(figures: Figures, to_json: Path | None, to_plot: Path | None) -> None:
    """Prints the table, and writes the files that are wanted. Raises ConfigError when one cannot be written."""
    table = Table(title=figures.title, caption=", ".join(f"{name} {value}" for name, value in figures.about.items()))
    for name in figures.rows[0]:
        table.add_column(name, justify="left" if isinstance(figures.rows[0][name], str) else "right")
    for row in figures.rows:
        table.add_row(*(str(value) for value in row.values()))
    Console(width=120).print(table)
    try:
        if to_json:
            plain = {name: value for name, value in asdict(figures).items() if name != "draw"}
            to_json.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
        if to_plot:
            _plot(figures, to_plot)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot write the figures: {error}") from error


def _plot(figures: Figures, path: Path) -> None:
    from matplotlib.figure import Figure

    picture = Figure(figsize=(8, 0.8 + 0.4 * max(6, min(12, len(figures.rows)))), layout="constrained")
    axes = picture.subplots()
    figures.draw(axes, figures.rows)
    axes.set_title(figures.title, loc="left", fontsize=10)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    picture.savefig(path, dpi=150)


def bars(label: str, value: str, limit: float | None = None) -> Callable:
    """Draws one bar a row, and a line at the limit."""

    def draw(axes, rows: list[dict]) -> None:
        names = [row[label] for row in rows]
        drawn = axes.barh(range(len(rows)), [row[value] for row in rows], color="#4a6fa5")
        axes.bar_label(drawn, padding=3, fontsize=8)
        axes.set_yticks(range(len(rows)), names, fontsize=8)
        axes.invert_yaxis()
        axes.set_xlabel(value)
        if limit is not None:
            axes.axvline(limit, color="#b3402f", linewidth=1, linestyle="--")

    return draw
