"""What stands behind the interaction model, out of what a user gives on the command line. Read `agents` first."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mcp import StdioServerParameters

from duologue.agent.backends import Backend
from duologue.agent.background import Agent
from duologue.agent.planner import Planner, builtin_tools
from duologue.agent.servers import Server
from duologue.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class Behind:
    """A language model (the planner, which needs no network, if none is named) and its tools."""

    model: str | None = None
    base_url: str | None = None  # OpenAI's own if none
    api: Literal["responses", "chat"] = "chat"
    mcp: tuple[str, ...] = ()  # commands to start, or URLs
    folder: Path | None = None  # documents that it may search

    def __post_init__(self):
        if self.base_url and not self.model:
            raise ConfigError(f"--base-url {self.base_url} needs --model, the model's name at that endpoint")


def agents(behind: Behind) -> Callable[[str], Agent]:
    """A maker of agents, one for each conversation, from that conversation's instructions.

    Raises ConfigError for a missing key, an empty command, or a folder that is none.
    """
    tools, backend = builtin_tools(behind.folder), _backend(behind)
    for where in behind.mcp:
        _server(where)

    def make(instructions: str) -> Agent:
        return Agent(backend(), tools, [_server(where) for where in behind.mcp], instructions=instructions)

    return make


def _backend(behind: Behind) -> Callable[[], Backend]:
    """A maker, since a hosted model's connections belong to the loop of one agent."""
    if behind.model is None:
        return Planner
    import openai

    from duologue.agent.hosted import Hosted

    make = lambda: Hosted(behind.model, behind.base_url, behind.api)  # noqa: E731
    try:
        make()
    except openai.OpenAIError as error:
        raise ConfigError(f"--model {behind.model}: {str(error).splitlines()[0]}") from error
    return make


def _server(where: str) -> Server:
    """An MCP server by its URL or its command; its results are labelled with the last part of either."""
    if where.startswith(("http://", "https://")):
        return Server(where.split("/")[2], where)
    command, *arguments = _split(where)
    return Server(Path(command).name, StdioServerParameters(command=command, args=arguments))


def _split(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigError(f"--mcp {command!r}: {error}; give a command as in a shell, or a URL") from error
    if not words:
        raise ConfigError("--mcp is empty; give the command of an MCP server, or its URL")
    return words
