"""A small MCP server for the tests: `python mcp_server.py` serves it over stdio. `… PATH` writes its process id there, and
stays when it is asked to go."""

import os
import signal
import sys
import time
from pathlib import Path

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
    for path in sys.argv[1:]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        Path(path).write_text(str(os.getpid()))
    server.run("stdio")
    time.sleep(3600 * len(sys.argv[1:]))
