import numpy as np
import pytest

from duologue.evals.outcome import onset_in, outcome_of, sounding, written_in
from duologue.turn import SAMPLES_PER_TURN, TurnOut
from tests.evals.made import outcome


def test_output_turn_k_is_heard_one_turn_later():
    tone_S = np.full(SAMPLES_PER_TURN, 0.1, np.float32)
    outs = [TurnOut(k, tone_S if k == 3 else 0 * tone_S, k == 3, said="hi" if k == 3 else "") for k in range(6)]
    made = outcome_of(outs)
    assert np.allclose(made.spans, [(0.8, 1.0)]) and made.said == [(0.8, "hi")]
    assert len(made.sound_S) == 7 * SAMPLES_PER_TURN


def test_short_gaps_are_closed_and_clicks_left_out():
    made = outcome((1.0, 1.5), (1.65, 2.0), (3.0, 3.05), (4.0, 4.3))
    assert np.allclose(made.spans, [(1.0, 2.0), (4.0, 4.3)], atol=0.011)


def test_spans_move_with_the_sound():
    early, late = outcome((1.0, 1.7)).spans[0], outcome((3.5, 4.2)).spans[0]
    assert np.allclose(np.array(late) - early, 2.5)


def test_silence_and_faint_noise_are_no_sound():
    assert sounding(np.zeros(16000, np.float32)) == []
    assert sounding(np.full(16000, 1e-3, np.float32)) == []


def test_onset_is_a_beginning():
    spans = [(1.0, 2.0)]
    assert onset_in(spans, 0.9, 1.1) == 1.0 and onset_in(spans, 1.5, 3.0) is None


@pytest.mark.parametrize("origin_s", [0.0, 8.0, 64.0, 512.0])
def test_what_lies_on_a_border_lies_there_whatever_the_clock(origin_s):
    lane = [(origin_s + 7.3, "first"), (origin_s + 11.1, "on the border")]
    assert written_in(lane, origin_s + 7.3, origin_s + 7.3 + 4.0 - 0.2) == "first"
    spans = [(origin_s + t, origin_s + t + 0.1) for t in (7.3, 11.1)]
    assert onset_in(spans, origin_s + 7.4, origin_s + 7.3 + 4.0 - 0.2) is None
