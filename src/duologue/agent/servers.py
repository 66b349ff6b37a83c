"""Tools of MCP servers, over stdio or streamable HTTP, by the `mcp` SDK. Read `Server.serve` first."""

import asyncio
import logging
from collections.abc import Collection
from functools import partial

from mcp import Client, MCPError, StdioServerParameters
from mcp import types as mcp_types

from duologue.agent.tools import Result, Tool

BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 30.0
CONNECT_S = 5.0
log = logging.getLogger(__name__)


class Server:
    """One MCP server and its tools.

    Args:
        name: what its results are labelled with.
        where: a command to start, or the URL of a running server.
        allowed: tools that may be called without asking the user; what a server says of its own tools is not believed.
        trusted: whether its results hold nobody else's words; otherwise further calls of a task ask first.
    """

    def __init__(
        self, name: str, where: StdioServerParameters | str, allowed: Collection[str] = (), trusted: bool = False
    ):
        self.name, self.where, self.allowed, self.trusted = name, where, allowed, trusted
        self.tools: list[Tool] = []
        self.settled = asyncio.Event()  # connected once, or failed once
        self.lost = asyncio.Event()
        self.client: Client | None = None

    async def serve(self) -> None:
        """Keeps the connection until cancelled; a server that ends is started again, each time after a longer pause."""
        backoff_s = BACKOFF_S
        while True:
            try:
                async with Client(self.where) as self.client:
                    self.tools = [self._tool(found) for found in (await self.client.list_tools()).tools]
                    self.settled.set()
                    backoff_s = BACKOFF_S
                    await self.lost.wait()
            except Exception as error:  # noqa: BLE001  the edge of somebody else's program
                log.warning("MCP server %s: %s; next try in %g s", self.name, error, backoff_s)
            self.tools, self.client = [], None
            self.settled.set()
            self.lost.clear()
            await asyncio.sleep(backoff_s)
            backoff_s = min(LONGEST_BACKOFF_S, 2 * backoff_s)

    async def listed(self) -> list[Tool]:
        """Its tools; none while it cannot be reached."""
        try:
            async with asyncio.timeout(CONNECT_S):
                await self.settled.wait()
        except TimeoutError:
            log.warning("MCP server %s has not answered for %g s", self.name, CONNECT_S)
        return self.tools

    def _tool(self, found: mcp_types.Tool) -> Tool:
        run = partial(self._call, found.name)
        changes = found.name not in self.allowed
        return Tool(found.name, found.description or "", found.input_schema, run, changes, self.trusted)

    async def _call(self, name: str, arguments: dict) -> Result:
        if self.client is None:
            raise ConnectionError(f"{self.name} is not connected")
        try:
            answer = await self.client.call_tool(name, arguments)
        except MCPError as error:
            if error.code == mcp_types.CONNECTION_CLOSED:
                self.lost.set()
            raise
        text = "\n".join(part.text for part in answer.content if isinstance(part, mcp_types.TextContent))
        return Result(f"error: {text}" if answer.is_error else text, f"{self.name} {name}")
