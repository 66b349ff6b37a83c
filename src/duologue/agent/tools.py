"""Tools: typed functions with permission. Read `Tool` and `Toolbox.call` first.

Two rules keep a task harmless, whatever it reads. What changes the world is done only after the user has said yes to
that very call. And once a result from outside has been read, every further call asks the user first: words in a
result can want something, but they cannot do it.
"""

import asyncio
import inspect
import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from pydantic import TypeAdapter, ValidationError, validate_call

from duologue.agent.budget import TASK_TOKENS, Budget

LONGEST_RESULT = 4_000  # characters that a backend gets to read of one result
LONGEST_QUESTION = 160
UNSURE = "error: this was begun before, and it is not known whether it was done; tell the user"
log = logging.getLogger(__name__)


class Result(NamedTuple):
    """What a tool found: data, never an instruction. `source` says where, `show` is a spec of `ui` for the page."""

    text: str
    source: str = ""
    show: dict | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that the background side can do. `schema` is the JSON Schema of its arguments, an object."""

    name: str
    description: str
    schema: dict
    run: Callable[[dict], Awaitable[Result]] = field(repr=False)
    changes: bool = True  # the world: the user is asked before every call
    trusted: bool = False  # its results hold nobody else's words
    seconds: float = 10.0


def tool(function: Callable, *, changes: bool = True, trusted: bool = False, seconds: float = 10.0) -> Tool:
    """A typed function (plain or async) as a tool: its name, docstring and annotations are what a model is told.

    A plain function runs in a thread. It returns text, a `Result`, or anything that JSON can hold.
    """
    checked = validate_call(function)
    schema = TypeAdapter(function).json_schema()

    async def run(arguments: dict) -> Result:
        if inspect.iscoroutinefunction(function):
            return _result(await checked(**arguments))
        return _result(await asyncio.to_thread(checked, **arguments))

    return Tool(function.__name__, inspect.getdoc(function) or "", schema, run, changes, trusted, seconds)


def _result(value: Any) -> Result:
    if isinstance(value, Result):
        return value
    return Result(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))


class Desk(Protocol):
    """What a task's tools need of the agent."""

    async def allow(self, question: str) -> bool:
        """Asks the user; False if the answer is no or never comes."""

    def show(self, spec: dict) -> None:
        """Puts something on the page."""

    def heard(self, words: str) -> None:
        """What the request turned out to be."""

    def record(self, key: str, result: str) -> None:
        """Remembers what was done to the world, across a resume."""


class Toolbox:
    """The tools of one task, and what it may still spend.

    Args:
        tools: of two with one name the first counts, so that no server can stand in for a tool of one's own.
        calls: how many calls the task may make.
        ledger: what earlier attempts at this task did to the world: call -> result, "" if it is not known how it ended.
        budget: tokens, for a backend that spends some.
    """

    def __init__(
        self,
        tools: Iterable[Tool],
        desk: Desk,
        calls: int = 12,
        ledger: dict[str, str] | None = None,
        budget: Budget | None = None,
    ):
        self.tools: dict[str, Tool] = {}
        for tool in tools:
            if self.tools.setdefault(tool.name, tool) is not tool:
                log.warning("a second tool named %s is left out", tool.name)
        self.desk = desk
        self.left = calls
        self.ledger = ledger or {}
        self.budget = budget or Budget(TASK_TOKENS)
        self.tainted = False  # whether words from outside have been read

    async def call(self, name: str, arguments: dict | str) -> str:
        """Runs one tool and returns what it found, labelled as data. Mistakes and failures are text too."""
        self.left -= 1
        if self.left < 0:
            return "error: this task has used up its calls"
        tool = self.tools.get(name)
        if tool is None:
            return f"error: there is no tool {name!r}; there are {', '.join(self.tools)}"
        try:
            arguments = json.loads(arguments or "{}") if isinstance(arguments, str) else arguments
            _check_object(arguments)
        except ValueError as error:
            return f"error: the arguments are no JSON object: {error}"
        return await self._permitted(tool, arguments)

    async def call_all(self, calls: Iterable[tuple[str, dict | str]]) -> list[str]:
        """Several at once, results in the order of the calls."""
        return await asyncio.gather(*(self.call(name, arguments) for name, arguments in calls))

    async def _permitted(self, tool: Tool, arguments: dict) -> str:
        key = f"{tool.name} {json.dumps(arguments, sort_keys=True)}"
        if key in self.ledger:
            return self.ledger[key] or UNSURE
        if (tool.changes or self.tainted) and not await self.desk.allow(question(tool, arguments)):
            return "error: the user did not allow this"
        if not tool.changes:
            return await self._run(tool, arguments)
        self._write(key, "")
        result = await self._run(tool, arguments)
        self._write(key, result)
        return result

    def _write(self, key: str, result: str) -> None:
        self.ledger[key] = result
        self.desk.record(key, result)

    async def _run(self, tool: Tool, arguments: dict) -> str:
        """One run within its time."""
        try:
            async with asyncio.timeout(tool.seconds):
                result = await tool.run(arguments)
        except TimeoutError:
            return f"error: {tool.name} took longer than {tool.seconds:g} s"
        except ValidationError as error:
            return "error: " + "; ".join(f"{wrong['loc']}: {wrong['msg']}" for wrong in error.errors())
        except Exception as error:  # noqa: BLE001  the edge of somebody else's code; its failure is data
            log.warning("tool %s failed: %s", tool.name, error)
            return f"error: {tool.name} failed: {error}"[:LONGEST_RESULT]
        self.tainted = self.tainted or not tool.trusted
        if result.show:
            self.desk.show(result.show)
        return _labelled(tool, result)


def _labelled(tool: Tool, result: Result) -> str:
    text = result.text if len(result.text) <= LONGEST_RESULT else result.text[:LONGEST_RESULT] + " [cut]"
    return json.dumps({"result of": tool.name, "source": result.source or tool.name, "data": text}, ensure_ascii=False)


def _check_object(arguments: Any) -> None:
    if not isinstance(arguments, dict):
        raise ValueError(f"got {type(arguments).__name__}")


def question(tool: Tool, arguments: dict) -> str:
    """What the user is asked before a call, with what it would be called with."""
    given = ", ".join(f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in arguments.items())
    text = f"may i use {tool.name.replace('_', ' ')}" + (f" with {given}" if given else "")
    return (text if len(text) <= LONGEST_QUESTION else text[:LONGEST_QUESTION] + " and more") + "?"
