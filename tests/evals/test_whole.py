"""The whole product at once: a stand-in model that obeys and one that does not, with a real agent behind, in the world's time."""

import json
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from duologue.agent.backends import Scripted
from duologue.agent.background import Agent
from duologue.cli import app
from duologue.evals import whole
from duologue.evals.whole import BEFORE_TURNS, FIGURES, Listener, Visit, summary, visits
from duologue.turn import SAMPLES_PER_TURN, Call, TurnOut
from tests.data.fake_bank import speech_of

NAMES = ("ask", "wait", "go on", "skip")
TONE_S = np.full(SAMPLES_PER_TURN, 0.3, np.float32)
ANSWER = [(0.1, "First one.\n"), (0.2, "Second one.\n"), (0.2, "Third one.")]


def user() -> dict:
    return {name: speech_of(name, "test/x") for name in NAMES}


class Model:
    """Knows by the turn's sound who speaks: acknowledges, hands on, speaks once it is told, and does as it is bid if it obeys."""

    def __init__(self, obeys: bool = True):
        self.obeys, self.agent = obeys, None
        self.heard, self.before, self.told = 0, False, []

    def step(self, turn):
        turn = replace(turn, notes=(*turn.notes, *self.agent.notes(turn.index)))
        self.told += [note.text for note in turn.notes]
        loud = bool(np.abs(turn.pcm_S).max() > 0)
        ended = self.before and not loud
        self.heard, self.before = self.heard + ended, loud
        free = not self.obeys or (self.heard in (1, 3) and not loud)
        speak = bool((ended and self.heard == 1) or (self.told and free))
        calls = (Call("delegate", "2"),) if ended and self.heard == 1 else ()
        sound_S = TONE_S if speak else np.zeros(SAMPLES_PER_TURN, np.float32)
        out = TurnOut(turn.index, sound_S, speak, "why" if ended else "", self.told[-1] if speak and self.told else "", calls=calls)
        self.agent.hear(turn, out)
        return out


@pytest.fixture
def quick(monkeypatch):
    """The world's time runs four times as fast here."""
    fast = SimpleNamespace(monotonic=lambda: 4 * time.monotonic(), sleep=lambda seconds: time.sleep(seconds / 4))
    monkeypatch.setattr(whole, "time", fast)


def seen(obeys: bool) -> list[Visit]:
    return list(visits(lambda seed: Model(obeys), lambda: Agent(Scripted({"why": ANSWER})), [user()]))


def test_a_model_that_obeys_has_every_figure(quick):
    (visit,) = seen(True)
    judged = visit.judged()
    assert [name for name in FIGURES if judged[name] is not True] == []
    assert list(visit.said) == list(NAMES) and 0 <= judged["ack_s"] <= 0.4


def test_a_model_that_speaks_on_obeys_nothing(quick):
    (visit,) = seen(False)
    judged = visit.judged()
    assert (judged["delegated"], judged["wait"], judged["skip"]) == (True, False, False)


def test_a_model_that_says_nothing_ends_the_visit_with_what_was_not_reached_left_out():
    listener, k = Listener(user()), 0
    while (sound_S := listener.turn(k)) is not None:
        listener.hear(TurnOut(k, np.zeros(SAMPLES_PER_TURN, np.float32), False), False)
        k += 1
        assert sound_S.shape == (SAMPLES_PER_TURN,)
    outs = [TurnOut(n, np.zeros(SAMPLES_PER_TURN, np.float32), False) for n in range(k)]
    judged = Visit(outs, listener.said, ()).judged()
    assert list(listener.said) == ["ask"] and listener.said["ask"][0] == pytest.approx(BEFORE_TURNS * 0.2)
    assert judged["delegated"] is judged["ack"] is False and {judged[name] for name in FIGURES[2:]} == {None}
    found = summary([Visit(outs, listener.said, ())])
    assert found["rates"]["ack"]["percent"] == 0 and found["rates"]["wait"]["cases"] == 0
    json.dumps(found)


def test_a_model_without_its_endpoint_is_the_users_slip():
    result = CliRunner().invoke(app, ["eval", "whole", "--base-url", "http://127.0.0.1:9"])
    assert result.exit_code and "--model" in str(result.exception or result.output)
