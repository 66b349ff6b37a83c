"""Cases played over the network: the same words at the same turns, whatever the wire; what a listener hears."""

import base64
from dataclasses import dataclass

import numpy as np
import pytest

from duologue.errors import DataError
from duologue.evals.endpoint import RATE_HZ, Ear, endpoint
from duologue.turn import SAMPLES_PER_TURN, TurnIn
from tests.server.stand_in import Engine, running


def delta(seconds: float) -> str:
    return base64.b64encode(np.full(round(seconds * RATE_HZ), 9000, "<i2").tobytes()).decode()


def loud_s(ear: Ear) -> list[float]:
    """Where sound begins and ends."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], ear.sound_S != 0, [0]]).astype(int)))
    return [round(edge / RATE_HZ, 2) for edge in edges]


def test_sound_is_heard_when_it_has_come_and_the_sound_before_it_is_over():
    ear = Ear(np.zeros(3 * RATE_HZ, np.float32))
    ear.hear(delta(0.5), 1.0)
    ear.hear(delta(0.5), 1.1)
    assert loud_s(ear) == [1.0, 2.0]


def test_silence_takes_no_time_and_the_end_of_the_case_cuts():
    ear = Ear(np.zeros(2 * RATE_HZ, np.float32))
    ear.hear(base64.b64encode(bytes(RATE_HZ)).decode(), 0.1)
    ear.hear(delta(9), 1.0)
    assert loud_s(ear) == [1.0, 2.0]


def test_a_client_that_is_told_to_stop_hears_no_more():
    ear = Ear(np.zeros(3 * RATE_HZ, np.float32))
    ear.hear(delta(2), 0.5)
    ear.stop(1.0)
    ear.hear(delta(0.5), 1.5)
    assert loud_s(ear) == [0.5, 1.0, 1.5, 2.0]


@dataclass(frozen=True)
class Typed:
    """A case in which something is typed in the second turn."""

    text: str
    turns: int = 15

    def inputs(self) -> list[TurnIn]:
        quiet_S = np.zeros(SAMPLES_PER_TURN, np.float32)
        return [TurnIn(k, quiet_S, typed=self.text if k == 2 else "") for k in range(self.turns)]


@pytest.mark.parametrize("path", ["/v1/live/sessions", "/v1/realtime"])
def test_a_case_over_a_real_socket(path):
    with running(speed=1.0, engine=Engine()) as server:
        outs = endpoint(server.url(path))([Typed("say 4")])[0]
    assert [out.index for out in outs] == list(range(15))
    assert all(out.pcm_S.shape == (SAMPLES_PER_TURN,) for out in outs)
    assert " ".join(out.said for out in outs).split() == ["tone"] * 4
    speaking = [out.index for out in outs if out.speak]
    assert speaking and speaking[0] >= 1 and sum(np.abs(out.pcm_S).max() > 0.1 for out in outs) >= 3


def test_a_server_that_is_not_there_or_refuses_is_said_in_one_line():
    with pytest.raises(DataError, match="is the server there"):
        endpoint("ws://127.0.0.1:1/v1/realtime")([Typed("x")])
    with running(sessions=0) as server, pytest.raises(DataError, match="busy"):
        endpoint(server.url())([Typed("x")])
