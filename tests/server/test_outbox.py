"""The listener never holds more than LEAD_MS, whether it reports or not."""

from hypothesis import given
from hypothesis import strategies as st

from duologue.server.outbox import LEAD_MS, Outbox
from duologue.turn import TURN_MS


@given(st.lists(st.floats(0, 2, allow_nan=False), max_size=40))
def test_never_more_than_the_lead_ahead(pauses_s):
    """A listener that plays without a pause, and turns that come at any pace."""
    outbox, now_s, queue_ms = Outbox(), 0.0, 0.0
    for k, pause_s in enumerate(pauses_s):
        wait_s = outbox.wait_ms(now_s + pause_s) / 1000
        now_s += pause_s + wait_s
        queue_ms = max(0.0, queue_ms - (pause_s + wait_s) * 1000) + TURN_MS
        outbox.sent(now_s, (k + 2) * TURN_MS)
        assert queue_ms <= LEAD_MS + 1e-6


def test_in_real_time_nothing_waits():
    outbox = Outbox()
    for k in range(50):
        assert outbox.wait_ms(k * 0.2) == 0
        outbox.sent(k * 0.2, (k + 2) * TURN_MS)


def test_a_listener_that_reports_is_believed():
    outbox = Outbox()
    outbox.sent(0, 400)
    outbox.sent(0, 600)
    outbox.played(0.1, 200)
    assert outbox.ahead_ms(0.1) == 400 and outbox.wait_ms(0.1) == TURN_MS
    outbox.played(0.1, 600)
    assert outbox.wait_ms(0.1) == 0
