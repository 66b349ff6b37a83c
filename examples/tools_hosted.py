"""A hosted background model with a function of one's own and an MCP server. Any OpenAI-compatible endpoint will do:

$ OPENAI_API_KEY=… python examples/tools_hosted.py MODEL "is the kitchen light on" --url http://localhost:8000/v1
$ … --mcp "uvx mcp-server-time" --use get_current_time '{"timezone": "Europe/Oslo"}'

`--use` calls one of the server's tools itself, to see that it is there: a very small model may never call one.
"""

import argparse
import asyncio
import json
import shlex
import time
from dataclasses import replace

import numpy as np
from mcp import StdioServerParameters

from duologue.agent.background import Agent
from duologue.agent.hosted import Hosted
from duologue.agent.servers import Server
from duologue.agent.tools import tool
from duologue.turn import SAMPLES_PER_TURN, TURN_MS, Call, TurnOut, silence

LIGHTS = {"kitchen": True, "hall": False}


def light_is_on(room: str) -> bool:
    """Whether the light of a room is on."""
    return LIGHTS[room]


def switch_light(room: str, on: bool) -> str:
    """Switches the light of a room. The user is asked first, since it changes the world."""
    LIGHTS[room] = on
    return "done"


parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("request")
parser.add_argument("--url")
parser.add_argument("--api", default="chat", choices=["chat", "responses"])
parser.add_argument("--mcp", help="command of an MCP server")
parser.add_argument("--use", nargs=2, metavar=("TOOL", "JSON"), help="a tool of that server to call")
given = parser.parse_args()
words = shlex.split(given.mcp or "")
servers = [Server("mcp", StdioServerParameters(command=words[0], args=words[1:]))] if words else []
tools = [tool(light_is_on, changes=False, trusted=True), tool(switch_light)]
agent = Agent(Hosted(given.model, given.url, given.api), tools, servers)


def on_the_agents_loop(work):
    """What comes of it; the agent's connections live on a loop of its own."""
    return asyncio.run_coroutine_threadsafe(work, agent.loop.loop).result(60)


for server in servers:
    offered = {offer.name: offer for offer in on_the_agents_loop(server.listed())}
    print(f"{server.name} offers {', '.join(offered)}")
    if given.use:
        name, arguments = given.use
        print(f"{name}: {on_the_agents_loop(offered[name].run(json.loads(arguments))).text}")

for turn in range(300):
    notes = agent.notes()
    said = " ".join(note.text for note in notes)
    heard, calls = (given.request, ()) if turn == 0 else ("", (Call("delegate", "2"),) if turn == 1 else ())
    out = TurnOut(turn, np.zeros(SAMPLES_PER_TURN, np.float32), bool(said), heard, said, calls=calls)
    agent.hear(replace(silence(turn), notes=notes), out)
    if said:
        print(f"{turn / 5:4.1f} s  {said}", flush=True)
    if turn > 1 and not any(task.active for task in agent.board.tasks.values()):
        break
    time.sleep(TURN_MS / 1000)
agent.close()
