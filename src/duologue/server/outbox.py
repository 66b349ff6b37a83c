"""How far a listener can have played, and so what may be sent now. Read `Outbox.wait_ms` first.

Plain arithmetic on a clock in seconds that is passed in. A listener who reports its playback is believed; of any other it
is assumed that it plays without a pause what it has got.
"""

from dataclasses import dataclass

from duologue.turn import TURN_MS

LEAD_MS = 400
PATIENCE_MS = 1_000  # sound that waits longer is not sent at all


@dataclass(slots=True)
class Outbox:
    """The sound between the server and one listener's ear."""

    queued_ms: float = 0.0  # with the listener, at the instant `at_s`
    at_s: float = 0.0
    sent_end_ms: int = 0  # on the output clock

    def ahead_ms(self, now_s: float) -> float:
        return max(0.0, self.queued_ms - (now_s - self.at_s) * 1000)

    def wait_ms(self, now_s: float) -> float:
        """How long one more turn must wait so that the listener never holds more than LEAD_MS."""
        return max(0.0, self.ahead_ms(now_s) + TURN_MS - LEAD_MS)

    def sent(self, now_s: float, end_ms: int) -> None:
        """A turn of sound that ends at `end_ms` of the output clock is on its way."""
        self.queued_ms, self.at_s, self.sent_end_ms = self.ahead_ms(now_s) + TURN_MS, now_s, end_ms

    def played(self, now_s: float, end_ms: int) -> None:
        """The listener says that all before `end_ms` is out of its hands."""
        self.queued_ms, self.at_s = float(max(0, self.sent_end_ms - end_ms)), now_s
