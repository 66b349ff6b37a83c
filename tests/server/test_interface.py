"""Generated interface over the wire: what an agent shows is told as it is, and a click is a note of a later turn."""

import asyncio

import pytest

from duologue.agent import ui
from duologue.agent.background import Agent
from duologue.agent.builtin.chart import charts
from duologue.agent.tools import tool
from tests.server.stand_in import client, running, start, type_in

SENT = []


def send(text: str) -> str:
    """Sends a text."""
    SENT.append(text)
    return "sent"


class Obliging:
    """A background model that uses the tool that the request names."""

    async def answer(self, packet, tools):
        if "chart" in packet.request:
            arguments = {"title": "High", "labels": ["Mon", "Tue"], "values": [9, 11]}
            yield await tools.call("chart", arguments)
        else:
            yield await tools.call("send", {"text": "hello"})


@pytest.fixture
def server():
    SENT.clear()
    with running(speed=1.0) as one:
        one.host.agents = lambda instructions: Agent(Obliging(), [charts(), tool(send)], instructions=instructions)
        yield one


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 120))


async def ask(one, request: str) -> dict:
    """The interface that a request leads to."""
    await start(one)
    await type_in(one, request)
    await type_in(one, "do 4")
    return await one.until("session.interface")


async def click(one, text: str) -> None:
    await one.send(type="session.input_text.append", text=text, source="ui")


async def carried(one, text: str) -> dict:
    """The turn that carries a click."""
    while {"source": "ui", "text": text} not in (turn := await one.until("session.turn"))["notes"]:
        pass
    return turn


def test_a_chart_of_a_tool_reaches_the_client_as_it_is(server):
    async def talk():
        async with client(server) as one:
            return await ask(one, "a chart please")

    shown = run(talk())
    spec = ui.parse(shown["spec"])
    assert isinstance(spec, ui.Chart) and shown["id"] == spec.id and spec.title == "High"
    assert spec.values == [{"label": "Mon", "value": 9.0}, {"label": "Tue", "value": 11.0}]


@pytest.mark.parametrize("button, sent, how", [("allow", ["hello"], "allowed"), ("deny", [], "denied")])
def test_a_click_on_a_question_is_a_note_and_its_answer(server, button, sent, how):
    async def talk():
        async with client(server) as one:
            card = (await ask(one, "send it"))["spec"]
            assert card["buttons"] == ["allow", "deny"] and "may i use send" in card["title"]
            await click(one, f"{card['id']} {button}")
            turn = await carried(one, f"{card['id']} {button}")
            settled = await one.until("session.interface", id=card["id"])
            while not any(e["type"] == "session.task" and e["task"]["state"] == "done" for e in one.seen):
                await one.get()
            await click(one, f"{card['id']} {button}")
            error = await one.until("error")
            return turn, settled["spec"], [e["task"] for e in one.seen if e["type"] == "session.task"], error["error"]

    turn, settled, tasks, error = run(talk())
    assert (settled["text"], settled.get("buttons", [])) == (how, [])
    states = [task["state"] for task in tasks]
    assert states[:3] == ["asked", "working", "question"] and how in states
    assert sent == SENT and turn["turn"] > tasks[0]["turn"]
    assert error["code"] == "invalid_event" and "cannot be clicked" in error["message"]


def test_the_buttons_go_when_the_task_is_given_up(server):
    async def talk():
        async with client(server) as one:
            card = (await ask(one, "send it"))["spec"]
            await type_in(one, "drop all")
            settled = (await one.until("session.interface", id=card["id"]))["spec"]
            return settled, [e["task"]["state"] for e in one.seen if e["type"] == "session.task"]

    settled, states = run(talk())
    assert settled["text"] == "no longer asked" and not settled.get("buttons")
    assert states[-1] == "cancelled" and "denied" not in states and not SENT


def test_what_the_model_itself_shows_can_be_clicked(server):
    async def talk():
        async with client(server) as one:
            await start(one)
            await type_in(one, "show timer 300 tea")
            shown = await one.until("session.interface")
            await click(one, f"{shown['id']} stop")
            return shown["spec"], await carried(one, f"{shown['id']} stop")

    spec, turn = run(talk())
    assert (spec["kind"], spec["seconds"], spec["title"]) == ("timer", 300, "tea")
    assert turn["turn"] > int(spec["id"].split(".")[0])
