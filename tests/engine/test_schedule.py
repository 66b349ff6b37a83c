"""The schedule: turns from any thread, late ones back to back, one session's fault alone, room only where there is time."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

from duologue.engine.apart import Apart
from duologue.engine.engine import Engine
from duologue.engine.log import replay
from duologue.engine.pace import Pace
from duologue.engine.schedule import BACKLOG, Schedule
from duologue.errors import DataError, SessionError
from duologue.live import Conversation
from duologue.turn import SAMPLES_PER_TURN, silence
from tests.engine.made import same, small_schedule, talk

LONG = 600  # seconds; nothing here depends on how fast the machine is


class Listener:
    """Keeps what comes, and says when enough has come."""

    def __init__(self, turns: int = 1):
        self.outs, self.error, self.turns, self.enough = [], None, turns, threading.Event()

    def out(self, out):
        self.outs.append(out)
        if len(self.outs) == self.turns:
            self.enough.set()

    def end(self, error):
        self.error = error
        self.enough.set()


@pytest.fixture(params=[small_schedule, lambda: Apart(small_schedule)], ids=["here", "apart"])
def schedule(request):
    """In this process, and in one of its own."""
    schedule = request.param()
    yield schedule
    schedule.stop()


def test_a_scheduled_session_does_what_a_stepped_one_does(voiced, schedule):
    alone, listeners = Conversation(voiced=voiced, seed=7), [Listener(12) for _ in range(3)]
    lives = [Conversation.on(schedule, listener.out, seed=seed) for listener, seed in zip(listeners, (1, 7, 2))]
    for turns in zip(talk(4, 12), talk(1, 12), talk(5, 12)):
        for live, turn in zip(lives, turns):
            live.give(turn)
    assert all(listener.enough.wait(LONG) for listener in listeners)
    assert [o.index for o in listeners[1].outs] == list(range(12))
    assert all(same(alone.step(t), out) for t, out in zip(talk(1, 12), listeners[1].outs))
    for live in lives:
        live.close()
        live.close()
    assert schedule.sessions == 0 and len(schedule.tick_ms) >= 12


def test_a_fault_ends_its_session_alone(schedule):
    bad, good = Listener(), Listener(3)
    worse, live = schedule.open(bad.out, on_end=bad.end), schedule.open(good.out)
    worse.give(replace(silence(0), pcm_S=np.full(SAMPLES_PER_TURN, np.inf, np.float32)))
    for turn in talk(1, 3):
        live.give(turn)
    assert bad.enough.wait(LONG) and good.enough.wait(LONG)
    assert "not numbers" in str(bad.error) and not bad.outs and schedule.sessions == 1
    for use in (lambda: worse.give(silence(0)), worse.snapshot):
        with pytest.raises(SessionError, match="not numbers"):
            use()
    worse.close()


def test_a_listener_that_fails_ends_its_session_alone(schedule):
    bad, good = Listener(), Listener(2)
    broken = schedule.open(lambda out: 1 / 0, on_end=bad.end)
    live = schedule.open(good.out)
    broken.give(silence(0))
    live.give(silence(0))
    live.give(silence(1))
    assert bad.enough.wait(LONG) and good.enough.wait(LONG)
    assert "ZeroDivisionError" in str(bad.error) and schedule.sessions == 1


def test_a_closed_session_says_nothing_more(schedule):
    listener = Listener(1)
    live = schedule.open(listener.out)
    for k in range(50):
        live.give(silence(k))
    assert listener.enough.wait(LONG)
    live.close()
    said = len(listener.outs)
    other = Listener(3)
    neighbour = schedule.open(other.out)
    for k in range(3):
        neighbour.give(silence(k))
    assert other.enough.wait(LONG) and len(listener.outs) == said
    with pytest.raises(SessionError, match="is closed"):
        live.give(silence(50))


def test_turns_given_too_fast_are_refused(schedule):
    hold, blocked = threading.Event(), threading.Event()
    blocker, live = schedule.open(lambda out: (blocked.set(), hold.wait(LONG))), schedule.open(Listener().out)
    blocker.give(silence(0))
    assert blocked.wait(LONG)
    for k in range(BACKLOG):
        live.give(silence(k))
    with pytest.raises(SessionError, match="turns are waiting"):
        live.give(silence(BACKLOG))
    hold.set()


def test_late_turns_say_so(voiced):
    now = [0.0]
    schedule = Schedule(Engine(voiced, 2), budget_ms=float("inf"), clock=lambda: now[0])
    hold, blocked, listener = threading.Event(), threading.Event(), Listener(4)
    blocker = schedule.open(lambda out: (blocked.set(), hold.wait(LONG)))
    live = schedule.open(listener.out)
    blocker.give(silence(0))
    assert blocked.wait(LONG)
    for k, at in enumerate((0.0, 0.2, 0.4, 0.6)):
        now[0] = at
        live.give(silence(k))
    now[0] = 0.5
    hold.set()
    assert listener.enough.wait(LONG)
    assert [(o.index, o.late) for o in listener.outs] == [(0, True), (1, True), (2, False), (3, False)]
    schedule.stop()


def test_a_recorded_session_replays_with_the_same_bits(voiced, schedule, tmp_path):
    listener = Listener(8)
    live = schedule.open(listener.out, seed=3)
    live.record(tmp_path / "session.jsonl")
    for turn in talk(1, 8):
        if turn.index == 4:
            live.patience = -1e9
        live.give(turn)
    assert listener.enough.wait(LONG)
    live.close()
    assert all(out.speak for out in listener.outs[4:])
    assert replay(tmp_path / "session.jsonl", voiced) == (8, 0)


def test_a_snapshot_moves_a_live_session(voiced, schedule):
    first, then, alone = Listener(5), Listener(4), Conversation(voiced=voiced, seed=7)
    live = schedule.open(first.out, seed=7)
    for turn in talk(1, 5):
        live.give(turn)
    assert first.enough.wait(LONG)
    other = Schedule(Engine(voiced, 1), budget_ms=float("inf"))
    moved = Conversation.on(other, then.out, snapshot=live.snapshot())
    live.close()
    assert moved.next_turn == 5
    for turn in talk(1, 9)[5:]:
        moved.give(turn)
    assert then.enough.wait(LONG)
    assert all(same(alone.step(t), out) for t, out in zip(talk(1, 9), first.outs + then.outs))
    other.stop()


def test_room_is_given_by_measured_time():
    pace = Pace(budget_ms=150)
    pace.fit({1: 15.0, 4: 30.0})  # 10 ms, and 5 for each session
    assert pace.predict(4) == pytest.approx(30.0) and pace.predict(28) == pytest.approx(150.0)
    pace.admit(27)
    with pytest.raises(SessionError, match="busy: with 29 sessions a tick would take 155 ms of 150"):
        pace.admit(28)
    for _ in range(100):
        pace.note(4, 60.0)  # the machine has become half as fast
    with pytest.raises(SessionError, match="busy"):
        pace.admit(13)
    pace.admit(12)


def test_room_comes_back_when_heavy_ticks_are_over():
    now = [0.0]
    pace = Pace(budget_ms=150, clock=lambda: now[0])
    pace.fit({1: 15.0, 4: 30.0})
    for _ in range(100):
        pace.note(28, 900.0)  # six times as long as they should take
    with pytest.raises(SessionError, match="busy"):
        pace.admit(4)
    now[0] = 10.0
    pace.admit(27)


def test_a_small_tick_that_waited_does_not_stand_for_the_large_ones():
    pace = Pace(budget_ms=150)
    pace.fit({1: 15.0, 4: 30.0})
    pace.note(1, 45.0)
    for _ in range(9):
        pace.note(22, 120.0)
    assert pace.predict(4) == pytest.approx(30.0 * 1125 / 1095)


def test_the_first_session_is_never_refused():
    pace = Pace(budget_ms=1)
    pace.fit({1: 15.0})
    pace.admit(0)


def test_a_stopped_schedule_refuses(voiced):
    schedule = Schedule(Engine(voiced, 1))
    live = schedule.open(lambda out: None)
    schedule.stop()
    with pytest.raises(SessionError, match="stopped"):
        live.give(silence(0))
    with pytest.raises(SessionError, match="stopped"):
        schedule.open(lambda out: None)


FAILING = """
import time
from duologue.engine.schedule import Schedule
class Engine:
    capacity = 1
    def open(self, seed, patience): raise ZeroDivisionError("the engine is broken")
Schedule(Engine())
time.sleep(600)
"""


def test_a_fault_of_the_engine_ends_the_process_loudly():
    ended = subprocess.run([sys.executable, "-c", FAILING], capture_output=True, text=True, timeout=LONG)
    assert ended.returncode == 70
    assert "the engine failed" in ended.stderr and "the engine is broken" in ended.stderr


APART = """
import os, signal, sys, time
from duologue.engine.apart import Apart
from tests.engine.made import small_schedule
schedule = Apart(small_schedule)
schedule.ready()
print(schedule._process.pid, flush=True)
time.sleep(600)
"""


def started() -> tuple[subprocess.Popen, int]:
    """A process with its engine apart, and the number of the engine's."""
    process = subprocess.Popen([sys.executable, "-c", APART], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return process, int(process.stdout.readline())


def test_an_engine_apart_takes_its_process_with_it():
    process, engine = started()
    os.kill(engine, signal.SIGKILL)
    _, said = process.communicate(timeout=LONG)
    assert process.returncode == 70 and "the engine's process has ended" in said


def test_an_engine_apart_ends_when_nobody_is_there():
    process, engine = started()
    os.kill(engine, signal.SIGTERM)  # is for the one that asks
    process.kill()
    process.communicate(timeout=LONG)  # ends when nobody holds its output any more, the engine's process neither


def test_a_question_about_a_closed_session_harms_nobody_else():
    with Apart(small_schedule) as schedule:
        listener = Listener(1)
        live, gone = schedule.open(listener.out), schedule.open(Listener().out)
        gone.close()
        for what in ("snapshot", "record"):  # as if asked in the same instant
            with pytest.raises(SessionError, match="is closed"):
                schedule._ask(what, gone.session.number)
        schedule._send(None, "give", gone.session.number, silence(0))
        live.give(silence(0))
        assert listener.enough.wait(LONG)


def broken():
    raise DataError("the weights are broken")


def test_an_engine_apart_that_cannot_start_says_why():
    with Apart(broken) as schedule, pytest.raises(DataError, match="the weights are broken"):
        schedule.ready()
