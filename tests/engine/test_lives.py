"""Laws 2 and 4 over whole lives of sessions: whatever opens, closes, moves or fails around it, a session does what it would
have done alone, bit for bit."""

import threading
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from duologue.engine.engine import Engine
from duologue.engine.schedule import Schedule
from duologue.errors import SessionError
from duologue.live import Conversation
from tests.engine.made import same, talk

SEEDS, TURNS, CAPACITY = 3, 10, 4
LIVES = settings(max_examples=6, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def alone(voiced):
    """What each seed does alone, turn by turn."""

    @cache
    def outs(seed: int) -> list:
        conversation = Conversation(voiced=voiced, seed=seed)
        return [conversation.step(turn) for turn in talk(seed, TURNS)]

    return outs


def spoilt(turn):
    return replace(turn, pcm_S=turn.pcm_S + np.float32(np.nan))


class EngineLives(RuleBasedStateMachine):
    """Two engines, and sessions that live, move and die in them; ticks take any subset."""

    voiced, alone = None, None

    def __init__(self):
        super().__init__()
        self.engines = Engine(self.voiced, CAPACITY), Engine(self.voiced, CAPACITY)
        self.lives = []  # (engine, session)

    @precondition(lambda self: sum(engine is self.engines[0] for engine, _ in self.lives) < CAPACITY)
    @rule(seed=st.integers(0, SEEDS - 1))
    def open(self, seed):
        self.lives.append((self.engines[0], self.engines[0].open(seed)))

    @rule(data=st.data(), spoil=st.booleans(), times=st.integers(1, 4))
    def tick(self, data, spoil, times):
        for engine in self.engines * times:
            there = [s for e, s in self.lives if e is engine and s.next_turn < TURNS]
            if not there:
                continue
            due = {s: talk(s.seed, TURNS)[s.next_turn] for s in data.draw(st.lists(st.sampled_from(there), min_size=1, unique=True))}
            if spoil:
                with pytest.raises(SessionError, match="not numbers"):
                    engine.tick(due | {there[-1]: spoilt(talk(0, 1 + there[-1].next_turn)[-1])})
            for session, out in engine.tick(due).items():
                assert same(out, self.alone(session.seed)[out.index]), (session.seed, out.index)

    @precondition(lambda self: self.lives)
    @rule(data=st.data())
    def close(self, data):
        engine, session = self.lives.pop(data.draw(st.integers(0, len(self.lives) - 1)))
        engine.close(session)

    @precondition(lambda self: self.lives)
    @rule(data=st.data())
    def move(self, data):
        n = data.draw(st.integers(0, len(self.lives) - 1))
        engine, session = self.lives[n]
        other = self.engines[engine is self.engines[0]]
        if len(other.sessions) < CAPACITY:
            self.lives[n] = other, other.restore(engine.snapshot(session))
            engine.close(session)

    @invariant()
    def rows_are_kept(self):
        assert sorted((id(e), s.row) for e, s in self.lives) == sorted((id(e), row) for e in self.engines for row in e.sessions)


class LiveLives(RuleBasedStateMachine):
    """One schedule that ticks while sessions come, go and fail: closed sessions did a beginning of it, the others all."""

    voiced, alone = None, None

    def __init__(self):
        super().__init__()
        self.schedule = Schedule(Engine(self.voiced, CAPACITY), budget_ms=float("inf"))
        self.lives = []  # (live, seed, turns given, outputs, event at each output)

    @precondition(lambda self: len(self.lives) < CAPACITY)
    @rule(seed=st.integers(0, SEEDS - 1))
    def open(self, seed):
        outs, came = [], threading.Semaphore(0)
        live = self.schedule.open(lambda out: (outs.append(out), came.release()), seed=seed)
        self.lives.append([live, seed, 0, outs, came])

    @precondition(lambda self: self.lives)
    @rule(data=st.data(), count=st.integers(1, 5))
    def give(self, data, count):
        life = data.draw(st.sampled_from(self.lives))
        for turn in talk(life[1], TURNS)[life[2] : life[2] + count]:
            life[0].give(turn)
            life[2] += 1

    @precondition(lambda self: self.lives)
    @rule(data=st.data(), how=st.sampled_from(["close", "fail", "drop"]))
    def end(self, data, how):
        live, seed, given, outs, _ = self.lives.pop(data.draw(st.integers(0, len(self.lives) - 1)))
        if how == "fail":
            live.give(spoilt(talk(seed, given + 1)[-1]))
        if how != "drop":
            live.close()
        else:  # in the middle of a tick, by another thread
            thread = threading.Thread(target=live.close)
            thread.start()
            thread.join()
        self.check(seed, outs)

    def check(self, seed, outs):
        assert all(same(out, whole) for out, whole in zip(outs, self.alone(seed)))

    def teardown(self):
        for live, seed, given, outs, came in self.lives:
            assert all(came.acquire(timeout=600) for _ in range(given))
            assert len(outs) == given
            self.check(seed, outs)
            live.close()
        assert self.schedule.sessions == 0
        self.schedule.stop()


@pytest.mark.parametrize("machine", [EngineLives, LiveLives])
def test_whatever_happens_around_it_a_session_keeps_its_bits(machine, voiced, alone):
    bound = type(machine.__name__, (machine,), {"voiced": voiced, "alone": staticmethod(alone)})
    run_state_machine_as_test(bound, settings=LIVES)
