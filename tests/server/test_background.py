"""Delegation on the wire: the server's own background side answers unless the client owns it, and never both."""

import asyncio

import pytest

from duologue.agent.background import Agent
from duologue.agent.planner import Planner, builtin_tools
from tests.server.stand_in import client, running, type_in


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


def test_a_client_that_owns_its_delegations_is_left_alone(server):
    async def talk():
        async with client(server) as one:
            await ask(one, {"delegation": {"type": "client"}})
            created = await one.until("session.delegation.created")
            assert created["delegation"]["target"] == "client"
            for _ in range(10):
                await one.until("session.turn")
            assert not [e for e in one.seen if e["type"] == "session.task"]
            await one.send(type="session.commentary.append", content="forty two", delegation_id=created["delegation"]["id"])
            await one.until("session.turn", notes=[{"source": "background", "text": "forty two"}])

    run(talk())
