"""The server with a real engine, a small random model in it: neighbours, pictures, patience and drops, and every session's
recording lived again has the same bits."""

import asyncio
import os
import stat
from functools import partial
from types import SimpleNamespace

from duologue.engine.engine import Engine
from duologue.engine.log import replay
from duologue.engine.schedule import Schedule
from duologue.live import Conversation
from tests.server.stand_in import client, eventually, pcm, running, start, type_in


async def talk(server, number: int) -> None:
    """Sound, text and a change of patience; every second one is dropped and comes back."""
    async with client(server) as one:
        token = (await start(one, seed=number))["duologue"]["resume_token"]
        await one.send(type="session.input_audio.append", audio=pcm(0.5, hz=200 + 100 * number))
        await type_in(one, "hello there")
        await one.send(type="session.patience.set", patience=-8)
        while (turn := (await one.until("session.turn"))["turn"]) < 6:
            pass
        if number % 2:
            one.socket.transport.abort()
        else:
            await one.send(type="session.close")
            await one.until("session.closed")
    if number % 2:
        async with client(server) as one:
            await one.send(type="session.resume", token=token, last_turn=turn)
            await one.until("session.resumed")
            await one.until("session.turn", turn=turn + 4)
            await one.send(type="session.close")
            await one.until("session.closed")


def test_recorded_sessions_lived_again_have_the_same_bits(voiced, tmp_path):
    schedule = Schedule(Engine(voiced, 4), budget_ms=1e9)
    engine = SimpleNamespace(open=partial(Conversation.on, schedule))

    async def all_of_them(server):
        await asyncio.gather(*(talk(server, number) for number in range(4)))
        await eventually(lambda: not schedule.sessions)

    try:
        with running(speed=1.0, engine=engine, record=tmp_path, sessions=4) as server:
            asyncio.run(asyncio.wait_for(all_of_them(server), 200))
    finally:
        schedule.stop()
    files = sorted(tmp_path.iterdir())
    assert len(files) == 4
    for path in files:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, "nobody else reads it"
        turns, differing = replay(path, voiced)
        assert turns >= 7 and differing == 0


def test_a_session_that_cannot_be_recorded_does_not_begin(voiced, tmp_path):
    schedule = Schedule(Engine(voiced, 1), budget_ms=1e9)

    async def refused(server):
        async with client(server) as one:
            await one.send(type="session.start", session={"model": "x"})
            error = (await one.until("error"))["error"]
            assert "cannot record" in error["message"] and str(tmp_path) not in error["message"]

    try:
        with running(speed=1.0, engine=SimpleNamespace(open=partial(Conversation.on, schedule)), record=tmp_path / "no") as server:
            asyncio.run(asyncio.wait_for(refused(server), 100))
            assert not schedule.sessions and not server.host.opening
    finally:
        schedule.stop()
