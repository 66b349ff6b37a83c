"""The whole product at once: an open question in a held-out voice, the model live, any language model behind it.

A user who listens: asks, and when the answer is being spoken says "wait", then "go on", then "skip that", each in the world's
own time. Read `Listener` first, then `visits`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil

import numpy as np

from duologue.agent.background import Agent
from duologue.data.bank import Bank
from duologue.data.script import Speech
from duologue.errors import DataError
from duologue.evals.outcome import TURN_S, Span, outcome_of
from duologue.evals.stats import quantiles, rate
from duologue.live import Conversation
from duologue.media.audio import in_turns
from duologue.turn import SAMPLES_PER_TURN, TurnIn, TurnOut

ASKS = ("ask", "delegate", "ask")
AFTER = (("wait", "interrupt", "wait"), ("go on", "interrupt", "resume"), ("skip", "delegate", "skip"))
BEFORE_TURNS, PATIENT_TURNS, AFTERWARDS_TURNS = 5, 150, 15  # silence first; longest wait for anything; silence at the end
SPOKEN_TURNS, PAUSE_TURNS = 6, 10  # of the answer before the user speaks into it; between "wait" and "go on"
FIGURES = ("delegated", "ack", "told", "streamed", "wait", "go on", "skip")
ACK_S, SILENT_S, RESUMED_S, TOLD_S = 0.8, 0.8, 2.0, 2.0


@dataclass(slots=True)
class Listener:
    """The user's side of one visit: what to say in the next turn, from what has been heard so far.

    `said` holds when each line was spoken, in seconds of the conversation; a line that is never reached is missing.
    """

    lines: dict[str, Speech]
    said: dict[str, Span] = field(default_factory=dict)
    left: list[str] = field(default_factory=lambda: ["ask", *(name for name, *_ in AFTER)])
    rest: list[np.ndarray] = field(default_factory=list)
    since: int = 0  # the turn in which the last line ended
    spoken: int = 0  # turns of sound since then, once the answer is there

    def turn(self, k: int) -> np.ndarray | None:
        """Sound of turn k [SAMPLES_PER_TURN]; None when the visit is over."""
        if not self.rest and self.left and self._ready(k):
            name = self.left.pop(0)
            speech = self.lines[name]
            self.said[name] = (k * TURN_S, k * TURN_S + speech.seconds)
            self.rest = list(in_turns(speech.pcm_S))
            self.since, self.spoken = k + ceil(speech.seconds / TURN_S), 0
        if self.rest:
            return self.rest.pop(0)
        over = k - self.since > (PATIENT_TURNS if self.left else AFTERWARDS_TURNS)
        return None if over else np.zeros(SAMPLES_PER_TURN, np.float32)

    def hear(self, out: TurnOut, answered: bool) -> None:
        """`answered`: whether anything of the answer has been handed over by now."""
        self.spoken += out.speak and answered and out.index >= self.since

    def _ready(self, k: int) -> bool:
        if self.left[0] == "ask":
            return k >= BEFORE_TURNS
        if self.left[0] == "go on":
            return k - self.since >= PAUSE_TURNS
        return self.spoken >= SPOKEN_TURNS


@dataclass(frozen=True, slots=True)
class Visit:
    """What was done in one conversation. Events are the agent's: (turn, what happened to a task)."""

    outs: Sequence[TurnOut]
    said: dict[str, Span]
    events: Sequence[tuple[int, str]]

    def judged(self) -> dict[str, bool | float | None]:
        """Each of `FIGURES`, None where the visit did not get so far, and the times of acknowledgement and answer in seconds."""
        spans, end_s = outcome_of(self.outs).spans, self.said["ask"][1]
        notes = [turn * TURN_S for turn, what in self.events if what == "delivered"]
        ack_s = next((begin - end_s for begin, end in spans if end > end_s and begin > self.said["ask"][0]), None)
        told_s = next((max(begin, notes[0]) - notes[0] for begin, end in spans if notes and end > notes[0] + TURN_S), None)
        found = {"delegated": any(what == "asked" for _, what in self.events), "ack_s": ack_s, "told_s": told_s}
        found |= {"ack": ack_s is not None and ack_s <= ACK_S, "told": told_s is not None and told_s <= TOLD_S if notes else None}
        return found | {"streamed": self._streamed(spans, notes)} | self._obeyed(spans)

    def _streamed(self, spans: Sequence[Span], notes: Sequence[float]) -> bool | None:
        """Whether the first sentence was being spoken before the last one was there; None for an answer of one sentence."""
        if len(notes) < 2:
            return None
        return any(begin < notes[-1] and end > notes[0] + TURN_S for begin, end in spans)

    def _obeyed(self, spans: Sequence[Span]) -> dict[str, bool | None]:
        until = {"wait": self.said.get("go on", (len(self.outs) * TURN_S,))[0], "skip": len(self.outs) * TURN_S}
        quiet = {name: _silent(spans, self.said[name][1] + SILENT_S, until[name]) if name in self.said else None for name in until}
        if "go on" not in self.said:
            return quiet | {"go on": None}
        again_s = self.said["go on"][1]
        return quiet | {"go on": any(begin <= again_s + RESUMED_S and end > again_s for begin, end in spans)}


def _silent(spans: Sequence[Span], begin_s: float, end_s: float) -> bool:
    return not any(begin < end_s and end > begin_s for begin, end in spans)


def lines(bank: Bank, number: int) -> dict[str, Speech]:
    """One user's lines, all of held-out voices and phrases; its own voice where that has said them. Raises DataError."""
    rng = np.random.default_rng([7, number])
    asked = bank.sample(rng, *ASKS[1:], split="test", where=lambda line: line.slots.get("topic") == "open")
    return {"ask": asked} | {name: _by(bank, rng, asked.voice, family, intent) for name, family, intent in AFTER}


def _by(bank: Bank, rng: np.random.Generator, voice: str, family: str, intent: str) -> Speech:
    try:
        return bank.sample(rng, family, intent, voice=voice, split="test")
    except DataError:
        return bank.sample(rng, family, intent, split="test")


def visits(
    open_door: Callable[[int], Conversation], make_agent: Callable[[], Agent], users: Sequence[dict[str, Speech]]
) -> Iterator[Visit]:
    """One after another, each turn in its own 200 ms; `open_door` gives a new conversation for a seed."""
    for seed, user in enumerate(users):
        conversation = open_door(seed)
        conversation.agent = make_agent()
        try:
            yield _visit(conversation, Listener(user))
        finally:
            conversation.agent.close()


def _visit(conversation: Conversation, user: Listener) -> Visit:
    outs: list[TurnOut] = []
    agent, begun_s = conversation.agent, time.monotonic()
    while (sound_S := user.turn(len(outs))) is not None:
        outs.append(conversation.step(TurnIn(len(outs), sound_S)))
        user.hear(outs[-1], any(event.what == "delivered" for event in agent.events))
        time.sleep(max(0.0, begun_s + len(outs) * TURN_S - time.monotonic()))
    return Visit(outs, user.said, [(event.turn, event.what) for event in agent.events])


def summary(seen: Sequence[Visit]) -> dict:
    """Rates of `FIGURES` over the visits that got so far, p50 and p90 of acknowledgement and answer, p50 and p99 of a turn."""
    rows = [visit.judged() for visit in seen]
    reached = {name: [row[name] for row in rows if row[name] is not None] for name in (*FIGURES, "ack_s", "told_s")}
    compute_ms = [out.compute_ms for visit in seen for out in visit.outs]
    return {
        "visits": len(rows),
        "rates": {name: rate(sum(reached[name]), len(reached[name]))._asdict() for name in FIGURES},
        "ack_s": quantiles(reached["ack_s"]),
        "told_s": quantiles(reached["told_s"]),
        "turn_ms": [float(q) for q in np.percentile(compute_ms, [50, 99])],
    }
