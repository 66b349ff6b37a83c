"""The interaction panel of tau-voice: latency, responsiveness, interruption and selectivity, from who spoke in which tick.

No recogniser and no judge: 200 ms ticks are all it looks at. Read `panel` first, then `events`. Definitions and windows are
those of tau2-bench (sierra-research, MIT, docs/interaction-metrics.md); on its own golden data the figures are equal in
every digit. Written anew, without its tables and its simulator.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from duologue.data.script import Script
from duologue.evals.outcome import TURN_S as TICK_S
from duologue.evals.outcome import Span, segments
from duologue.evals.trials import RECITING_S, Trial

YIELD_TICKS, FALSE_YIELD_TICKS, RESPONSE_TICKS = int(2.0 / TICK_S), int(1.0 / TICK_S), int(2.0 / TICK_S)
FALSE_YIELD_S = 1.0
TIC, ASIDE = "vocal_tic", "non_directed"


class Tick(NamedTuple):
    """200 ms. `inserts` are sounds of the user's that want nothing: (TIC or ASIDE, what was said)."""

    user: bool
    agent: bool
    backchannel: bool = False
    inserts: tuple[tuple[str, str], ...] = ()


class Segment(NamedTuple):
    """Ticks begin..end-1 in which somebody spoke; whether the other one did in the first tick, and right after the last."""

    begin: int
    end: int
    over_begin: bool
    over_end: bool
    backchannel: bool = False
    inserts: frozenset[str] = frozenset()

    @property
    def end_s(self) -> float:
        return self.begin * TICK_S + (self.end - self.begin) * TICK_S


class Event(NamedTuple):
    """kind: "response", "yield", "backchannel", TIC, ASIDE or "cuts_in" (the agent begins while the user speaks)."""

    kind: str
    good: bool
    latency_s: float | None = None


def panel(conversations: Sequence[Sequence[Tick]]) -> dict[str, float | None]:
    """The eight figures over all conversations; None where nothing of the kind happened."""
    return figures([event for ticks in conversations for event in events(ticks)])


def figures(found: Sequence[Event]) -> dict[str, float | None]:
    by_kind = {kind: [e for e in found if e.kind == kind] for kind in ("response", "yield", "backchannel", TIC, ASIDE, "cuts_in")}
    turns = len(by_kind["response"])
    return {
        "response_latency_mean": _latency(by_kind["response"]),
        "yield_latency_mean": _latency(by_kind["yield"]),
        "response_rate": _rate(by_kind["response"]),
        "yield_rate": _rate(by_kind["yield"]),
        "agent_interruption_rate": len(by_kind["cuts_in"]) / turns if turns else None,
        "selectivity_backchannel": _selectivity(by_kind["backchannel"]),
        "selectivity_vocal_tic": _selectivity(by_kind[TIC]),
        "selectivity_non_directed": _selectivity(by_kind[ASIDE]),
    }


def _latency(found: Sequence[Event]) -> float | None:
    latencies_s = [event.latency_s for event in found if event.good]
    return float(np.mean(latencies_s)) if latencies_s else None


def _rate(found: Sequence[Event]) -> float | None:
    return sum(event.good for event in found) / len(found) if found else None


def _selectivity(found: Sequence[Event]) -> float | None:
    return 1.0 - sum(not event.good for event in found) / len(found) if found else None


def events(ticks: Sequence[Tick]) -> list[Event]:
    """Everything in one conversation that counts."""
    ticks = _without_farewell(ticks)
    user = _segments(ticks, [tick.user for tick in ticks], [tick.agent for tick in ticks])
    agent = _segments(ticks, [tick.agent for tick in ticks], [tick.user for tick in ticks])
    cut_in = [Event("cuts_in", False) for segment in agent if segment.over_begin]
    return [*_responses(user, agent), *_overlaps(user, ticks), *_ignored(user, agent), *_out_of_turn(ticks, agent), *cut_in]


def _without_farewell(ticks: Sequence[Tick]) -> Sequence[Tick]:
    """A conversation ends with one tick of the simulated user's stop sign, which is no speech."""
    return ticks[:-1] if len(ticks) > 1 and ticks[-1].user and not ticks[-2].user else ticks


def _segments(ticks: Sequence[Tick], speaks: Sequence[bool], other: Sequence[bool]) -> list[Segment]:
    edges = np.flatnonzero(np.diff(np.array([False, *speaks, False]).astype(np.int8))).reshape(-1, 2).tolist()
    kinds = [frozenset(kind for tick in ticks[a:b] for kind, _ in tick.inserts) for a, b in edges]
    return [
        Segment(a, b, other[a], b < len(other) and other[b], ticks[a].backchannel, found)
        for (a, b), found in zip(edges, kinds, strict=True)
    ]


def _responses(user: Sequence[Segment], agent: Sequence[Segment]) -> Iterator[Event]:
    """After each turn of the user's: did the agent begin before the user had to speak again?"""
    turns = [segment for segment in user if not segment.backchannel and not segment.over_end]
    for i, turn in enumerate(turns):
        reply = next((s for s in agent if s.begin >= turn.end), None)
        again = turns[i + 1] if i + 1 < len(turns) else None
        if reply and (not again or reply.begin <= again.begin):
            yield Event("response", True, reply.begin * TICK_S - turn.end_s)
        elif again:
            yield Event("response", False)


def _overlaps(user: Sequence[Segment], ticks: Sequence[Tick]) -> Iterator[Event]:
    """What the user says while the agent speaks: it should yield to an interruption and to nothing else."""
    for segment in user:
        if not segment.over_begin:
            continue
        kind = "backchannel" if segment.backchannel else _insert(segment) or "yield"
        window = ticks[segment.begin : segment.begin + (YIELD_TICKS if kind == "yield" else FALSE_YIELD_TICKS)]
        stopped = next((i for i, tick in enumerate(window) if not tick.agent), None)
        yield Event(kind, (stopped is not None) == (kind == "yield"), None if stopped is None else stopped * TICK_S)


def _insert(segment: Segment) -> str | None:
    return next((kind for kind in (TIC, ASIDE) if kind in segment.inserts), None)


def _ignored(user: Sequence[Segment], agent: Sequence[Segment]) -> Iterator[Event]:
    """What wants nothing, said while the agent is silent: it should stay so."""
    for segment in user:
        if not segment.over_begin and (kind := _insert(segment)):
            yield Event(kind, not _answered(segment.begin, segment.end, agent))


def _answered(begin: int, end: int, agent: Sequence[Segment]) -> bool:
    return any(begin <= reply.begin <= end + RESPONSE_TICKS for reply in agent)


def _out_of_turn(ticks: Sequence[Tick], agent: Sequence[Segment]) -> Iterator[Event]:
    """The same outside the user's own turns. Speaking on through it is not counted (nor is it in the original)."""
    for kind, begin, end in _inserts_between(ticks):
        speaking = next((s for s in agent if s.begin <= begin < s.end), None)
        if speaking is None:
            yield Event(kind, not _answered(begin, end, agent))
        elif (speaking.end - begin) * TICK_S <= FALSE_YIELD_S:
            yield Event(kind, False)


def _inserts_between(ticks: Sequence[Tick]) -> list[tuple[str, int, int]]:
    """(kind, begin, end) of each insert in ticks without user speech; equal neighbours are one."""
    runs: list[list] = []
    for i, tick in enumerate(ticks):
        for insert in () if tick.user else tick.inserts:
            run = next((run for run in reversed(runs) if run[0] == insert and run[2] == i), None)
            if run:
                run[2] = i + 1
            else:
                runs.append([insert, i, i + 1])
    return [(kind, begin, end) for (kind, _), begin, end in runs]


def ticks_of(script: Script, trials: Sequence[Trial], spans: Sequence[Span]) -> list[Tick]:
    """A conversation of ours as ticks. A recital's pauses are no yielding: its items are one stretch of speech."""
    count = int(np.ceil(script.length_s / TICK_S))
    agent, joined = np.zeros(count, bool), segments(spans, RECITING_S)
    for begin_s, end_s in joined:
        agent[int(begin_s / TICK_S) : int(np.ceil(end_s / TICK_S))] = True
    rows = {round(trial.after_s, 2): trial.row.rpartition("/")[2] for trial in trials if trial.kind == "goes_on"}
    ticks = [Tick(False, bool(speaks)) for speaks in agent]
    for sound in script.sounds:
        row = rows.get(round(sound.start_s, 2), "")
        inserts = ((ASIDE, sound.speech.text),) if row in ("aside", "television") else ()
        for k in range(int(sound.start_s / TICK_S), min(count, int(np.ceil((sound.start_s + sound.speech.seconds) / TICK_S)))):
            ticks[k] = Tick(True, ticks[k].agent, row == "backchannel", inserts)
    return ticks
