"""The client of a session as its background model, over a real socket: what it is handed, and what becomes of what it finds."""

import asyncio
import threading

import pytest
from openai import AsyncOpenAI
from openai.types.live import DelegationCreatedEvent

from tests.server.stand_in import Client, client, eventually, running, start, type_in


@pytest.fixture
def server():
    with running(speed=4.0) as one:
        yield one


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 120))


async def handed(one: Client, order: str = "do 4") -> dict:
    """The model hands something on; the event that says so."""
    await type_in(one, order)
    return await one.until("session.delegation.created")


async def comment(one: Client, id: str | None, text: str, **more) -> None:
    await one.send(type="session.commentary.append", delegation_id=id, content=text, **more)
    await one.until("session.commentary.appended")


def told(one: Client, source: str = "background") -> list[str]:
    """The notes that the model has had so far."""
    turns = [event for event in one.seen if event["type"] == "session.turn"]
    return [note["text"] for turn in turns for note in turn["notes"] if note["source"] == source]


async def until_told(one: Client, text: str) -> None:
    await one.until("session.turn", notes=[{"source": "background", "text": text}])


def closed(one: Client) -> list[tuple[str, str]]:
    return [(e["delegation_id"], e["reason"]) for e in one.seen if e["type"] == "session.delegation.closed"]


def test_the_task_comes_with_the_whole_conversation_and_final_ends_it(server):
    async def talk():
        async with client(server) as one:
            history = [{"role": "user", "content": [{"text": "i live in oslo"}]}]
            await one.send(type="session.start", session={"model": "x", "instructions": "Be brief.", "input": history})
            await type_in(one, "will it rain")
            event = await handed(one)
            id, context = event["delegation"]["id"], event["context"]
            assert context["id"] == id and context["request"].startswith("will it rain")
            assert context["instructions"] == "Be brief." and context["log"][0]["text"] == "i live in oslo"
            assert context["media"][0]["ref"].startswith("sound:") and "data" not in context["media"][0]
            await comment(one, id, "It rains.", final=True)
            await one.until("session.delegation.closed", delegation_id=id, reason="done")
            tasks = [e["task"]["id"] for e in one.seen if e["type"] == "session.task"]
            assert set(tasks) == {id}, "the same id on every event"
            await until_told(one, "It rains.")

    run(talk())


def test_the_next_sentence_comes_when_the_model_has_said_the_last(server):
    async def talk():
        async with client(server) as one:
            await start(one)
            id = (await handed(one))["delegation"]["id"]
            await comment(one, id, "It rains in Oslo all day long. Take an umbrella.", final=True)
            await until_told(one, "It rains in Oslo all day long.")
            for _ in range(10):
                await one.until("session.turn", notes=[])
            await type_in(one, "write it rains in oslo all day long")
            await until_told(one, "Take an umbrella.")

    run(talk())


def test_two_tasks_in_flight_keep_their_answers_apart(server):
    async def talk():
        async with client(server) as one:
            await start(one)
            first, second = await handed(one, "do 2"), await handed(one, "do 3")
            ids = [event["delegation"]["id"] for event in (first, second)]
            assert [task["id"] for task in second["context"]["pending"]] == ids[:1]
            await comment(one, ids[1], "Second.", final=True)
            await comment(one, ids[0], "First.", final=True)
            while len(told(one)) < 2:
                await one.until("session.turn")
                await type_in(one, "write first second")
            assert sorted(told(one)) == ["First.", "Second."]
            while len(closed(one)) < 2:
                await one.get()
            assert sorted(closed(one)) == sorted((id, "done") for id in ids)

    run(talk())


def test_after_a_correction_the_late_answer_to_the_old_question_is_dropped(server):
    async def talk():
        async with client(server) as one:
            await start(one)
            old = (await handed(one))["delegation"]["id"]
            event = await handed(one, "do 4 instead")
            new = event["delegation"]["id"]
            assert event["context"]["supersedes"] == old and closed(one) == [(old, "superseded")]
            await comment(one, old, "It rains in Oslo.")
            await comment(one, new, "It is dry in Rome.", final=True)
            await until_told(one, "It is dry in Rome.")
            for _ in range(10):
                await one.until("session.turn")
            assert told(one) == ["It is dry in Rome."]
            await one.send(type="session.thinking.append", delegation_id=old, content="still looking")
            await one.until("session.thinking.appended")
            for _ in range(3):
                await one.until("session.turn")
            assert told(one, "memory") == []
            return old

    old = run(talk())
    (session,) = server.host.sessions.values()
    assert (old, "stale", "It rains in Oslo.") in [event[1:4] for event in session.agent.events]


def test_a_cancelled_task_is_closed(server):
    async def talk():
        async with client(server) as one:
            await start(one)
            id = (await handed(one))["delegation"]["id"]
            await type_in(one, "drop")
            await one.until("session.delegation.closed", delegation_id=id, reason="cancelled")

    run(talk())


def test_a_task_that_its_client_leaves_alone_expires(server, monkeypatch):
    monkeypatch.setattr("duologue.agent.board.EXPIRES_TURNS", 10)

    async def talk():
        async with client(server) as one:
            await start(one)
            id = (await handed(one))["delegation"]["id"]
            await one.until("session.delegation.closed", delegation_id=id, reason="expired")
            await until_told(one, "failed: it took too long")

    run(talk())


def test_without_final_it_is_done_after_a_while_and_what_comes_still_later_is_a_note(server, monkeypatch):
    monkeypatch.setattr("duologue.agent.client.QUIET_S", 0.3)

    async def talk():
        async with client(server) as one:
            await start(one)
            id = (await handed(one))["delegation"]["id"]
            await one.send(type="session.thinking.append", delegation_id=id, content="i am looking")
            await one.until("session.turn", notes=[{"source": "memory", "text": "i am looking"}])
            await comment(one, id, "One moment.")
            await one.until("session.delegation.closed", delegation_id=id, reason="done")
            await comment(one, id, "It rains.")
            await until_told(one, "It rains.")
            assert told(one, "tool") == []

    run(talk())


@pytest.mark.parametrize(
    ("owner", "more", "what"),
    [
        ("client", {"delegation_id": "7.0"}, "no delegation '7.0'"),
        ("client", {"delegation_id": None, "final": True}, "name it"),
        ("responses", {"delegation_id": "7.0"}, "no delegation '7.0'"),
    ],
)
def test_an_answer_to_nothing_is_refused_and_the_talk_goes_on(server, owner, more, what):
    async def talk():
        async with client(server) as one:
            await one.send(type="session.start", session={"model": "x", "delegation": {"type": owner}})
            await one.send(type="session.commentary.append", content="It rains.", **more)
            error = (await one.until("error"))["error"]
            assert error["code"] == "invalid_event" and error["param"] == "delegation_id" and what in error["message"]
            await comment(one, None, "It snows.")
            await until_told(one, "It snows.")
            assert told(one) == ["It snows."]

    run(talk())


def test_openais_own_client_can_be_the_background_model(server):
    async def talk():
        async with AsyncOpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="x").live.connect() as live:
            await live.session.start(session={"model": "gpt-live-1", "delegation": {"type": "client"}})
            await live.session.instructions.append(content="do 4", delegation_id=None)
            events = []
            async for event in live:
                events.append(event.type)
                if event.type == "session.delegation.created":
                    break
            DelegationCreatedEvent.model_validate(event.model_dump(), strict=True)
            assert set(event.model_dump(exclude_none=True)) == {"type", "event_id", "delegation", "offset_ms"}
            await live.session.commentary.append(content="It rains. Take care.", delegation_id=event.delegation.id)
            notes = lambda: [note.text for turn in server.engine.all[-1].turns for note in turn.notes]  # noqa: E731
            await eventually(lambda: "It rains." in notes())
            await live.session.close()
            async for event in live:
                events.append(event.type)
            return events, notes()

    events, notes = run(talk())
    assert notes.count("It rains.") == 1 and events[-1] == "session.closed"
    assert not {"error", "session.task", "session.delegation.closed"} & set(events)


def test_a_task_that_was_handed_out_while_the_client_was_away_is_handed_out_when_it_is_back(server):
    async def talk():
        async with client(server) as one:
            token = (await start(one))["duologue"]["resume_token"]
            done, open_ = (await handed(one))["delegation"]["id"], (await handed(one))["delegation"]["id"]
            await comment(one, done, "It rains.", final=True)
            await one.until("session.delegation.closed", delegation_id=done)
            await type_in(one, "do 5")
            last = (await one.until("session.turn", typed="do 5"))["turn"]
            one.socket.transport.abort()
        (session,) = server.host.sessions.values()
        await eventually(lambda: len(session.handed) == 3)
        new = list(session.handed)[-1]
        async with client(server) as two:
            await two.send(type="session.resume", token=token, last_turn=last)
            event = await two.until("session.delegation.created")
            assert event["delegation"]["id"] == new and event["context"]["id"] == new
            await comment(two, new, "It snows.", final=True)
            await comment(two, open_, "It hails.", final=True)
            await two.until("session.delegation.closed", delegation_id=open_, reason="done")
            assert closed(two) == [(new, "done"), (open_, "done")]

    run(talk())


def test_a_client_that_has_lost_everything_gets_what_is_open_and_how_things_stand(server, monkeypatch):
    monkeypatch.setattr("duologue.server.log.KEPT", 3)

    async def talk():
        async with client(server) as one:
            token = (await start(one))["duologue"]["resume_token"]
            await type_in(one, "show card buy milk")
            await one.until("session.interface")
            done, open_ = (await handed(one))["delegation"]["id"], (await handed(one))["delegation"]["id"]
            await comment(one, done, "It rains.", final=True)
            await one.until("session.delegation.closed")
            for _ in range(10):
                await one.until("session.turn")
            one.socket.transport.abort()
        async with client(server) as two:
            await two.send(type="session.resume", token=token)
            event = await two.until("session.delegation.created")
            assert event["delegation"]["id"] == open_ and event["context"]["id"] == open_
            states = {e["task"]["id"]: e["task"]["state"] for e in two.seen if e["type"] == "session.task"}
            assert states == {done: "delivered", open_: "working"}
            assert [e["spec"]["text"] for e in two.seen if e["type"] == "session.interface"] == ["buy milk"]

    run(talk())


def test_it_costs_no_thread_and_what_it_was_handed_ends_with_it(server):
    async def talk():
        before = set(threading.enumerate())
        async with client(server) as one:
            await start(one)
            await handed(one)
            assert "background" not in {thread.name for thread in set(threading.enumerate()) - before}
            (session,) = server.host.sessions.values()
            assert session.client.open
            await one.send(type="session.close")
            await one.until("session.closed")
        await eventually(lambda: not session.client.open)

    run(talk())
