"""The cascade that is made for these very tasks, an upper bar: it answers as soon as the transcript is a whole request, knows
stopping words from "uh huh", and has timers. A background side's work it announces, goes on, and tells the result in a pause.

Read `Engineered`; `cascade` first. `cascade_unasked` stands on it.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from duologue.data.families.delegate_words import ACKS
from duologue.data.families.time import ACK
from duologue.data.script import Own
from duologue.evals.cascade import SHORTEST_S, Cascade, Segment, Tuning
from duologue.evals.cascade_parts import Parts, silenced
from duologue.evals.cascade_phrases import Request
from duologue.evals.cascade_rules import cuts_in, understand
from duologue.evals.outcome import TURN_S
from duologue.turn import Note, TurnIn

SPOTS_AFTER_S = 0.25  # the speech after which it listens for words
LATE_S = 0.04  # by which Silero's end of speech comes after the sound's
MOST_SLOTS = 100


class Engineered(Cascade):
    """One conversation of the harness that was made for the tasks."""

    def __init__(self, parts: Parts, tuning: Tuning):
        super().__init__(parts, tuning)
        self.timed: list[Own] = []
        self.free_s = 0.0  # when the recogniser has finished what it reads
        self.results: list[str] = []

    def hears(self, turn: TurnIn, speech_F: np.ndarray, first_frame: int) -> None:
        super().hears(turn, speech_F, first_frame)
        now_s = (turn.index + 1) * TURN_S
        if self.segment and now_s >= self.free_s and (self.timing or self.mouth.busy(now_s)):
            self._spot(self.segment, now_s)

    def said(self) -> list[Own]:
        return sorted([*self.mouth.own, *self.timed], key=lambda own: own.start_s)

    def _spot(self, segment: Segment, now_s: float) -> None:
        """Reads what is being said into a reply, or while a timer runs, and stops what it is meant for."""
        if segment.voiced_s < SPOTS_AFTER_S:
            return
        text, self.free_s = self._recognised(segment, now_s)
        if self.mouth.busy(now_s) and cuts_in(text):
            self._break_off(self.free_s)
        if self.timing and understand(text, "timing") == Request("stop"):
            self._drop_timers(self.free_s)

    def _speaks(self, segment: Segment, now_s: float) -> None:
        """Whoever speaks on before the answer has begun had not finished."""
        if self.mouth.begin_s > now_s and segment.voiced_s >= SHORTEST_S:
            self._break_off(now_s)

    def _attends(self, now_s: float) -> bool:
        return True

    def _hands_on(self, text: str, end_s: float, at_s: float) -> bool:
        """Says that it will, takes corrections and "never mind"."""
        if self.errand and understand(text, "timing") == Request("cancel"):
            self.calls.append((at_s, "cancel", ""))
            self.errand, owns = "", self.mouth.words((ACK,))
        elif super()._hands_on(text, end_s, at_s):
            owns = self.mouth.words(ACKS[:1])
        else:
            return False
        self.mouth.say(at_s, owns)
        return True

    def _read(self, notes: Sequence[Note], now_s: float) -> None:
        """Results wait until nobody speaks."""
        self.results += [note.text for note in notes]
        if self.results and not self.segment and not self.mouth.busy(now_s):
            self._tell(self.results.pop(0), now_s)

    def _set_timer(self, request: Request, end_s: float, at_s: float) -> None:
        """Seconds count from the request's end; a slot that was over before it was understood is late."""
        super()._set_timer(request, end_s, at_s)
        slots_s = [end_s - LATE_S + k * request.seconds for k in range(1, 2 if request.intent == "once" else MOST_SLOTS)]
        spoken = self.mouth.words(request.items)
        self.timed += [replace(own, start_s=slot_s) for slot_s in [s for s in slots_s if s >= at_s] or [at_s] for own in spoken]

    def _drop_timers(self, at_s: float) -> None:
        super()._drop_timers(at_s)
        self.timed = silenced(self.timed, at_s)
