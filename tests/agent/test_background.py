"""The agent in a conversation: what goes to the background side, and what comes back when."""

import asyncio
import json

import pytest

from duologue.agent import board as b
from duologue.agent.backends import Scripted
from duologue.agent.background import Agent
from duologue.agent.board import HEAR_TURNS
from duologue.agent.loops import Threaded
from duologue.agent.work import Limits, pause_s
from duologue.errors import BackendError
from duologue.turn import Call, Note
from tests.agent.talking import Talk, out, stepped, turn_in, turn_loop

WEATHER = {"oslo": [(1.0, "It rains in Oslo. Take an umbrella. ")], "rome": [(1.0, "The sun shines in Rome.")]}


class Listening(Scripted):
    """Keeps what it was sent, and counts what was cancelled."""

    def __init__(self, replies):
        super().__init__(replies)
        object.__setattr__(self, "packets", [])
        object.__setattr__(self, "cancelled", [])

    __slots__ = ("cancelled", "packets")

    async def answer(self, packet, tools):
        self.packets.append(packet)
        try:
            async for piece in Scripted.answer(self, packet, tools):
                yield piece
        except asyncio.CancelledError:
            self.cancelled.append(packet.id)
            raise


def test_an_answer_comes_sentence_by_sentence_and_is_spoken():
    talk = stepped(Scripted(WEATHER))
    id = talk.asks("what's the weather in oslo")
    talk.wait(40)
    assert talk.texts == ["It rains in Oslo.", "Take an umbrella."]
    asked = talk.turn - 40
    assert talk.got[0][0] == pytest.approx(asked + HEAR_TURNS + 5, abs=1)  # one second after the request was heard out
    assert talk.what(id) == [
        "asked", "working", "partial", "partial", "done", "delivered", "delivered", "spoken",
    ]  # fmt: skip


def test_the_packet_has_the_words_that_came_after_the_call():
    backend = Listening(WEATHER)
    talk = stepped(backend)
    talk.asks("hello")
    talk.wait(60)
    talk.asks("what's the weather in")
    talk.step("oslo")
    talk.wait(20)
    first, second = backend.packets
    assert second.request == "what's the weather in oslo" and first.request == "hello"
    assert next(e.text for e in second.log if e.lane == "heard") == "hello"
    assert second.media[0].kind == "sound" and second.id == f"{second.asked}.0"
    about = [event.request for event in talk.agent.events if event.task == second.id]
    assert about[:2] == ["what's the weather in", "what's the weather in oslo"] and set(about[1:]) == {about[1]}


def test_tasks_run_side_by_side_and_know_of_each_other():
    backend = Listening(WEATHER | {"rome": [(0.2, "The sun shines in Rome.")]})
    talk = stepped(backend)
    first = talk.asks("weather in oslo", "2")
    talk.wait(8)
    second = talk.asks("weather in rome", "1")
    talk.wait(40)
    assert {t.id: t.state for t in talk.agent.board.tasks.values()} == {first: "done", second: "done"}
    assert [t.id for t in backend.packets[1].pending] in ([first], [])
    assert set(talk.texts) == {"It rains in Oslo.", "Take an umbrella.", "The sun shines in Rome."}


def test_a_correction_stops_the_old_task_and_its_answer_never_comes():
    backend = Listening({"oslo": [(2.0, "It rains in Oslo.")], "rome": [(1.0, "The sun shines in Rome.")]})
    talk = stepped(backend)
    old = talk.asks("weather in oslo", "1")
    talk.wait(6)
    new = talk.asks("no i mean rome", "1 instead")
    talk.wait(40)
    assert talk.texts == ["The sun shines in Rome."]
    assert backend.cancelled == [old] and talk.what(old)[-1] == "superseded" and backend.packets[1].supersedes == old
    assert talk.what(new)[-1] == "spoken"


def test_cancel_stops_the_work():
    backend = Listening(WEATHER)
    talk = stepped(backend)
    id = talk.asks("weather in oslo")
    talk.wait(6)
    talk.calls("cancel")
    talk.wait(40)
    assert talk.texts == [] and backend.cancelled == [id] and talk.what(id)[-1] == "cancelled"


def test_a_cancelled_task_that_has_not_begun_never_begins():
    backend = Listening(WEATHER)
    talk = stepped(backend)
    talk.asks("weather in oslo")
    talk.calls("cancel")
    talk.wait(20)
    assert backend.packets == [] and talk.texts == []


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ([(0.1, BackendError("status 500"))], "failed: there is no connection"),
        ([(0.1, ValueError("a mistake in a backend"))], "failed: something went wrong"),
        ([], "failed: there was no answer"),
        ([(50.0, "too late")], "failed: it took too long"),
    ],
)
def test_a_failure_is_a_note_that_says_why(reply, told):
    talk = stepped(Scripted({"oslo": reply}))
    id = talk.asks("weather in oslo")
    talk.wait(270)
    assert talk.texts == [told] and "failed" in talk.what(id)


def test_another_attempt_is_made_while_nothing_has_been_told():
    class Flaky(Listening):
        __slots__ = ()

        async def answer(self, packet, tools):
            self.packets.append(packet)
            if len(self.packets) < 3:
                raise BackendError("status 503", retry=True)
            yield "It rains."

    backend = Flaky(WEATHER)
    talk = stepped(backend, limits=Limits(attempts=3, backoff_s=1.0))
    id = talk.asks("weather in oslo")
    asked = talk.turn
    talk.wait(40)
    assert talk.texts == ["It rains."] and len(backend.packets) == 3
    pauses_s = [pause_s(1.0, id, attempt) for attempt in (0, 1)]
    assert 0.5 <= pauses_s[0] <= 1.5 and 1 <= pauses_s[1] <= 3 and pauses_s[1] != 2 * pauses_s[0]
    assert talk.got[0][0] == pytest.approx(asked + HEAR_TURNS + sum(pauses_s) * 5, abs=1)


@pytest.mark.parametrize(("wait_s", "attempts"), [(2.0, 2), (9.0, 1), (3600.0, 1)])
def test_a_backend_that_says_when_to_come_back_is_heeded_within_the_task_s_time(wait_s, attempts):
    class Busy(Listening):
        __slots__ = ()

        async def answer(self, packet, tools):
            self.packets.append(packet)
            if len(self.packets) == 1:
                raise BackendError("status 429", retry=True, wait_s=wait_s)
            yield "It rains."

    backend = Busy(WEATHER)
    talk = stepped(backend, limits=Limits(seconds=8.0, backoff_s=0.1))
    talk.asks("weather in oslo")
    asked = talk.turn
    talk.wait(60)
    assert len(backend.packets) == attempts
    if attempts == 1:  # told at once, for it would not come in time
        assert talk.texts == ["failed: there is no connection"] and talk.got[0][0] < asked + HEAR_TURNS + 3
    else:
        assert talk.texts == ["It rains."] and talk.got[0][0] >= asked + HEAR_TURNS + 10


class Spending(Listening):
    """Each attempt costs as many tokens as it sends and says."""

    __slots__ = ()

    async def answer(self, packet, tools):
        self.packets.append(packet)
        with tools.budget.request(4_000, 1_000) as request:
            request.used = 1_500
            raise BackendError("half a stream", retry=True)
        yield ""


@pytest.mark.parametrize(
    ("limits", "attempts"), [(Limits(tokens=3_200), [2]), (Limits(tokens=9_000, conversation_tokens=6_200), [3, 1])]
)
def test_tokens_are_spent_by_all_attempts_and_all_tasks_together(limits, attempts):
    backend = Spending(WEATHER)
    talk = stepped(backend, limits=limits)
    asked = []
    for _ in attempts:
        asked.append(talk.asks("weather in oslo"))
        talk.wait(40)
    assert [sum(p.id == id for p in backend.packets) - 1 for id in asked][-1] == attempts[-1]
    assert talk.texts[-1] == "failed: that would cost too much"
    assert talk.agent.budget.spent == 1_500 * sum(attempts) == talk.agent.snapshot()["tokens"]


def test_what_was_spent_stays_spent_after_a_resume():
    talk = stepped(Spending(WEATHER))
    talk.asks("weather in oslo")
    talk.wait(40)
    again = Agent(Spending(WEATHER), loop=turn_loop())
    again.resume(talk.agent.snapshot())
    assert again.budget.spent == 4_500


def test_half_an_answer_is_not_asked_for_again():
    half = Listening({"oslo": [(0.1, "It rains. "), (0.1, BackendError("lost", retry=True))]})
    talk = stepped(half)
    talk.asks("weather in oslo")
    talk.wait(30)
    assert talk.texts == ["It rains.", "failed: there is no connection"] and len(half.packets) == 1


def test_too_many_tasks_at_once_are_refused():
    talk = stepped(Scripted(WEATHER), limits=Limits(tasks=2))
    ids = [talk.calls("delegate", "1") for _ in range(3)]
    talk.wait(2)
    assert talk.what(ids[2]) == ["asked", "failed", "delivered"] and talk.texts == [
        "failed: too much is going on at once"
    ]


def test_a_turn_heard_again_changes_nothing():
    backend = Listening(WEATHER)
    agent = Agent(backend, loop=turn_loop())
    for _ in range(2):
        for k in range(10):
            agent.hear(turn_in(k), out(k, "oslo", calls=(Call("delegate", "1"),) if k == 2 else ()))
    assert len(agent.board.tasks) == len(backend.packets) == 1 and len(agent.record.log) == 11
    agent.close()


def test_a_resumed_agent_asks_open_tasks_again_under_their_ids_and_tells_each_sentence_once():
    replies = {"oslo": [(0.2, "It rains in Oslo. "), (3.0, "Take an umbrella. ")], "rome": [(0.1, "The sun shines.")]}
    talk = stepped(Listening(replies))
    done = talk.asks("weather in rome", "1")
    talk.wait(12)
    open_ = talk.asks("weather in oslo", "1")
    talk.wait(9)
    assert talk.texts == ["The sun shines.", "It rains in Oslo."]
    saved = json.loads(json.dumps(talk.agent.snapshot()))
    talk.agent.close()
    backend = Listening(replies)
    agent = Agent(backend, loop=turn_loop())
    agent.resume(saved)
    talk.agent = agent
    talk.wait(40)
    assert [p.id for p in backend.packets] == [open_]
    assert talk.texts == ["The sun shines.", "It rains in Oslo.", "Take an umbrella."]
    assert talk.what(done)[-1] == "spoken" and backend.packets[0].request == "weather in oslo"


def test_a_note_that_no_turn_carried_before_the_line_was_cut_comes_after_the_resume():
    talk = stepped(Scripted(WEATHER))
    talk.asks("weather in oslo")
    while not talk.agent.notes():
        talk.agent.hear(turn_in(talk.turn), out(talk.turn))
        talk.turn += 1
    saved = talk.agent.snapshot()
    again = Agent(Scripted(WEATHER), loop=turn_loop())
    again.resume(saved)
    assert again.notes() == (Note("background", "It rains in Oslo."),)


def test_the_talk_goes_on_while_twenty_tasks_hang():
    loop = Threaded()
    talk = Talk(Agent(Scripted({"oslo": [(3600.0, "never")]}), loop=loop))
    for _ in range(20):
        talk.asks("oslo", "1")
    talk.until(lambda: sum(t.state == "working" for t in talk.agent.board.tasks.values()) == 20)
    talk.calls("cancel", "all")
    talk.until(lambda: not asyncio.all_tasks(loop.loop))
    assert all(t.state == "cancelled" for t in talk.agent.board.tasks.values())
    talk.agent.close()
    loop.close()
    assert not loop.thread.is_alive()


def test_silence_costs_nothing():
    talk = stepped(Scripted(WEATHER))
    talk.asks("weather in oslo")
    talk.wait(50)
    before = len(json.dumps(talk.agent.snapshot()))
    talk.wait(2 * b.EXPIRES_TURNS)
    assert len(json.dumps(talk.agent.snapshot())) - before < 20
