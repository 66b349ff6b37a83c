"""The quick look: how much an unrelated scene before the camera costs, of systems whose loss is known."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from duologue.data.scenes import stock
from duologue.evals.probe import beside_pictures, probe, unasked_films
from duologue.evals.systems import oracle, silent
from tests.data.fake_bank import FakeBank


@pytest.fixture(autouse=True)
def no_packages(monkeypatch):
    """Emoji and photographs that need none."""
    monkeypatch.setattr(stock, "emoji", lambda style, code: Image.new("RGBA", (96, 96), (200, 80, 20, 255)))
    monkeypatch.setattr("duologue.evals.scenery.FREE", frozenset(f"{n}.jpg" for n in range(20)))
    monkeypatch.setattr(stock, "photographs", lambda: {f"{n}.jpg": np.full((240, 320, 3), 90, np.uint8) for n in range(20)})


def dazzled(cases):
    """Says nothing while pictures stream."""
    return [(silent if case.script.views else oracle)([case])[0] for case in cases]


def test_what_pictures_cost_is_paired_by_question():
    families = ["numbers", "talk"]
    whole = beside_pictures(oracle, families, 3, 0, bank=FakeBank())
    assert list(whole) == [*families, "all"] and whole["all"].cases == whole["numbers"].cases + whole["talk"].cases > 0
    assert all(r.percent == r.low == r.high == 0 for r in whole.values())
    assert all(r.percent == r.low == r.high == -100 for r in beside_pictures(dazzled, families, 3, 0, bank=FakeBank()).values())


def test_the_oracle_has_every_row_right():
    rows = probe(oracle, ["numbers", "talk"], 3, 0, bank=FakeBank())["rows"]
    assert rows and all(row["right"]["percent"] == 100 for row in rows.values())


def test_before_a_film_that_nobody_speaks_of_silence_is_right():
    told = unasked_films(oracle, ["count"], 3, 0, bank=FakeBank())
    assert told["count"].percent == told["all"].percent == 100 and told["all"].cases == 3

    def hums(cases):
        return [[replace(out, speak=k == 9) for k, out in enumerate(outs)] for outs in silent(cases)]

    assert unasked_films(hums, ["count"], 3, 0, bank=FakeBank())["count"].percent == 0
