"""Figures for Prometheus. Read `render` first; percentiles are of the last ticks, as the schedule keeps them."""

from collections.abc import Callable, Sequence

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from duologue.server.log import Ended, Turned


class Metrics:
    """`tick_ms` gives the durations of the last ticks."""

    def __init__(self, tick_ms: Callable[[], Sequence[float]]):
        self.tick_ms = tick_ms
        self.registry = CollectorRegistry()
        one = {"registry": self.registry}
        self.sessions = Gauge("duologue_sessions", "Conversations that go on", **one)
        self.connected = Gauge("duologue_connections", "Open WebSockets", **one)
        self.queue = Gauge("duologue_queue_turns", "Turns that the engine owes", **one)
        self.tick = Gauge("duologue_tick_ms", "Duration of a tick", ["quantile"], **one)
        self.opened = Counter("duologue_sessions_opened", "Conversations begun", **one)
        self.turns = Counter("duologue_turns", "Micro-turns", **one)
        self.late = Counter("duologue_late_turns", "Micro-turns that came after their time", **one)
        self.missing = Counter("duologue_missing_seconds", "Sound that never came", **one)
        self.unplayed = Counter("duologue_unplayed_seconds", "Own sound that was never heard", **one)
        self.ended = Counter("duologue_sessions_ended", "Conversations over, by why", ["why"], **one)
        self.refused = Counter("duologue_refused", "Connections and sessions turned away, by why", ["why"], **one)

    def count(self, entry: Turned | Ended) -> None:
        """One entry of a session's log."""
        if isinstance(entry, Ended):
            self.ended.labels(entry.fault.code if entry.fault else entry.reason).inc()
        if isinstance(entry, Turned):
            self.turns.inc()
            self.late.inc(entry.out.late)
            self.missing.inc(entry.turn.missing_ms / 1000)
            self.unplayed.inc(entry.turn.unplayed_ms / 1000)

    def render(self, sessions: Sequence) -> bytes:
        """The text that Prometheus reads."""
        self.sessions.set(len(sessions))
        self.queue.set(sum(len(session.given) for session in sessions))
        recent = np.array(list(self.tick_ms()) or [0.0])
        for percent in (50, 95, 99):
            self.tick.labels(f"{percent / 100:.2f}").set(float(np.percentile(recent, percent)))
        return generate_latest(self.registry)


