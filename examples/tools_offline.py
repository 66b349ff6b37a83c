"""The background model without network: what is asked in words, found by the built-in tools, told sentence by sentence.

$ python examples/tools_offline.py "how many feet are in two and a half kilometres"
$ python examples/tools_offline.py "find the pancakes in my notes" --folder ~/notes
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from duologue.agent.background import Agent
from duologue.agent.loops import Stepped
from duologue.agent.planner import Planner, builtin_tools
from duologue.turn import SAMPLES_PER_TURN, Call, TurnOut, silence

parser = argparse.ArgumentParser()
parser.add_argument("request")
parser.add_argument("--folder", type=Path)
given = parser.parse_args()

# The interaction model's part is played here: it has heard the request, and delegates it.
agent = Agent(Planner(), builtin_tools(given.folder), loop=Stepped())
for turn in range(60):
    notes = agent.notes()
    heard = given.request if turn == 0 else ""
    calls = (Call("delegate", "2"),) if turn == 1 else ()
    said = " ".join(note.text for note in notes)
    out = TurnOut(turn, np.zeros(SAMPLES_PER_TURN, np.float32), bool(said), heard, said, calls=calls)
    agent.hear(replace(silence(turn), notes=notes), out)
    if said:
        print(f"{turn / 5:4.1f} s  {said}")
agent.close()
