"""What a client has sent, cut into micro-turns on the clock of its arrival. Read `Inbox.take` first.

A turn is closed at its time if its sound is there, and SLACK_MS later in any case; what has not come by then is silence
and counted as missing, so a network that stalls never holds the conversation up. After a short stall the sound that was
counted as missing arrives in a burst: it is dropped, or else the delay would stay.
"""

from dataclasses import dataclass, field

import numpy as np

from duologue.server.faults import Fault
from duologue.turn import SAMPLE_RATE_HZ, SAMPLES_PER_TURN, TURN_MS, Note, TurnIn

SLACK_MS = 60
STALL_MS = 2_000  # a longer pause is a client that had stopped sending, not a network that held sound back
AHEAD_MS = 10_000
PER_MS = SAMPLE_RATE_HZ // 1000


@dataclass(slots=True)
class Inbox:
    """Fills the next TurnIn. Plain values, no clock of its own."""

    index: int = 0
    begun: bool = False  # sound has come at all
    muted: bool = False
    pushes: bool = False  # sends faster than it speaks, as one who plays a file
    owed: int = 0  # samples counted as missing that may still come
    sound_S: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    image: np.ndarray | None = None
    typed: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    unplayed_ms: int = 0

    def hear(self, pcm_S: np.ndarray) -> None:
        """Raises Fault when the client is too far ahead of its time."""
        if len(self.sound_S) + len(pcm_S) > AHEAD_MS * PER_MS:
            raise Fault("input_too_fast", f"more than {AHEAD_MS} ms of sound wait already; send it as fast as it is spoken")
        self.begun = True
        if not self.muted:
            self.sound_S = np.concatenate([self.sound_S, pcm_S])

    def mute(self, muted: bool) -> None:
        """Muted sound is silence, and none of it is missing."""
        self.muted, self.owed = muted, 0
        self.clear()

    def clear(self) -> None:
        """Forgets sound that has come and was not heard yet."""
        self.sound_S = self.sound_S[:0]

    @property
    def complete(self) -> bool:
        """Nothing is gained by waiting for more sound of this turn."""
        return not self.begun or self.muted or len(self.sound_S) >= SAMPLES_PER_TURN

    def take(self) -> TurnIn:
        """The turn as it is now; the next one begins."""
        pcm_S, self.sound_S = self.sound_S[:SAMPLES_PER_TURN], self.sound_S[SAMPLES_PER_TURN:]
        short = SAMPLES_PER_TURN - len(pcm_S) if self.begun and not self.muted else 0
        self._settle(short)
        turn = TurnIn(
            self.index, np.pad(pcm_S, (0, SAMPLES_PER_TURN - len(pcm_S))), self.image, "\n".join(self.typed),
            tuple(self.notes), -(-short // PER_MS), min(self.unplayed_ms, TURN_MS),
        )  # fmt: skip
        self.index, self.image, self.unplayed_ms = self.index + 1, None, self.unplayed_ms - turn.unplayed_ms
        self.typed.clear()
        self.notes.clear()
        return turn

    def _settle(self, short: int) -> None:
        """Keeps the account of late sound, and drops what of it came in a burst."""
        self.owed += short
        if short == SAMPLES_PER_TURN and self.owed > STALL_MS * PER_MS:
            self.owed = 0
        extra = len(self.sound_S) - SLACK_MS * PER_MS
        self.pushes = self.pushes or (not self.owed and extra > TURN_MS * PER_MS)
        if extra > 0 and not self.pushes:
            stale = min(extra, self.owed)
            self.sound_S, self.owed = self.sound_S[stale:], self.owed - stale
