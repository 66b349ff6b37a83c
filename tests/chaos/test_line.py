"""Talks over a bad line: stalls, drops and reconnects. The session survives, gaps are marked, the talk goes on."""

import asyncio

from websockets.asyncio.client import connect

from tests.chaos.proxy import Proxy
from tests.server.stand_in import Client, pcm, running, start, type_in

PACKETS, DROPS = 60, (15, 30, 45)
AWAY_S = 0.05  # two turns at the server's speed: a client that is back within one has missed nothing


async def reach(proxy: Proxy) -> Client:
    return Client(await connect(f"ws://127.0.0.1:{proxy.port}/v1/live/sessions", subprotocols=["duologue.v1"], max_size=None))


async def listen(one: Client, events: list[dict]) -> None:
    while True:
        events.append(await one.get())


async def talk(server, events: list[dict]) -> tuple[str, int]:
    """Sound over the bad line, and back after each drop; the last words are asked for by name."""
    async with Proxy(server.port, seed=5, stall=0.05, stall_s=0.05) as proxy:
        one = await reach(proxy)
        token = (await start(one))["duologue"]["resume_token"]
        ear = asyncio.create_task(listen(one, events))
        for number in range(PACKETS):
            if number in DROPS:
                proxy.drop()
                await asyncio.gather(ear, return_exceptions=True)
                await asyncio.sleep(AWAY_S)
                one = await reach(proxy)
                last = max((e["turn"] for e in events if e["type"] == "session.turn"), default=-1)
                await one.send(type="session.resume", token=token, last_turn=last)
                await one.until("session.resumed")
                ear = asyncio.create_task(listen(one, events))
            await one.send(type="session.input_audio.append", audio=pcm(0.1))
            await asyncio.sleep(0.01)
        ear.cancel()
        await asyncio.gather(ear, return_exceptions=True)
        await type_in(one, "write all there")
        while not any(e.get("text") == "all there" for e in events):
            events.append(await one.get())
        await one.send(type="session.close")
        events.append(await one.until("session.closed"))
        return token, proxy.stalls


def test_a_talk_over_a_line_that_stalls_and_drops():
    events: list[dict] = []
    with running(speed=10.0) as server:
        _, stalls = asyncio.run(asyncio.wait_for(talk(server, events), 120))
        live = server.engine.all[-1]
    turns = [e["turn"] for e in events if e["type"] == "session.turn"]
    assert turns == list(range(len(turns))), "every turn was told once, in order, over four connections"
    assert len([e for e in events if e["type"] == "session.gap" and e["reason"] == "disconnected"]) >= 1
    assert len(server.engine.all) == 1 and stalls > 0
    assert sum(turn.missing_ms for turn in live.turns) > 0 and events[-1]["reason"] == "close_requested"
