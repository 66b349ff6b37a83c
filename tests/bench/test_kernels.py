"""`duologue bench kernels` in small: rows for every form, and bits counted for what they are."""

import pytest
import torch

from duologue.bench import kernels
from duologue.bench.figures import give
from duologue.config import tiny
from duologue.errors import ConfigError
from duologue.kernels import build
from duologue.kernels.ops import fast_dtype


@pytest.fixture(autouse=True)
def short(monkeypatch):
    for name, value in {"ROWS": (1, 3), "COUNTS": (1, 2, 3), "ROUNDS": 1, "ROUND_S": 1e-5, "BEYOND_CACHE": 1 << 16}.items():
        monkeypatch.setattr(kernels, name, value)


@pytest.mark.skipif(build.library() is None, reason="no C++ compiler here")
def test_every_form_has_its_row(monkeypatch, tmp_path):
    small = [kernels._linear(24, 40, torch.bfloat16), kernels._norm(), kernels._attention(torch.float32), kernels._experts(4, 2, 24, 16, torch.int8)]
    monkeypatch.setattr(kernels, "cases", lambda: iter(small))
    figures = kernels.kernels((1,))
    assert [(row["case"], row["rows"]) for row in figures.rows] == [(case.name, rows) for case in small for rows in (1, 3)]
    assert all(row["ours us"] > 0 and row["of memory"] > 0 and row["equal bits"].startswith("3/3") for row in figures.rows)
    assert figures.rows[0]["naive x"] > 0 and figures.rows[-1]["reference x"] == ""
    assert figures.about["GB/s, threads 1"] > 0
    give(figures, None, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000


def test_the_whole_turn_and_step_run_in_every_form(monkeypatch):
    monkeypatch.setattr(kernels, "nano", tiny)
    cases = list(kernels._whole())
    assert [case.name for case in cases] == ["trunk, live turn bf16", f"trunk, training step {kernels._name(fast_dtype())}"]
    assert all(form(1).isfinite().all() for case in cases for form in case.forms.values())


def test_bits_that_depend_on_the_rows_are_counted():
    assert kernels._equal(lambda rows: torch.full((rows, 1), float(rows > 1)), (1, 2, 3, 9), 3) == "1/3"
    assert kernels._equal(lambda rows: torch.ones(rows, 1), (1, 2, 3), 3) == "3/3"


def test_without_a_compiler_there_is_nothing_to_measure(monkeypatch):
    monkeypatch.setattr(kernels.build, "library", lambda: None)
    with pytest.raises(ConfigError, match="install g"):
        kernels.kernels()
