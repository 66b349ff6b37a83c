"""Delegation on the wire: the server's own background side answers unless the client owns it, and never both."""

import asyncio
from threading import Event

import pytest

from duologue.agent.background import Agent
from duologue.agent.planner import Planner, builtin_tools
from duologue.agent.tools import tool
from tests.server.stand_in import client, eventually, running, start, type_in


@pytest.fixture(scope="module")
def server():
    with running(speed=1.0) as one:  # a slow machine has a minute for the answer
        one.host.agents = lambda instructions: Agent(Planner(), builtin_tools(), instructions=instructions)
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
                    return event["notes"], [e["task"]["state"] for e in one.seen if e["type"] == "session.task"]

    notes, states = run(talk())
    assert notes[0]["source"] == "background" and "forty two" in notes[0]["text"].lower().replace("-", " ")
    assert states and states[0] == "open"


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
    assert states[-1] == "done" and "session.interface" not in {event["type"] for event in seen}


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
