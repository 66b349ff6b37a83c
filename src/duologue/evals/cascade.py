"""The baseline to beat: voice-activity detector, end-pointer, recogniser, rules, voice. Read `standard`, then `Cascade`.

These files (`cascade…`) are the only place of the package with a rule for turn-taking. `standard` is what realtime harnesses
do: a turn is over after so much silence, and whoever speaks long enough interrupts. Where there is a background side, it waits for
it and does nothing else. `cascade_engineered` is the upper bar.

Both hear in turns, like the model, and decide about the future only; what they hear is Silero's and Whisper's. They
compute in no time, so that is charged by constants (`cascade_parts.Costs`), on the world's clock.
Source: the design of Silero's own iterator (a threshold to begin, a lower one to go on) and of its users' harnesses.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from duologue.data.families.time import ACK, about_seconds, polite
from duologue.data.script import Own, Script
from duologue.evals.cascade_parts import FRAME, FRAME_S, Mouth, Parts
from duologue.evals.cascade_phrases import Request, plain
from duologue.evals.cascade_rules import understand
from duologue.evals.errands import asks, spoken
from duologue.evals.outcome import TURN_S
from duologue.evals.systems import Case, System, beside, oracle
from duologue.turn import SAMPLE_RATE_HZ, SAMPLES_PER_TURN, Call, Note, TurnIn, TurnOut, first_turn_at

BEGINS, GOES_ON = 0.5, 0.35  # probability of speech, Silero's defaults
SHORTEST_S = 0.1  # less speech is a click
AROUND_S = 0.2  # recognised with it, before and after
LONGEST_S = 28.0  # that Whisper takes at once
JOIN_S = 3.0  # what was not understood may be the beginning of what follows so soon
ASKS_BACK = "tell me more"
REACH_S = 2  # of a request that is handed on: its words are written down all at once


class Tuning(NamedTuple):
    """The thresholds of a harness, in seconds.

    Attributes:
        endpoint_s: silence after which a turn is over.
        barge_in_s: speech that interrupts.
        asks_back: whether every turn gets an answer, as a language model gives it, or only what the rules understand.
    """

    endpoint_s: float = 0.5
    barge_in_s: float = 0.25
    asks_back: bool = True


USUAL = Tuning()


def standard(parts: Parts, tuning: Tuning = USUAL) -> System:
    """What realtime harnesses do: it acts upon speech only, and knows neither timers nor who is meant."""
    return lambda cases: [held(Cascade(parts, tuning), case) for case in cases]


def held(cascade: "Cascade", case: Case) -> list[TurnOut]:
    """One conversation, a turn at a time, then all that was said as sound."""
    turns = case.inputs()
    speech_F = cascade.parts.detect(np.concatenate([turn.pcm_S for turn in turns])) if turns else np.zeros(0)
    with ExitStack() as stack:
        agent = beside(case, stack)
        cascade.delegates = agent is not None
        for k, turn in enumerate(turns):
            frames = slice(k * SAMPLES_PER_TURN // FRAME, (k + 1) * SAMPLES_PER_TURN // FRAME)
            turn = replace(turn, notes=(*turn.notes, *agent.notes(k))) if agent else turn
            cascade.hears(turn, speech_F[frames], frames.start)
            if agent:
                agent.hear(turn, cascade.did(turn))
    script = Script("cascade", case.script.length_s, own=cascade.said(), written=cascade.written, calls=cascade.calls)
    outs = oracle([replace(case, script=script)])[0]
    for at_s, words in cascade.heard:
        if (k := first_turn_at(at_s) - 1) < len(outs):
            outs[k] = replace(outs[k], heard=f"{outs[k].heard} {words}".strip())
    return outs


@dataclass(slots=True)
class Segment:
    """What the user says, up to the end-point; times in seconds on the world's clock."""

    begin_s: float
    end_s: float  # of the last frame with speech
    voiced_s: float = 0.0


class Cascade:
    """One conversation of the standard harness."""

    def __init__(self, parts: Parts, tuning: Tuning):
        self.parts, self.tuning, self.mouth = parts, tuning, Mouth(parts.bank)
        self.sound_TS: list[np.ndarray] = []
        self.segment: Segment | None = None
        self.typed = self.asked = ""
        self.unanswered, self.unanswered_s = "", 0.0
        self.last: tuple[str, ...] = ()
        self.left: tuple[str, ...] = ()  # of an interrupted recital
        self.marked_s, self.timing = 0.0, False
        self.heard: list[tuple[float, str]] = []
        self.written: list[tuple[float, str]] = []
        self.calls: list[tuple[float, str, str]] = []
        self.delegates = False  # there is a background side
        self.errand = ""  # what was handed on and has not come back, as it was asked for

    def hears(self, turn: TurnIn, speech_F: np.ndarray, first_frame: int) -> None:
        """One turn has ended; what is decided holds from now on."""
        now_s = (turn.index + 1) * TURN_S
        self.sound_TS.append(turn.pcm_S)
        self._read(turn.notes, now_s)
        for i, probability in enumerate(speech_F, first_frame + 1):
            self._frame(i * FRAME_S, float(probability), now_s)
        self.typed = f"{self.typed} {turn.typed}".strip()
        if self.typed and (not self.segment or now_s - self.segment.end_s >= self.tuning.endpoint_s):
            text, self.typed = self.typed, ""
            self._respond(text, now_s, now_s, now_s, typed=True)

    def said(self) -> list[Own]:
        return self.mouth.own

    def did(self, turn: TurnIn) -> TurnOut:
        """What the background side sees of one turn: words as they begin, and calls."""
        span = ((turn.index + 1) * TURN_S - 1e-6, (turn.index + 2) * TURN_S - 1e-6)
        own = [(own.start_s + word.start_s, word.text) for own in self.said() for word in own.speech.words]
        said, heard = (" ".join(words for t, words in lane if span[0] <= t < span[1]) for lane in (sorted(own), self.heard))
        calls = tuple(Call(kind, text) for t, kind, text in self.calls if span[0] <= t < span[1])
        return TurnOut(turn.index, turn.pcm_S, bool(said), heard, said, calls=calls)

    def _frame(self, at_s: float, probability: float, now_s: float) -> None:
        segment = self.segment
        if probability >= (GOES_ON if segment else BEGINS):
            segment = self.segment = segment or Segment(at_s - FRAME_S, at_s)
            segment.end_s = at_s
            segment.voiced_s += FRAME_S
            self._speaks(segment, now_s)
        elif segment and at_s - segment.end_s >= self.tuning.endpoint_s - 1e-6:
            self.segment = None
            if segment.voiced_s >= SHORTEST_S and self._attends(now_s):
                text, ready_s = self._recognised(segment, at_s)
                self.heard += [(max(ready_s, now_s), plain(text))] if plain(text) else []
                self._respond(text, segment.end_s, ready_s, now_s)

    def _speaks(self, segment: Segment, now_s: float) -> None:
        """The user is speaking: long enough, and this interrupts."""
        if segment.voiced_s >= self.tuning.barge_in_s and self.mouth.busy(now_s):
            self._break_off(now_s)

    def _attends(self, now_s: float) -> bool:
        """Whether what was said matters: into a reply that it did not interrupt, or while a task runs, it does not."""
        return not self.mouth.busy(now_s) and not self.errand

    def _break_off(self, at_s: float) -> None:
        """Stops; an answer that has not begun was to a request that was not over."""
        if self.mouth.begin_s > at_s:
            self.unanswered, self.unanswered_s = self.asked, at_s
        self.left = self.mouth.stop(at_s) or self.left

    def _recognised(self, segment: Segment, at_s: float) -> tuple[str, float]:
        """What is understood of a segment, and when, if this is begun at `at_s`."""
        begin_s = max(0.0, segment.begin_s - AROUND_S, segment.end_s + AROUND_S - LONGEST_S)
        end_s = min(segment.end_s + AROUND_S, at_s)
        return self.parts.write(self._between(begin_s, end_s)), at_s + self.parts.costs.recognised_s(end_s - begin_s)

    def _between(self, begin_s: float, end_s: float) -> np.ndarray:
        """The sound of a span, as far as it has been heard."""
        first, last = int(begin_s / TURN_S), int(end_s / TURN_S) + 1
        begin, end = (round(at_s * SAMPLE_RATE_HZ) - first * SAMPLES_PER_TURN for at_s in (begin_s, end_s))
        return np.concatenate(self.sound_TS[first:last])[begin:end]

    def _respond(self, text: str, end_s: float, ready_s: float, now_s: float, typed: bool = False) -> None:
        """Answers a text that was understood at `ready_s` and ended at `end_s`, if that is a request."""
        if not plain(text):
            return
        moment = self._moment(now_s)
        before = self.unanswered if end_s - self.unanswered_s < JOIN_S and not typed else ""
        self.asked = f"{before} {text}".strip()
        if self.delegates and self._hands_on(text, end_s, max(ready_s, now_s)):
            return
        request = understand(self.asked, moment) or understand(text, moment)
        self.unanswered, self.unanswered_s = "" if request else self.asked, end_s
        if request is None and not self.tuning.asks_back:
            return
        owns = self._act(request or Request("answer", (ASKS_BACK,)), text, end_s, max(ready_s, now_s))
        if owns:
            start_s = max(ready_s + self.parts.costs.synthesised_s(owns[0].speech.seconds), now_s)
            self.mouth.say(start_s, owns)
            self.written += [(start_s, " ".join(own.speech.text for own in owns))] * typed

    def _hands_on(self, text: str, end_s: float, at_s: float) -> bool:
        """Delegates what nobody here knows, if that is asked for, and waits."""
        if not asks(text, self.errand):
            return False
        self.calls.append((at_s, "delegate", f"{REACH_S} instead" if self.errand else f"{REACH_S}"))
        self.errand = text
        return True

    def _read(self, notes: Sequence[Note], now_s: float) -> None:
        """What came of it is told at once."""
        for note in notes:
            self._tell(note.text, now_s)

    def _tell(self, note: str, now_s: float) -> None:
        self.errand = ""
        if owns := self.mouth.words((spoken(note),)):
            self.mouth.say(max(now_s + self.parts.costs.synthesised_s(owns[0].speech.seconds), self.mouth.end_s), owns)

    def _moment(self, now_s: float) -> str:
        if self.mouth.busy(now_s):
            return "reciting"
        return "paused" if self.left else "timing" if self.timing else "idle"

    def _act(self, request: Request, text: str, end_s: float, at_s: float) -> list[Own]:
        """Does what was asked for. Returns what is to be said, its times counted from the beginning of the reply."""
        if request.intent in ("stop", "wait"):
            left = self.mouth.stop(at_s) or self.left
            self.left = left if request.intent == "wait" else ()
            self._drop_timers(at_s)
        elif request.intent in ("once", "every"):
            self._set_timer(request, end_s, at_s)
            return self.mouth.words((ACK,)) if request.seconds > 3 and polite(plain(text)) else []
        elif request.intent == "cancel":
            had, _ = self.timing, self._drop_timers(at_s)
            return self.mouth.words((ACK,)) if had else []
        elif request.intent == "mark":
            self.marked_s = end_s
        elif request.intent != "backchannel":
            self.last, self.left = self._reply(request, end_s), ()
            return self.mouth.words(self.last, slowly=request.intent == "slower")
        return []

    def _reply(self, request: Request, end_s: float) -> tuple[str, ...]:
        if request.intent == "resume":
            return self.left
        if request.intent == "elapsed":
            return (about_seconds(int(np.clip(round(end_s - self.marked_s), 2, 20))),)
        return self.last if request.intent in ("again", "slower") else request.items

    def _set_timer(self, request: Request, end_s: float, at_s: float) -> None:
        """A standard harness has none; it remembers that one was asked for."""
        self.timing = True

    def _drop_timers(self, at_s: float) -> None:
        """Nothing is left to be said by the clock."""
        self.timing = False
