"""What a second pair of ears is worth: the right thing looked up by the model's own words, and by Whisper's of the same requests.

`python -m duologue.evals.heard_again --cases 60` (extras `agent` and `eval`) draws the conversations of the suite `delegation` from the voice
bank. Both read the requests of one run, which tells the model what its own words found. Read `compared`.
"""

import argparse
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import track

from duologue.agent.ears import Write, heard_again
from duologue.agent.packet import Packet
from duologue.agent.tools import Toolbox
from duologue.data.script import Script
from duologue.engine.engine import Voiced, load
from duologue.errors import DuologueError
from duologue.evals.clerk import Clerk, beside
from duologue.evals.errands import errands
from duologue.evals.runs import source_of
from duologue.evals.stats import points, quantile, share
from duologue.evals.suites.delegation import SUITE, owners
from duologue.evals.systems import Case
from duologue.live import converse
from duologue.media.whisper import TINY, transcribed, whisper

BATCH = 16


class Both:
    """Has a clerk answer by the model's own words, and keeps what he would look up by a recogniser's."""

    def __init__(self, clerk: Clerk, write: Write):
        self.clerk, self.write = clerk, write
        self.again: dict[str, tuple[str, str] | None] = {}
        self.seconds: list[float] = []

    async def answer(self, packet: Packet, tools: Toolbox) -> AsyncIterator[str]:
        begun = time.perf_counter()
        other = heard_again(packet, self.write)
        self.seconds.append(time.perf_counter() - begun)
        self.again[packet.id] = self.clerk.looks_up(other)
        async for piece in self.clerk.answer(packet, tools):
            yield piece


class Request(NamedTuple):
    """Whether what was meant was looked up: by the model's own words, and heard again."""

    own: bool
    again: bool


def compared(voiced: Voiced, write: Write, scripts: Iterable[Script]) -> tuple[list[Request], list[float]]:
    """Every request that stands, one that was not handed on wrong both ways; and the seconds that listening again took."""
    found, seconds = [], []
    with ExitStack() as open_agents:
        cases = [Case(script, seed) for seed, script in enumerate(scripts)]
        sides = [open_agents.enter_context(beside(case.script)) for case in cases]
        both = [Both(clerk, write) for _, clerk in sides]
        for (agent, _), backend in zip(sides, both, strict=True):
            agent.backend = backend
        for _ in converse(voiced, [case.inputs() for case in cases], [case.seed for case in cases], agents=[agent for agent, _ in sides]):
            pass
        for case, (agent, clerk), backend in zip(cases, sides, both, strict=True):
            asked = errands(case.script)
            for errand, id in owners(asked, agent.events).items():
                if errand.back_s is None:
                    found.append(Request(*(ways.get(id) == (errand.topic, errand.key) for ways in (clerk.executed, backend.again))))
            seconds += backend.seconds
    return found, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, help="the shipped weights unless given")
    parser.add_argument("--ears", default=TINY, help="a Whisper model, as for `duologue talk --ears`")
    parser.add_argument("--cases", type=int, default=60, help="as for `duologue eval delegation`")
    asked, requests, seconds = parser.parse_args(), [], []
    try:
        voiced, write = load(asked.checkpoint), partial(transcribed, whisper(asked.ears))
        scripts = [script for script, _ in SUITE.items(source_of(asked.cases), asked.cases) if errands(script)]
    except DuologueError as error:
        sys.exit(f"heard_again: {error}")
    for at in track(range(0, len(scripts), BATCH), "conversations", console=Console(stderr=True)):
        more = compared(voiced, write, scripts[at : at + BATCH])
        requests += more[0]
        seconds += more[1]
    own, again = zip(*requests, strict=True)
    for name, figure in (("its own words", share(own)), (asked.ears, share(again)), ("gained", points(own, again)), ("took, p50", quantile(seconds))):
        Console(soft_wrap=True).print(f"{name}: {figure.value:.2f} {figure.unit} [{figure.low:.2f}, {figure.high:.2f}] of {figure.cases}", markup=False)


if __name__ == "__main__":
    main()
