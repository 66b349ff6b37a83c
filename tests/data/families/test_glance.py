"""Glances: each thing is there before it is asked about, and what is answered is what was shown."""

import numpy as np
import pytest
from PIL import Image

from duologue.data.families import glance, see
from duologue.data.render import images
from duologue.data.scenes import stock
from tests.data.families.checks import some_scripts


@pytest.fixture(autouse=True)
def no_packages(monkeypatch):
    monkeypatch.setattr(stock, "emoji", lambda style, code: Image.new("RGBA", (96, 96), (200, 80, 20, 255)))
    monkeypatch.setattr(stock, "photographs", lambda: {f"{n}.jpg": np.full((240, 320, 3), 90, np.uint8) for n in range(20)})


def test_each_thing_is_gone_when_it_is_asked_about_and_never_lost():
    for script in some_scripts(glance, count=12):
        assert not script.sounds and len(script.views) == len(script.own) >= 8
        asked_s = sorted({at_s for at_s, _ in script.typed} | {_first(script, view.end_s) for view in script.views})
        assert all(any(abs(view.end_s - at_s) < 1e-6 for at_s in asked_s) for view in script.views)
        shown = images(script)
        for view, own in zip(script.views, script.own, strict=True):
            turns = range(int(view.start_s / 0.2), int(own.start_s / 0.2))
            assert any(shown[turn] is not None for turn in turns)


def _first(script, at_s: float) -> float:
    """When the first word that is shown from then on is shown."""
    return min((t for t, _ in script.shown if t >= at_s - 1e-6), default=-1.0)


def test_what_is_answered_is_what_was_shown():
    names = 0
    for script in some_scripts(glance, count=12):
        for view, own in zip(script.views, script.own, strict=True):
            things = {actor.thing.name for actor in view.stage.actors if actor.thing.kind in ("shape", "emoji")}
            said = set(own.speech.text.split())
            if things and said & {*see.SHAPES, *see.EMOJI}:
                assert said & things
                names += 1
    assert names > 10


def test_what_moves_is_not_for_a_glance():
    assert len(see.STILL) == len(see.KINDS) - 1
    assert not {see.still(np.random.default_rng(n), "train").intent for n in range(200)} & {"doing", "was"}
