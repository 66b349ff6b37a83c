"""What stands behind the interaction model, out of what a user gives on the command line. Read `agents` first."""

import asyncio
import shlex
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from duologue.agent.backends import Backend
from duologue.agent.background import Agent
from duologue.agent.budget import CONVERSATION_TOKENS
from duologue.agent.functions import named
from duologue.agent.loops import Loop
from duologue.agent.planner import Planner, builtin_tools
from duologue.agent.tools import Tool
from duologue.agent.work import Limits
from duologue.errors import ConfigError

if TYPE_CHECKING:
    from duologue.agent.servers import Server

KINDS = ("sound", "picture")
LISTENERS = 2  # requests that are heard again at the same time, of all conversations
STARTS_S = 30.0  # that an MCP server may take to say what it offers


@dataclass(frozen=True, kw_only=True, slots=True)
class Behind:
    """A language model (the planner, which needs no network, if none is named) and its tools."""

    model: str | None = None
    base_url: str | None = None  # OpenAI's own if none
    api: Literal["responses", "chat"] = "chat"
    takes: str | None = None  # of KINDS, with commas between
    tokens: int | None = None  # of a conversation
    ears: str | None = None  # a Whisper model that hears each request again
    mcp: tuple[str, ...] = ()  # commands to start, or URLs
    tools: tuple[str, ...] = ()  # "module" or "module:function"
    allow: tuple[str, ...] = ()  # tools that run without asking
    folder: Path | None = None  # documents that it may search

    def __post_init__(self):
        for option, value in (("--base-url", self.base_url), ("--takes", self.takes), ("--tokens", self.tokens)):
            if value is not None and not self.model:
                raise ConfigError(f"{option} {value} needs --model, the name of a language model")
        if wrong := self.kinds - set(KINDS):
            raise ConfigError(f"--takes {self.takes}: {', '.join(sorted(wrong))!r} is none of {', '.join(KINDS)}")

    @classmethod
    def of(cls, **given) -> "Behind":
        """From the command line's options, where what was not given is None or an empty list."""
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items() if value not in (None, [])})

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(kind.strip() for kind in self.takes.split(",")) if self.takes is not None else frozenset()

    @property
    def outside(self) -> bool:
        """Whether work may wait for something that has a clock of its own."""
        return bool(self.model or self.mcp or self.tools)


def agents(behind: Behind) -> Callable[..., Agent]:
    """A maker of agents, one for each conversation, from that conversation's instructions and, if it shares one, its loop.

    Raises ConfigError for a missing key, an empty command, a folder that is none, functions that cannot be tools, or a tool
    to allow that there is not.
    """
    own = [made for where in behind.tools for made in named(where)]
    tools, backend = [*own, *builtin_tools(behind.folder)], _with_ears(behind, _backend(behind))
    _check_allowed(behind.allow, tools, [_server(where) for where in behind.mcp])
    tools = [replace(tool, changes=tool.changes and tool.name not in behind.allow) for tool in tools]
    limits = Limits(conversation_tokens=behind.tokens or CONVERSATION_TOKENS)

    def make(instructions: str = "", loop: Loop | None = None) -> Agent:
        servers = [_server(where, behind.allow) for where in behind.mcp]
        return Agent(backend(), tools, servers, instructions=instructions, loop=loop, limits=limits)

    return make


def _backend(behind: Behind) -> Callable[[], Backend]:
    """A maker, since a hosted model's connections belong to the loop of one agent."""
    if behind.model is None:
        return Planner
    import openai

    from duologue.agent.hosted import Hosted

    make = lambda: Hosted(behind.model, behind.base_url, behind.api, behind.kinds)  # noqa: E731
    try:
        make()
    except openai.OpenAIError as error:
        raise ConfigError(f"--model {behind.model}: {str(error).splitlines()[0]}") from error
    return make


def _with_ears(behind: Behind, make: Callable[[], Backend]) -> Callable[[], Backend]:
    """Every conversation's backend hears by the same recogniser, which is loaded once."""
    if behind.ears is None:
        return make
    from duologue.agent.ears import Ears
    from duologue.media.whisper import transcribed, whisper

    write = partial(transcribed, whisper(behind.ears, workers=LISTENERS))
    return lambda: Ears(make(), write)


def _check_allowed(allow: Collection[str], tools: Iterable[Tool], servers: "list[Server]") -> None:
    """Asks the servers what they offer, if any allowed tool can only be theirs: a slip must not show in the middle of a talk."""
    there = {tool.name: None for tool in tools}
    if set(allow) <= set(there):
        return
    asyncio.run(_connect(servers))
    there |= {tool.name: None for server in servers for tool in server.tools}
    if missing := [name for name in allow if name not in there]:
        silent = "".join(f"; {server.name} cannot be reached" for server in servers if not server.tools)
        raise ConfigError(f"--allow {missing[0]}: there is no such tool; there are {', '.join(there)}{silent}")


async def _connect(servers: "list[Server]") -> None:
    """Each server's tools become known, or it does not answer in time."""
    serving = [asyncio.create_task(server.serve()) for server in servers]
    with suppress(TimeoutError):
        async with asyncio.timeout(STARTS_S):
            await asyncio.gather(*(server.settled.wait() for server in servers))
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)


def _server(where: str, allowed: Collection[str] = ()) -> "Server":
    """An MCP server by its URL or its command; its results are labelled with the last part of either."""
    from mcp import StdioServerParameters

    from duologue.agent.servers import Server

    if where.startswith(("http://", "https://")):
        return Server(where.split("/")[2], where, allowed)
    command, *arguments = _split(where)
    return Server(Path(command).name, StdioServerParameters(command=command, args=arguments), allowed)


def _split(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigError(f"--mcp {command!r}: {error}; give a command as in a shell, or a URL") from error
    if not words:
        raise ConfigError("--mcp is empty; give the command of an MCP server, or its URL")
    return words
