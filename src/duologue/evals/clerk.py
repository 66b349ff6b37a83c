"""The background side of the delegation suite, on the turns' own clock: a clerk who knows one conversation's facts.

The agent is the product's; only its backend is played. `beside` makes it for a system that is being run, `lived` finds out
afterwards what happened, from what the system was seen to do: the same input gives the same notes. Read `Clerk.answer`.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from duologue.agent import work
from duologue.agent.background import Agent
from duologue.agent.board import HEAR_TURNS, Event
from duologue.agent.loops import Stepped
from duologue.agent.packet import Packet, words_in
from duologue.agent.tools import Tool, Toolbox, tool
from duologue.data.script import Script
from duologue.errors import BackendError
from duologue.evals.errands import Errand, decoy, errands, wanted
from duologue.evals.outcome import TURN_S, Outcome
from duologue.turn import SAMPLES_PER_TURN, Call, TurnOut, first_turn_at, silence

UNASKED_S = 1.0  # how long it takes to answer what the script never asks for
LONGEST_S = 60.0
QUIET = TurnOut(0, np.zeros(SAMPLES_PER_TURN, np.float32), False)
NOT_CLEAR = "i do not know how to find that out"

work.log.setLevel(logging.ERROR)  # tasks fail here because the script says so


class Clerk:
    """A backend (`agent.backends.Backend`) that looks up what the request names, by one call of one tool.

    `executed` holds the call of each task: topic and key, or None where the request named nothing.
    """

    def __init__(self, known: list[Errand]):
        self.known = known
        self.executed: dict[str, tuple[str, str] | None] = {}

    async def answer(self, packet: Packet, tools: Toolbox) -> AsyncIterator[str]:
        """Raises BackendError for a request without a key, and where the script says that it fails."""
        found = self.executed[packet.id] = self.looks_up(packet)
        if found is None:
            raise BackendError(f"nothing to look up in {packet.request!r}", spoken=NOT_CLEAR)
        result = await tools.call("look_up", {"topic": found[0], "key": found[1], "asked": packet.asked})
        for text in json.loads(result)["data"].splitlines():
            if text.startswith("failed: "):
                raise BackendError(f"the script says so: {text}", spoken=text.removeprefix("failed: "))
            yield text + "\n"

    def looks_up(self, packet: Packet) -> tuple[str, str] | None:
        """Topic and key of what a request asks for."""
        return wanted(packet.request, words_in(packet.log, (0, packet.span[0]), ("heard", "typed")))

    def tool(self) -> Tool:
        """What the clerk works with: it takes as long as the script says."""

        async def look_up(topic: str, key: str, asked: int) -> str:
            """What is known about a key of a topic."""
            errand = self._meant(topic, key, asked)
            await asyncio.sleep(_work_s(errand) if errand else UNASKED_S)
            return "\n".join([text for _, text in errand.notes] if errand else [decoy(topic, key)])

        return tool(look_up, changes=False, trusted=True, seconds=LONGEST_S)

    def _meant(self, topic: str, key: str, asked: int) -> Errand | None:
        """The errand that these arguments name; of several, the one that was asked nearest to the turn of the call."""
        same = [e for e in self.known if (e.topic, e.key) == (topic, key)]
        return min(same, key=lambda e: abs(e.call_s - (asked + 1) * TURN_S), default=None)


def _work_s(errand: Errand) -> float:
    """So long that, called for in the script's own turn, the answer comes in the turn that the script says."""
    asked = first_turn_at(errand.call_s) - 1
    turns = first_turn_at(errand.notes[0][0]) - asked - HEAR_TURNS
    return (max(1, turns) - 0.25) * TURN_S


@contextmanager
def beside(script: Script) -> Iterator[tuple[Agent, Clerk]]:
    """The background side of one conversation, which ends with it."""
    loop, clerk = Stepped(), Clerk(errands(script))
    agent = Agent(clerk, [clerk.tool()], loop=loop, limits=work.Limits(seconds=LONGEST_S))
    try:
        yield agent, clerk
    finally:
        agent.close()
        loop.close()


class Lived(NamedTuple):
    """What happened beside a conversation: events of the tasks, and what each task's call looked up."""

    events: tuple[Event, ...]
    executed: dict[str, tuple[str, str] | None]


def lived(script: Script, outcome: Outcome) -> Lived:
    """The background side again, beside what a system was seen to do."""
    typed = {first_turn_at(t): text for t, text in script.typed}
    with beside(script) as (agent, clerk):
        for out in _turns(outcome):
            turn = replace(silence(out.index), typed=typed.get(out.index, ""), notes=agent.notes(out.index))
            agent.hear(turn, out)
        return Lived(tuple(agent.events), dict(clerk.executed))


def _turns(outcome: Outcome) -> Iterator[TurnOut]:
    """The words and calls of an outcome, turn by turn; its sound is left out."""
    lanes = {name: {round(t / TURN_S) - 1: words for t, words in getattr(outcome, name)} for name in ("heard", "said", "text")}
    for k in range(len(outcome.sound_S) // SAMPLES_PER_TURN - 1):
        calls = tuple(Call(kind, text) for turn, kind, text in outcome.calls if turn == k)
        yield replace(QUIET, index=k, calls=calls, **{name: lane.get(k, "") for name, lane in lanes.items()})
