"""From a user's options to what stands behind the interaction model."""

import asyncio
import json
import shlex
import sys
from pathlib import Path

import pytest
from mcp import StdioServerParameters

from duologue.agent.behind import Behind, _server, agents
from duologue.agent.hosted import Hosted
from duologue.agent.planner import Planner
from duologue.agent.tools import Toolbox
from duologue.errors import ConfigError
from duologue.turn import Call
from tests.agent import mcp_server
from tests.agent.fake_openai import Endpoint, served
from tests.agent.talking import QUIET, Talk
from tests.agent.test_tools import Desk

ATLAS = shlex.join([sys.executable, mcp_server.__file__])
HOUSE = '''
"""A module of somebody's own."""
from datetime import date as day
from duologue.agent.tools import tool

LIGHTS = {"kitchen": True}

def light(room: str) -> bool:
    """Whether a light is on."""
    return LIGHTS[room]

async def switch(room: str, on: bool = True) -> str:
    LIGHTS[room] = on
    return "done"

def _hidden(x: int) -> int:
    return x

rooms = tool(lambda: list(LIGHTS), changes=False, trusted=True)
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the user is; what was imported from it is forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def made(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")
    opened = []

    def make(**options):
        opened.append(agents(Behind(**options))("be brief"))
        return opened[-1]

    yield make
    for agent in opened:
        agent.close()


def test_without_a_model_the_planner_answers(made):
    agent = made()
    assert isinstance(agent.backend, Planner) and agent.instructions == "be brief"
    assert any(tool.name == "calculate" for tool in agent.tools)


def test_a_model_at_an_endpoint(made):
    agent, other = made(model="some", base_url="http://localhost:9/v1"), made(model="some")
    assert isinstance(agent.backend, Hosted) and agent.backend.model == "some" and agent.backend.api == "chat"
    assert str(agent.backend.client.base_url) == "http://localhost:9/v1/" and agent.backend is not other.backend


def test_tool_servers_by_command_and_by_url():
    command, url = _server("no-such-command --root 'a b'"), _server("http://localhost:9/mcp")
    assert command.where == StdioServerParameters(command="no-such-command", args=["--root", "a b"])
    assert (url.where, url.name) == ("http://localhost:9/mcp", "localhost:9")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"base_url": "http://localhost:9/v1"}, "--model"),
        ({"mcp": ("",)}, "--mcp is empty"),
        ({"mcp": ("run 'it",)}, "No closing quotation"),
        ({"takes": "sound"}, "--takes sound needs --model"),
        ({"tokens": 9}, "--tokens 9 needs --model"),
        ({"model": "some", "takes": "sound,smell"}, "--takes sound,smell: 'smell' is none of sound, picture"),
        ({"allow": ("nothing",)}, "--allow nothing: there is no such tool; there are calculate, now"),
    ],
)
def test_a_mistake_is_said_in_a_line(options, said):
    with pytest.raises(ConfigError, match=said):
        agents(Behind(**options))


def test_only_an_endpoint_of_one_s_own_needs_no_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    agents(Behind(model="some", base_url="http://localhost:9/v1"))
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        agents(Behind(model="some"))


def test_what_the_model_takes_reaches_the_endpoint(made):
    endpoint = Endpoint()
    with served(endpoint.app) as url:
        for takes in ("sound, picture", "picture", None):
            talk = Talk(made(model="ok", base_url=f"{url}/v1", takes=takes), repeats=True)
            talk.step("look", image=(QUIET[:1].astype("uint8") + 9).repeat(120 * 160 * 3).reshape(120, 160, 3))
            talk.asks("weather in oslo", "2")
            talk.until(lambda talk=talk: talk.texts)
    sent = [json.dumps(body) for _, body in endpoint.requests]
    assert [("input_audio" in text, "image_url" in text) for text in sent] == [(True, True), (False, True), (False, False)]


def test_the_tokens_of_a_conversation_are_the_user_s_to_set(made):
    talk = Talk(made(model="ok", base_url="http://localhost:9/v1", tokens=150), repeats=True)
    talk.asks("weather in oslo", "1")
    talk.until(lambda: talk.texts)
    assert talk.texts == ["failed: that would cost too much"]


def test_functions_of_ones_own_are_tools_that_ask_unless_they_are_allowed(made, folder):
    (folder / "house.py").write_text(HOUSE)
    tools = {tool.name: tool for tool in made(tools=("house",), allow=("light",)).tools}
    assert set(tools) >= {"light", "switch", "<lambda>", "calculate"} and not {"_hidden", "tool", "day"} & set(tools)
    assert tools["light"].description == "Whether a light is on." and tools["light"].schema["required"] == ["room"]
    desk = Desk(allows=False)
    box = Toolbox(tools.values(), desk)
    switched = asyncio.run(box.call("switch", {"room": "kitchen"}))
    found = asyncio.run(box.call("light", {"room": "kitchen"}))
    assert "did not allow" in switched and json.loads(found)["data"] == "true"
    assert desk.asked == ['may i use switch with room "kitchen"?']


def test_one_function_can_be_chosen(made, folder):
    (folder / "house.py").write_text(HOUSE)
    names = [tool.name for tool in made(tools=("house:switch", "house:rooms")).tools]
    assert names[:2] == ["switch", "<lambda>"] and "light" not in names


WRONG = {
    "untyped": ("def f(a, b: int): pass", "f has no type for a; write one, such as `a: str`"),
    "unknown": ("def f(a: 'Nowhere'): pass", "the types of f cannot be used"),
    "strange": ("class C: pass\ndef f(a: C): pass", "the types of f cannot be used"),
    "by_place": ("def f(a: int, /): pass", "by place alone"),
    "broken": ("1 / 0", "importing 'broken' failed: ZeroDivisionError"),
    "leaving": ("raise SystemExit", "importing 'leaving' failed: SystemExit"),
    "needing": ("import nowhere_at_all", "no module 'nowhere_at_all'"),
    "empty": ("x = 1", "those of empty are: none"),
}


@pytest.mark.parametrize("name", WRONG)
def test_functions_that_cannot_be_tools_say_why(folder, name):
    text, said = WRONG[name]
    (folder / f"{name}.py").write_text(text)
    with pytest.raises(ConfigError, match=f"--tools {name}") as wrong:
        agents(Behind(tools=(name,)))
    assert said in str(wrong.value) and "\n" not in str(wrong.value)


@pytest.mark.parametrize(("where", "said"), [("nowhere:f", "no module 'nowhere'"), ("", "Empty module name"), ("house:no", "light, switch, rooms")])
def test_a_function_that_is_not_there_is_said_with_those_that_are(folder, where, said):
    (folder / "house.py").write_text(HOUSE)
    with pytest.raises(ConfigError, match=said):
        agents(Behind(tools=(where,)))


class Asks:
    """Asks one tool of the server."""

    async def answer(self, packet, tools):
        yield await tools.call("capital_of", {"country": "norway"})


@pytest.mark.parametrize("allow", [(), ("capital_of",)])
def test_an_allowed_tool_of_a_server_runs_without_a_question(made, monkeypatch, allow):
    monkeypatch.setattr("duologue.agent.board.EXPIRES_TURNS", 10**9)  # turns run faster than programs start
    monkeypatch.setattr("duologue.agent.servers.CONNECT_S", 120)
    agent = made(mcp=(ATLAS,), allow=allow)
    agent.backend = Asks()
    talk = Talk(agent, repeats=True)
    talk.step(calls=(Call("delegate", "1"),))
    talk.until(lambda: talk.texts)
    assert ("oslo" in talk.texts[0]) if allow else talk.texts == ['may i use capital of with country "norway"?']


def test_a_tool_that_no_server_has_cannot_be_allowed():
    with pytest.raises(ConfigError, match="--allow capital: there is no such tool.*capital_of, write_note, fail$"):
        agents(Behind(mcp=(ATLAS,), allow=("capital_of", "capital")))
    with pytest.raises(ConfigError, match="--allow capital_of.*; server cannot be reached"):
        agents(Behind(mcp=(str(Path("/no/such/server")),), allow=("capital_of",)))
