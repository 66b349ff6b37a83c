"""The schedule: one thread that owns the engine and ticks whenever turns are due. Read `Schedule._round` first.

Turns that come while a tick runs make up the next one, so that batches grow with the load by themselves. A session's turns
run in order, back to back when they are late, at most one in a tick; none is skipped.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from duologue.engine.engine import Engine
from duologue.engine.log import SessionLog
from duologue.engine.pace import RECENT, Pace
from duologue.engine.session import Session
from duologue.errors import DuologueError, SessionError
from duologue.turn import TURN_MS, TurnIn, TurnOut

if TYPE_CHECKING:
    from duologue.engine.apart import Apart, Far

log = logging.getLogger(__name__)
BACKLOG = 300  # turns that may wait in a session: a minute


class Live:
    """A session that a schedule runs. Its callbacks run on the engine's thread and must only hand over."""

    def __init__(self, schedule: "Schedule | Apart", session: "Session | Far", on_out, on_end):
        self._schedule, self.session = schedule, session
        self.on_out, self.on_end = on_out, on_end
        self.waiting: deque[tuple[TurnIn, float]] = deque()  # turns, and when they came
        self.ended: SessionError | None = None
        self.log: SessionLog | None = None
        self.patience: float | None = None  # goes with the next turn given

    def give(self, turn: TurnIn) -> None:
        """The next turn, at any time, from any thread. Raises SessionError once the session has ended."""
        if self.patience is not None:
            turn, self.patience = replace(turn, patience=self.patience), None
        self._schedule.give(self, turn)

    def wait(self, turn: TurnIn, came_s: float) -> None:
        """Puts a turn behind those that wait; for the schedule, which holds its lock. Raises SessionError."""
        if self.ended:
            raise self.ended
        if len(self.waiting) >= BACKLOG:
            raise SessionError(f"{BACKLOG} turns are waiting; send them no faster than the session answers")
        self.waiting.append((turn, came_s))

    def record(self, path: Path) -> None:
        """Writes the session from here on to a file that `duologue replay` proves. Raises DataError."""
        self._schedule.record(self, path)

    def close(self) -> None:
        """Ends the session; turns that wait are dropped and no callback comes after this. Twice is once."""
        self._schedule.close(self)

    def snapshot(self) -> bytes:
        """All of the session between two of its turns; turns that still wait are not in it (`next_turn` of the restored one
        says where it goes on)."""
        return self._schedule.snapshot(self)

    @property
    def next_turn(self) -> int:
        """Index of the next turn that the engine will run."""
        return self.session.next_turn


class Schedule:
    """Runs the sessions of an engine, which nobody else may touch then."""

    def __init__(self, engine: Engine, budget_ms: float = 150.0, clock: Callable[[], float] = time.monotonic, remember: int = RECENT):
        """`budget_ms`: what a tick may take with all sessions due; `remember`: ticks that `tick_ms` holds."""
        self._engine, self._clock = engine, clock
        self._pace = Pace(budget_ms, remember, clock)
        self._lives: set[Live] = set()
        self._asked: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    @property
    def tick_ms(self) -> list[float]:
        """Milliseconds of recent ticks, the newest last."""
        return self._pace.tick_ms

    @property
    def sessions(self) -> int:
        return len(self._lives)

    def open(
        self,
        on_out: Callable[[TurnOut], None],
        *,
        seed: int = 0,
        patience: float = 0.0,
        snapshot: bytes | None = None,
        on_end: Callable[[SessionError], None] = lambda error: None,
    ) -> Live:
        """A new session, or one that goes on from a snapshot. Waits for the running tick to end.

        Raises SessionError when there is no room: every row is taken, or one more would make ticks too slow.
        `on_end` is called when the session is ended by a fault of its own.
        """
        return self._ask(lambda: self._open(on_out, on_end, seed, patience, snapshot))

    def give(self, live: Live, turn: TurnIn) -> None:
        with self._changed:
            live.wait(turn, self._clock())
            if live.log:
                live.log.came(turn)
            self._changed.notify()

    def close(self, live: Live) -> None:
        self._ask(lambda: self._forget(live, SessionError("the session is closed; open a new one")))

    def snapshot(self, live: Live) -> bytes:
        return self._ask(lambda: self._snapshot(live))

    def record(self, live: Live, path: Path) -> None:
        self._ask(lambda: self._record(live, path))

    def stop(self) -> None:
        """Ends every session without another word, and the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()

    def _ask(self, work: Callable):
        """Has the engine's thread do something between two ticks, and waits for what comes of it."""
        assert threading.current_thread() is not self._thread, "callbacks must only hand over"
        answer = Future()
        with self._changed:
            if self._stopping:
                raise SessionError("the engine has stopped; no session can be opened or read")
            self._asked.append(lambda: _answer(answer, work))
            self._changed.notify()
        return answer.result()

    def _run(self) -> None:
        """A fault of the engine ends the process: nobody can say which sessions are still right."""
        try:
            self._pace.measure(self._engine)
            while not self._stopping:
                self._round()
            for live in list(self._lives):
                self._forget(live, SessionError("the engine has stopped"))
        except Exception:
            log.critical("the engine failed, and the process ends", exc_info=True)
            logging.shutdown()
            os._exit(70)

    def _round(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._asked or any(live.waiting for live in self._lives))
            asked = [self._asked.popleft() for _ in range(len(self._asked))]
        for work in asked:
            work()
        with self._changed:
            due = {live: live.waiting.popleft() for live in self._lives if live.waiting}
        if due:
            self._tick(due)

    def _tick(self, due: Mapping[Live, tuple[TurnIn, float]]) -> None:
        now = self._clock()
        fit = {live: turn for live, (turn, _) in due.items() if self._fits(live, turn)}
        outs = self._engine.tick({live.session: turn for live, turn in fit.items()}) if fit else {}
        self._pace.note(len(fit), (self._clock() - now) * 1000)
        for live in fit:
            late = (now - due[live][1]) * 1000 > TURN_MS
            self._hand_over(live, replace(outs[live.session], late=late))

    def _fits(self, live: Live, turn: TurnIn) -> bool:
        try:
            live.session.check(turn)
        except SessionError as error:
            self._end(live, error)
            return False
        return True

    def _hand_over(self, live: Live, out: TurnOut) -> None:
        if live.log:
            live.log.did(out)
        try:
            live.on_out(out)
        except Exception as error:
            log.exception("a session's listener failed, and the session ends")
            self._end(live, SessionError(f"its listener failed: {error!r}"))

    def _end(self, live: Live, error: SessionError) -> None:
        self._forget(live, error)
        live.on_end(error)

    def _open(self, on_out, on_end, seed: int, patience: float, snapshot: bytes | None) -> Live:
        self._pace.admit(len(self._lives))
        session = self._engine.restore(snapshot) if snapshot else self._engine.open(seed, patience)
        live = Live(self, session, on_out, on_end)
        self._lives.add(live)
        return live

    def _forget(self, live: Live, why: SessionError) -> None:
        if live.ended:
            return
        with self._changed:
            live.ended = why
            live.waiting.clear()
            if live.log:
                live.log.close()
        self._lives.discard(live)
        self._engine.close(live.session)

    def _snapshot(self, live: Live) -> bytes:
        if live.ended:
            raise live.ended
        return self._engine.snapshot(live.session)

    def _record(self, live: Live, path: Path) -> None:
        begun = self._snapshot(live) if live.next_turn else None
        log = SessionLog(path, self._engine.voiced, live.session, begun)
        with self._changed:
            for turn, _ in live.waiting:
                log.came(turn)
            live.log = log


def _answer(answer: Future, work: Callable) -> None:
    """The mistakes of who asked are theirs; anything else is a fault of the engine."""
    try:
        answer.set_result(work())
    except DuologueError as error:
        answer.set_exception(error)
