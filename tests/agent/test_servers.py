"""A real MCP server over stdio, and one over streamable HTTP."""

import asyncio
import os
import signal
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import StdioServerParameters

from duologue.agent.background import Agent
from duologue.agent.servers import Server
from duologue.agent.tools import Toolbox
from tests.agent import mcp_server
from tests.agent.fake_openai import served
from tests.agent.talking import Talk
from tests.agent.test_tools import Desk

STDIO = StdioServerParameters(command=sys.executable, args=[mcp_server.__file__])


@pytest.fixture(scope="module")
def url():
    with served(mcp_server.server.streamable_http_app()) as address:
        yield f"{address}/mcp"


@asynccontextmanager
async def connected(server: Server):
    serving = asyncio.create_task(server.serve())
    try:
        await server.settled.wait()
        yield await server.listed()
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def use(where, desk: Desk, allowed=()) -> list[str]:
    async with connected(Server("atlas", where, allowed)) as tools:
        assert [t.name for t in tools] == ["capital_of", "write_note", "fail"]
        assert tools[0].description == "The capital of a country." and tools[0].schema["required"] == ["country"]
        box = Toolbox(tools, desk)
        return await box.call_all([("capital_of", {"country": "norway"}), ("fail", {})])


def test_tools_over_stdio_ask_unless_they_are_allowed():
    asking = Desk(allows=False)
    assert all("did not allow" in text for text in asyncio.run(use(STDIO, asking))) and len(asking.asked) == 2
    silent = Desk()
    capital, failure = asyncio.run(use(STDIO, silent, allowed=("capital_of", "fail")))
    assert "oslo" in capital and "atlas capital_of" in capital and silent.asked == []
    assert "error" in failure and "not today" in failure


def test_tools_over_streamable_http(url):
    capital, _ = asyncio.run(use(url, Desk(), allowed=("capital_of", "fail")))
    assert "oslo" in capital


def test_a_server_that_dies_is_an_error_text_and_is_started_again():
    async def story():
        async with connected(Server("atlas", STDIO, ("capital_of", "fail"))) as tools:
            server = tools[0].run.func.__self__
            dead = await Toolbox(tools, Desk()).call("fail", {"die": True})
            while server.tools in (tools, []):  # noqa: ASYNC110  what is waited for is its private matter
                await asyncio.sleep(0.01)
            alive = await Toolbox(server.tools, Desk()).call("capital_of", {"country": "norway"})
            return dead, alive

    dead, alive = asyncio.run(story())
    assert dead.startswith("error: fail failed") and "oslo" in alive


def test_a_server_that_will_not_go_is_gone_after_close(tmp_path):
    pid = tmp_path / "pid"
    server = Server("atlas", StdioServerParameters(command=sys.executable, args=[mcp_server.__file__, str(pid)]))
    agent = Agent(Asks(), servers=[server])
    while not server.tools:
        time.sleep(0.02)
    os.kill(int(pid.read_text()), 0)  # it is there
    agent.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), signal.SIGKILL)


def test_a_server_that_cannot_be_started_leaves_the_talk_alone(monkeypatch):
    monkeypatch.setattr("duologue.agent.board.EXPIRES_TURNS", 10**9)  # turns run faster than programs start
    monkeypatch.setattr("duologue.agent.servers.CONNECT_S", 120)  # and a slow machine starts them slowly
    missing = StdioServerParameters(command=str(Path("/no/such/server")))
    talk = Talk(Agent(Asks(), servers=[Server("none", missing), Server("atlas", STDIO, ("capital_of",))]))
    talk.repeats = True
    talk.asks("the capital of norway", "1")
    talk.until(lambda: talk.texts)
    assert talk.texts == ["The capital is oslo."]
    talk.agent.close()


class Asks:
    """Asks the server's tool."""

    async def answer(self, packet, tools):
        result = await tools.call("capital_of", {"country": "norway"})
        yield "The capital is oslo." if "oslo" in result else result
