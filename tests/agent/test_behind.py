"""From a user's options to what stands behind the interaction model."""

import pytest
from mcp import StdioServerParameters

from duologue.agent.behind import Behind, _server, agents
from duologue.agent.hosted import Hosted
from duologue.agent.planner import Planner
from duologue.errors import ConfigError


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
