"""Micro-turns from sound as it arrives: nothing lost, nothing twice, delay that does not grow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.server.faults import Fault
from duologue.server.inbox import AHEAD_MS, PER_MS, SLACK_MS, Inbox
from duologue.turn import SAMPLES_PER_TURN, TURN_MS, Note


def ramp(begin: int, length: int) -> np.ndarray:
    """Samples that say where they come from."""
    return np.arange(begin, begin + length, dtype=np.float32) + 1


@given(st.lists(st.integers(1, 5000), max_size=30))
def test_packets_of_any_size_come_out_in_order_none_lost_none_twice(sizes):
    inbox, at = Inbox(pushes=True), 0
    for size in sizes:
        if at + size <= AHEAD_MS * PER_MS:
            inbox.hear(ramp(at, size))
            at += size
    turns = [inbox.take() for _ in range(at // SAMPLES_PER_TURN + 1)]
    assert np.array_equal(np.concatenate([t.pcm_S for t in turns])[:at], ramp(0, at))
    assert [t.index for t in turns] == list(range(len(turns)))


def test_nothing_is_missing_before_the_first_sound_nor_while_muted():
    inbox = Inbox()
    assert inbox.complete and inbox.take().missing_ms == 0
    inbox.hear(ramp(0, 100))
    assert not inbox.complete
    inbox.mute(True)
    inbox.hear(ramp(0, 5000))
    turn = inbox.take()
    assert inbox.complete and turn.missing_ms == 0 and not turn.pcm_S.any()


def test_sound_that_has_not_come_is_silence_and_counted():
    inbox = Inbox()
    inbox.hear(ramp(0, 150 * PER_MS))
    turn = inbox.take()
    assert turn.missing_ms == 50 and not turn.pcm_S[150 * PER_MS :].any()
    assert inbox.take().missing_ms == TURN_MS


def test_a_burst_after_a_stall_is_dropped_and_leaves_no_delay():
    inbox, at = Inbox(), 0
    heard = []
    for k in range(30):
        size = 0 if k in (10, 11, 12) else SAMPLES_PER_TURN * (4 if k == 13 else 1)
        if size:
            inbox.hear(ramp(at, size))
        at += size
        heard.append(inbox.take())
    assert [t.missing_ms for t in heard[10:13]] == [TURN_MS] * 3
    last = heard[-1].pcm_S
    assert at - last[-1] <= SLACK_MS * PER_MS, "what is heard is now, not what was said during the stall"


def test_one_who_sends_a_file_at_once_is_heard_whole():
    inbox = Inbox()
    inbox.hear(ramp(0, 10 * SAMPLES_PER_TURN))
    first = [inbox.take() for _ in range(15)]
    inbox.hear(ramp(0, 10 * SAMPLES_PER_TURN))
    second = [inbox.take() for _ in range(10)]
    for turns in (first[:10], second):
        assert np.array_equal(np.concatenate([t.pcm_S for t in turns]), ramp(0, 10 * SAMPLES_PER_TURN))


def test_a_pause_of_one_who_had_stopped_sending_costs_no_sound():
    inbox = Inbox()
    inbox.hear(ramp(0, SAMPLES_PER_TURN))
    for _ in range(20):
        inbox.take()
    inbox.hear(ramp(0, 3 * SAMPLES_PER_TURN))
    assert np.array_equal(inbox.take().pcm_S, ramp(0, SAMPLES_PER_TURN))


def test_too_far_ahead_is_refused_and_keeps_what_there_was():
    inbox = Inbox()
    inbox.hear(ramp(0, AHEAD_MS * PER_MS))
    with pytest.raises(Fault, match="input_too_fast|as fast as"):
        inbox.hear(ramp(0, 1))
    assert len(inbox.sound_S) == AHEAD_MS * PER_MS


def test_text_notes_picture_and_unheard_sound_go_into_one_turn():
    inbox = Inbox(typed=["one", "two"], notes=[Note("ui", "x")], image=np.zeros((120, 160, 3), np.uint8), unplayed_ms=450)
    turn = inbox.take()
    assert (turn.typed, turn.notes, turn.unplayed_ms) == ("one\ntwo", (Note("ui", "x"),), TURN_MS)
    after = inbox.take()
    assert (after.typed, after.notes, after.image, after.unplayed_ms) == ("", (), None, TURN_MS)
    assert inbox.take().unplayed_ms == 50
