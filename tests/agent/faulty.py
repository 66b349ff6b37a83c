"""Hundreds of faulty backends behind one conversation: nothing is lost, nothing comes twice, nothing waits.

`python -m tests.agent.faulty --backends 500`, which `make chaos` runs too. Read `ordeal` first.
"""

import argparse
import itertools
import sys
from collections import Counter
from unittest.mock import patch

import openai

from duologue.agent.background import Agent
from duologue.agent.hosted import Hosted
from duologue.agent.work import Limits
from tests.agent.fake_openai import FAULTS, Endpoint, served
from tests.agent.talking import Talk

APIS = ("responses", "chat")
AT_ONCE = 50
ANSWERS = ("fifty megabytes",)  # kinds that have something to tell before the limit ends them
EITHER = ("wrong shape",)  # what one interface cannot read is no part of the other


def hosted(url: str, model: str, api: str, timeout_s: float = 120.0, **more) -> Hosted:
    client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=timeout_s)
    return Hosted(model, api=api, client=client, **more)


class Routed:
    """Many backends as one: the n-th task goes to the n-th."""

    def __init__(self, backends):
        self.backends, self.by_task = iter(backends), {}

    def answer(self, packet, tools):
        if packet.id not in self.by_task:
            self.by_task[packet.id] = next(self.backends)
        return self.by_task[packet.id][1].answer(packet, tools)


def ordeal(url: str, backends: int) -> Talk:
    """One conversation that asks each of so many backends once, AT_ONCE at a time, and says all that it is given."""
    made = {
        (kind, api): hosted(url, kind, api, 0.3 if kind == "hang" else 120.0)
        for kind, api in itertools.product(FAULTS, APIS)
    }
    every = itertools.islice(itertools.cycle(made.items()), backends)
    much = {"tokens": 10**9, "conversation_tokens": 10**9}  # five hundred conversations' worth
    limits = Limits(seconds=600, attempts=2, backoff_s=0.01, characters=300, tasks=AT_ONCE, **much)
    talk = Talk(Agent(Routed(every), limits=limits), repeats=True)
    board = talk.agent.board
    with patch("duologue.agent.board.EXPIRES_TURNS", 10**9):  # turns run faster than the network here
        for count in (min(AT_ONCE, backends - begin) for begin in range(0, backends, AT_ONCE)):
            asked = [talk.asks("weather in oslo", "1") for _ in range(count)]
            talk.until(lambda ids=asked: not any(board.tasks[id].active for id in ids), seconds=900)
    talk.agent.close()
    return talk


def faults(talk: Talk) -> list[str]:
    """What went wrong, a line for each task at fault."""
    found = []
    for id in talk.agent.board.tasks:
        (kind, _), _ = talk.agent.backend.by_task[id]
        events = [event for event in talk.agent.events if event.task == id]
        what = [str(event.what) for event in events]
        told = sum(len(event.text) for event in events if event.what == "delivered")
        once = what.count("done") + what.count("failed") == 1 and "stale" not in what
        heard = what[-1] == "spoken" and what.count("delivered") >= 1 and told < 400
        ended = kind in EITHER or ("done" in what) == (kind in ANSWERS)
        if not (once and heard and ended):
            found.append(f"task {id}, {kind}: {what}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backends", type=int, default=500)
    asked = parser.parse_args()
    with served(Endpoint().app) as url:
        talk = ordeal(url, asked.backends)
    wrong = faults(talk)
    print(f"{len(talk.agent.board.tasks)} tasks in {talk.turn} turns:", dict(Counter(str(e.what) for e in talk.agent.events)))
    sys.exit("\n".join(wrong) or 0)


if __name__ == "__main__":
    main()
