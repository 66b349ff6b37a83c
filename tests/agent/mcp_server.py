"""A small MCP server for the tests: `python mcp_server.py` serves it over stdio."""

import os

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

server = MCPServer("atlas")


@server.tool()
def capital_of(country: str) -> str:
    """The capital of a country."""
    return {"norway": "oslo", "italy": "rome"}[country]


@server.tool()
def write_note(text: str) -> str:
    """Writes a note."""
    return f"written: {text}"


@server.tool()
def fail(die: bool = False) -> str:
    """Fails, or ends the whole server."""
    if die:
        os._exit(1)
    raise ToolError("not today")


if __name__ == "__main__":
    server.run("stdio")
