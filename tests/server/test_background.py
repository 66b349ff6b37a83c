"""Delegation on the wire: the server's own background side answers unless the client owns it, and never both."""

import asyncio
from threading import Event

import pytest

from duologue.agent.backends import Scripted
from duologue.agent.background import Agent
from duologue.agent.planner import Planner
from duologue.agent.tools import tool
from duologue.errors import BackendError
from tests.server.stand_in import client, eventually, planner_tools, running, start, type_in


@pytest.fixture(scope="module")
def server():
    tools = planner_tools()
    with running(speed=1.0) as one:  # a slow machine has a minute for the answer
        one.host.agents = lambda instructions: Agent(Planner(), tools, instructions=instructions)
        yield one


REPLIES = {
    "rome": [(0.1, "It rains in Rome.\n"), (3600, "Or not.")],
    "oslo": [(3600, "It rains in Oslo.")],
    "train": [(0.1, BackendError("gone", spoken="there is no connection"))],
}


@pytest.fixture(scope="module")
def slow():
    """A server whose background side takes an hour."""
    with running(speed=1.0) as one:
        one.host.agents = lambda instructions: Agent(Scripted(REPLIES), instructions=instructions)
        yield one


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 120))


async def ask(one, session: dict) -> dict:
    await one.send(type="session.start", session={"model": "x", **session})
    started = await one.until("session.started")
    await type_in(one, "what is seven times six")
    await one.until("session.turn", typed="what is seven times six")
    await type_in(one, "do 4")
    return started


def test_the_servers_own_background_side_answers_with_a_note(server):
    async def talk():
        async with client(server) as one:
            started = await ask(one, {})
            assert started["session"]["delegation"]["type"] == "responses"
            created = await one.until("session.delegation.created")
            assert created["delegation"]["target"] == "responses"
            while True:
                event = await one.get()
                if event["type"] == "session.turn" and event["notes"]:
                    return event["notes"]

    notes = run(talk())
    assert notes[0]["source"] == "background" and "forty two" in notes[0]["text"].lower().replace("-", " ")


def changes(one) -> list[dict]:
    return [event for event in one.seen if event["type"] == "session.task"]


async def until_over(one, task: str | None = None) -> list[dict]:
    """All changes of a task (the only one, if none is named) up to its last."""
    while not any(not e["task"]["active"] and task in (None, e["task"]["id"]) for e in changes(one)):
        await one.get()
    return [event for event in changes(one) if task in (None, event["task"]["id"])]


def test_a_task_is_told_of_from_its_asking_until_its_answer_has_been_spoken(server):
    async def talk():
        async with client(server) as one:
            await ask(one, {})
            delivered = await until_state(one, "delivered")
            await type_in(one, f"tell {delivered['text']}")
            return await until_over(one)

    told = run(talk())
    tasks = [event["task"] for event in told]
    assert [task["state"] for task in tasks] == ["asked", "working", "partial", "done", "delivered", "spoken"]
    assert {(task["id"], task["turn"]) for task in tasks} == {(tasks[0]["id"], int(tasks[0]["id"].split(".")[0]))}
    assert all(task["request"].startswith("what is seven times six") for task in tasks)
    assert tasks[2]["text"] == tasks[4]["text"] == "seven times six is forty two."
    assert [task["active"] for task in tasks] == [True] * 5 + [False]
    at_ms = [event["offset_ms"] for event in told]
    assert at_ms == sorted(at_ms) and at_ms[0] == 200 * (tasks[0]["turn"] + 1) and at_ms[1] - at_ms[0] == 800


async def until_state(one, state: str) -> dict:
    while not (found := [e["task"] for e in changes(one) if e["task"]["state"] == state]):
        await one.get()
    return found[0]


def test_a_task_that_is_corrected_or_given_up_is_told_of_as_that(slow):
    async def talk():
        async with client(slow) as one:
            await start(one)
            await type_in(one, "weather in oslo")
            await type_in(one, "do 4")
            first = await until_state(one, "working")
            await type_in(one, "i mean weather in rome")
            await type_in(one, "do 1 instead")
            old = await until_over(one, first["id"])
            new = (await until_state(one, "partial"))["id"]
            await type_in(one, "drop")
            return old, await until_over(one, new)

    for told, end in zip(run(talk()), (["superseded"], ["partial", "cancelled"]), strict=True):
        states = [event["task"]["state"] for event in told if event["task"]["state"] != "delivered"]
        assert states == ["asked", "working", *end]
        assert all("weather in" in event["task"]["request"] for event in told)
    assert "rome" in told[-1]["task"]["request"]


def test_a_task_that_fails_is_over_when_that_has_been_spoken(slow):
    async def talk():
        async with client(slow) as one:
            await start(one)
            await type_in(one, "train")
            await type_in(one, "do 1")
            await until_state(one, "delivered")
            await type_in(one, "tell there is no connection")
            return await until_over(one)

    tasks = [event["task"] for event in run(talk())]
    assert [task["state"] for task in tasks] == ["asked", "working", "failed", "delivered", "spoken"]
    assert tasks[2]["text"] == "there is no connection" and tasks[2]["active"]


def test_a_client_that_owns_its_delegations_gets_no_second_answer(server):
    async def talk():
        async with client(server) as one:
            await ask(one, {"delegation": {"type": "client"}})
            created = await one.until("session.delegation.created")
            assert created["delegation"]["target"] == "client"
            for _ in range(10):
                assert not (await one.until("session.turn"))["notes"]
            await one.send(type="session.commentary.append", content="forty two", delegation_id=created["delegation"]["id"])
            await one.until("session.turn", notes=[{"source": "background", "text": "forty two"}])

    run(talk())


class Recites:
    """Answers with what it was told of the session."""

    async def answer(self, packet, tools):
        yield f"{packet.instructions} {packet.log[0].text} {packet.log[1].text}."


def test_instructions_and_what_was_before_reach_the_background_model():
    message = [{"role": role, "content": [{"text": text}]} for role, text in (("user", "pear"), ("assistant", "plum"))]

    async def talk(own):
        async with client(own) as one:
            await ask(one, {"instructions": "apple", "input": message, "delegation": {"type": "responses"}})
            await one.until("session.turn", notes=[{"source": "background", "text": "apple pear plum."}])

    with running() as own:
        own.host.agents = lambda instructions: Agent(Recites(), instructions=instructions)
        run(talk(own))


class Sends:
    """Does what changes the world, and then says so."""

    async def answer(self, packet, tools):
        result = await tools.call("send", {"text": "hello"})
        yield "It is sent." if "sent" in result else "It is not."


def send(text: str) -> str:
    """Sends a text."""
    return f"sent {text}"


def test_what_happened_to_tasks_and_page_while_nobody_listened_is_told_on_resume():
    async def talk(own):
        async with client(own) as one:
            token = (await ask(one, {}))["duologue"]["resume_token"]
            last = (await one.until("session.turn", typed="do 4"))["turn"]
            one.socket.transport.abort()
        (session,) = own.host.sessions.values()
        await eventually(lambda: session.agent.questions)  # asked while nobody was there
        async with client(own) as two:
            await two.send(type="session.resume", token=token, last_turn=last)
            card = await two.until("session.interface")
            assert card["spec"]["buttons"] == ["allow", "deny"]
            await two.send(type="session.input_text.append", text=f"{card['id']} allow", source="ui")
            while {"source": "ui", "text": f"{card['id']} allow"} not in (turn := await two.until("session.turn"))["notes"]:
                pass
            last = turn["turn"]
            two.socket.transport.abort()
        await eventually(lambda: any(event.what == "done" for event in session.agent.events))
        async with client(own) as three:
            await three.send(type="session.resume", token=token, last_turn=last)
            assert (await three.until("session.resumed"))["turn"] > last
            await three.until("session.gap")
            return [e["task"]["state"] for e in three.seen if e["type"] == "session.task"], three.seen

    with running() as own:
        own.host.agents = lambda instructions: Agent(Sends(), [tool(send)], instructions=instructions)
        states, seen = run(talk(own))
    assert "done" in states and not any(event["spec"].get("buttons") for event in seen if event["type"] == "session.interface")


class Held(Agent):
    """An agent that is made, or closed, only when the test lets it."""

    entered, lets = Event(), Event()

    @classmethod
    def hold(cls) -> None:
        cls.entered.set()
        assert cls.lets.wait(60)

    @classmethod
    def again(cls) -> None:
        cls.entered.clear()
        cls.lets.clear()


class SlowToMake(Held):
    def __init__(self, *about):
        self.hold()
        super().__init__(Planner())


class SlowToClose(Held):
    def close(self) -> None:
        self.hold()
        super().close()


@pytest.mark.parametrize("slow", [SlowToMake, SlowToClose])
def test_a_background_side_that_is_slow_to_come_or_go_holds_nobody_up(slow):
    async def talk(server):
        async with client(server) as one, client(server) as two:
            await start(one)
            slow.again()
            server.host.agents = slow
            await two.send(type="session.start", session={"model": "x", "delegation": {"type": "responses"}})
            if slow is SlowToClose:
                await two.until("session.started")
                await two.send(type="session.close")
            await eventually(slow.entered.is_set)
            for _ in range(5):
                await one.until("session.turn")
            slow.lets.set()
            await two.until("session.closed" if slow is SlowToClose else "session.started")

    with running() as server:
        run(talk(server))
