"""`duologue bench kernels` in small: rows for every form, and bits counted for what they are."""

import importlib
import os

import pytest
import torch

from duologue.bench import kernels, timing
from duologue.bench.figures import give
from duologue.bench.timing import Place, as_it_is, seconds
from duologue.config import tiny
from duologue.device import CPU
from duologue.errors import ConfigError
from duologue.kernels import build
from duologue.kernels.ops import REFERENCE, best, fast_dtype, triton


@pytest.fixture(autouse=True)
def short(monkeypatch):
    for name, value in {"ROWS": (1, 3), "COUNTS": (1, 2, 3), "ROUNDS": 1, "ROUND_S": 1e-5}.items():
        monkeypatch.setattr(kernels, name, value)
    monkeypatch.setattr(timing, "BEYOND_CACHE", 1 << 16)


def here(ours) -> Place:
    """This CPU, with other operations."""
    return Place(CPU, ours, seconds, as_it_is, lambda: 1e9)


def small(place: Place) -> list[kernels.Case]:
    return [
        kernels._linear(place, 24, 40, torch.bfloat16), kernels._norm(place), kernels._attention(place, torch.float32),
        kernels._experts(place, 4, 2, 24, 16, torch.int8), kernels._experts(place, 4, 2, 24, 16, torch.float32),
    ]  # fmt: skip


@pytest.mark.skipif(build.library() is None, reason="no C++ compiler here")
def test_every_form_has_its_row(monkeypatch, tmp_path):
    monkeypatch.setattr(kernels, "cases", small)
    figures = kernels.kernels((1,))
    names = [case.name for case in small(timing.on_cpu())]
    assert [(row["case"], row["rows"]) for row in figures.rows] == [(name, rows) for name in names for rows in (1, 3)]
    assert all(row["ours us"] > 0 and row["of memory"] > 0 and row["equal bits"].startswith("3/3") for row in figures.rows)
    assert figures.rows[0]["naive x"] > 0 and figures.rows[-1]["reference x"] > 0 and figures.rows[-3]["reference x"] == ""
    assert figures.about["GB/s, threads 1"] > 0
    give(figures, None, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000


@pytest.mark.parametrize("ours", [best(), REFERENCE], ids=lambda ops: ops.name)
def test_the_whole_turn_and_step_run_in_every_form(monkeypatch, ours):
    monkeypatch.setattr(kernels, "nano", tiny)
    cases = list(kernels._whole(here(ours)))
    step = f"trunk, training step {kernels._name(fast_dtype())}"
    assert [case.name for case in cases] == ["trunk, live turn bf16", step, *([] if ours.exact else [f"{step}, no ring"])]
    assert all(form(1).isfinite().all() for case in cases for form in case.forms.values())


def test_the_cases_of_a_gpu_run_in_triton(monkeypatch, tmp_path):
    if not torch.cuda.is_available():
        monkeypatch.setitem(os.environ, "TRITON_INTERPRET", "1")
    pytest.importorskip("triton", reason="Triton is not installed")
    monkeypatch.setattr(kernels, "cases", small)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "none")
    rows, about = kernels._on_gpu(here(triton()))
    assert about == {"GPU": "none", "GB/s": 1.0} and len(rows) == 10
    give(kernels.Figures("", rows, kernels.draw), tmp_path / "figures.json", tmp_path / "plot.png")


def test_bits_that_depend_on_the_rows_are_counted():
    assert kernels._equal(lambda rows: torch.full((rows, 1), float(rows > 1)), (1, 2, 3, 9), 3) == "1/3"
    assert kernels._equal(lambda rows: torch.ones(rows, 1), (1, 2, 3), 3) == "3/3"


def test_forms_that_wait_are_not_captured():
    place = Place(CPU, REFERENCE, lambda call, repeats: call(), lambda call: ((lambda: 6.0), 3), lambda: 1.0)
    assert kernels._alternating(place, {"a": lambda: 8.0, "b": lambda: 8.0}, ("b",)) == [2.0, 8.0]


def test_without_ours_there_is_nothing_to_measure(monkeypatch):
    monkeypatch.setattr(timing.build, "library", lambda: None)
    with pytest.raises(ConfigError, match="install g"):
        kernels.kernels()
    monkeypatch.setattr(timing, "triton", lambda: importlib.import_module("no_triton_here"))
    with pytest.raises(ConfigError, match=r"without Triton: pip install 'duologue\[gpu\]'"):
        timing.on_gpu(torch.device("cuda"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_its_name_is_an_error():
    with pytest.raises(ConfigError, match="no GPU here"):
        kernels.kernels(device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_captured_call_takes_time_on_a_gpu():
    place = timing.on_gpu(torch.device("cuda", 0))
    x = torch.randn(512, 512, device=place.device)
    times = kernels._alternating(place, {"a": lambda: x @ x, "b": lambda: x @ x}, ("b",))
    assert 0 < times[0] < 1e-2 and 0 < times[1] < 1e-1
