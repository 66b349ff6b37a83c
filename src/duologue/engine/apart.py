"""A schedule in a process of its own, so that what a server does beside it never holds a tick up. Read `Apart` and `_serve`.

The engine lets go of the interpreter hundreds of times a tick; with a busy event loop in the same process each time can cost
it a wait. Everything goes through one pipe, in order: asked (number of the question or None, what, number of the session,
arguments), told ("out", "end" or "answer", which, value).
"""

import itertools
import logging
import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from duologue.engine.schedule import Live, Schedule
from duologue.errors import DuologueError, SessionError
from duologue.turn import TurnIn, TurnOut

log = logging.getLogger(__name__)
ASKERS = 4  # questions at once, most of which wait for a tick to end
READY = 0  # the question that nobody asks


@dataclass(slots=True)
class Far:
    """A session of the other process, known here by a number."""

    number: int
    next_turn: int


class Apart:
    """The same door as `Schedule`'s, errors and all; the context ends the other process. Fails as the engine does, with this process.

    Callbacks run on a thread of this process and must only hand over.
    """

    def __init__(self, make: Callable[[], Schedule]):
        """`make` is called in the other process; `ready` waits for it."""
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make), name="engine")
        self._process.start()
        theirs.close()
        self._lives: dict[int, Live] = {}
        self._answers: dict[int, Future] = {READY: Future()}
        self._numbers, self._sending, self._stopping = itertools.count(1), threading.RLock(), False
        threading.Thread(target=self._listen, name="engine", daemon=True).start()

    def __enter__(self) -> "Apart":
        return self

    def __exit__(self, *error) -> None:
        self.stop()

    def ready(self) -> None:
        """Waits until sessions can be opened. Raises what `make` raised, DuologueError as here."""
        self._answers[READY].result()

    @property
    def tick_ms(self) -> list[float]:
        """Milliseconds of recent ticks, the newest last."""
        return self._ask("tick_ms")

    @property
    def sessions(self) -> int:
        return len(self._lives)

    def open(self, on_out: Callable[[TurnOut], None], *, on_end: Callable[[SessionError], None] = lambda error: None, **wishes) -> Live:
        """As `Schedule.open`, which takes the wishes: seed, patience, snapshot."""
        number = next(self._numbers)
        live = self._lives[number] = Live(self, Far(number, 0), on_out, on_end)
        try:
            live.session.next_turn = self._ask("open", number, wishes)
        except DuologueError:
            del self._lives[number]
            raise
        return live

    def give(self, live: Live, turn: TurnIn) -> None:
        with self._sending:
            live.wait(turn, 0.0)
            self._send(None, "give", live.session.number, turn)

    def close(self, live: Live) -> None:
        self._forget(live, SessionError("the session is closed; open a new one"))
        self._ask("close", live.session.number)

    def snapshot(self, live: Live) -> bytes:
        if live.ended:
            raise live.ended
        return self._ask("snapshot", live.session.number)

    def record(self, live: Live, path: Path) -> None:
        self._ask("record", live.session.number, path)

    def stop(self) -> None:
        """Ends every session without another word, and the process."""
        self._stopping = True
        with self._sending, suppress(OSError):
            self._pipe.send(None)
        self._process.join()
        for live in list(self._lives.values()):
            self._forget(live, SessionError("the engine has stopped"))

    def _ask(self, what: str, number: int = 0, argument=None):
        """Has the other process do something, and waits for what comes of it."""
        question = next(self._numbers)
        answer = self._answers[question] = Future()
        self._send(question, what, number, argument)
        return answer.result()

    def _send(self, *asked) -> None:
        try:
            with self._sending:
                self._pipe.send(asked)
        except OSError as error:
            raise SessionError("the engine has stopped; no session can be opened or read") from error

    def _listen(self) -> None:
        try:
            while True:
                kind, number, value = self._pipe.recv()
                getattr(self, f"_{kind}")(number, value)
        except (EOFError, OSError):
            if not self._stopping:
                log.critical("the engine's process has ended, and this one does")
                _end_process()
        except Exception:
            log.critical("nobody takes what the engine tells any more, and the process ends", exc_info=True)
            _end_process()
        for answer in list(self._answers.values()):
            if not answer.done():
                answer.set_exception(SessionError("the engine has stopped; no session can be opened or read"))

    def _answer(self, question: int, value) -> None:
        answer = self._answers[READY] if question == READY else self._answers.pop(question)
        if isinstance(value, DuologueError):
            self._stopping |= question == READY  # then the other process ends, as it should
            answer.set_exception(value)
        else:
            answer.set_result(value)

    def _out(self, number: int, out: TurnOut) -> None:
        live = self._lives.get(number)
        if live is None:
            return
        live.session.next_turn = out.index + 1
        with self._sending:
            if live.waiting:
                live.waiting.popleft()
        try:
            live.on_out(out)
        except Exception as error:
            log.exception("a session's listener failed, and the session ends")
            self._end(number, SessionError(f"its listener failed: {error!r}"))

    def _end(self, number: int, error: SessionError) -> None:
        if live := self._lives.get(number):
            self._forget(live, error)
            live.on_end(error)
        with suppress(SessionError):  # if the other process has ended, `_listen` sees it next
            self._send(None, "close", number, None)

    def _forget(self, live: Live, why: SessionError) -> None:
        with self._sending:
            live.ended = live.ended or why
            live.waiting.clear()
        self._lives.pop(live.session.number, None)


class _Desk:
    """The other side: does what is asked, tells what comes."""

    def __init__(self, pipe: Connection, schedule: Schedule):
        self.schedule, self.lives = schedule, {}
        self.told = queue.SimpleQueue()  # so that a full pipe never holds a tick up
        self.askers = ThreadPoolExecutor(ASKERS)
        threading.Thread(target=self._tell, args=(pipe,), daemon=True).start()

    def _tell(self, pipe: Connection) -> None:
        with suppress(OSError):  # nobody listens any more, which `_serve` sees too
            while True:
                pipe.send(self.told.get())

    def take(self, question: int | None, what: str, number: int, argument) -> None:
        if what == "give":
            with suppress(SessionError):  # a session that has ended meanwhile, which has been told
                self.live(number).give(argument)
        else:
            self.askers.submit(self._answer, question, what, number, argument)

    def _answer(self, question: int | None, what: str, number: int, argument) -> None:
        try:
            value = getattr(self, what)(number, argument)
        except DuologueError as error:
            value = error
        except Exception:
            log.critical("the engine failed, and its process ends", exc_info=True)
            _end_process()
        if question is not None:
            self.told.put(("answer", question, value))

    def live(self, number: int) -> Live:
        """Questions overtake each other: it may have been closed meanwhile."""
        if live := self.lives.get(number):
            return live
        raise SessionError("the session is closed; open a new one")

    def open(self, number: int, wishes: dict) -> int:
        told = lambda kind: lambda value: self.told.put((kind, number, value))  # noqa: E731
        live = self.lives[number] = self.schedule.open(told("out"), on_end=told("end"), **wishes)
        return live.next_turn

    def close(self, number: int, _) -> None:
        if live := self.lives.pop(number, None):
            live.close()

    def snapshot(self, number: int, _) -> bytes:
        return self.live(number).snapshot()

    def record(self, number: int, path: Path) -> None:
        self.live(number).record(path)

    def tick_ms(self, *_) -> list[float]:
        return self.schedule.tick_ms


def _end_process() -> None:
    """At once: nobody can say which sessions are still right."""
    logging.shutdown()
    os._exit(70)


def _serve(pipe: Connection, make: Callable[[], Schedule]) -> None:
    """The other process: until it is told to stop or nobody is there any more. Signals are for the one that asks."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    sys.setswitchinterval(5e-4)  # the engine would wait 5 ms for the thread that takes turns in
    try:
        schedule = make()
    except DuologueError as error:
        return pipe.send(("answer", READY, error))
    desk = _Desk(pipe, schedule)
    desk.told.put(("answer", READY, None))
    with suppress(EOFError, OSError):
        for asked in iter(pipe.recv, None):
            desk.take(*asked)
    schedule.stop()
