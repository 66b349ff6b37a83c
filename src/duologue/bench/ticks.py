"""`duologue bench ticks`: does background work make turns slower? Read `ticks` first.

One session in real time, with and without slow tasks beside it, in turns, so that whatever else the machine does falls on both.
A slow task is a hosted model that thinks: its stream brings events that have to be read and hold nothing to tell yet.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from openai.types.chat import ChatCompletionChunk

from duologue.agent.background import Agent
from duologue.agent.packet import Packet
from duologue.agent.tools import Toolbox
from duologue.bench.figures import Figures, bars, spread
from duologue.bench.turn import SPEAKS, WARM, noise
from duologue.live import Conversation
from duologue.turn import TURN_MS, Call

AIM = 1.05
BLOCK = 50  # turns with tasks, then as many without
PACE_S = 0.05  # between two events of a stream
EVENT = (
    '{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":'
    '[{"index":0,"delta":{"content":""},"finish_reason":null}]}'
)


class Thinking:
    """A backend that reads its stream and has nothing to tell."""

    def __init__(self):
        self.read = 0  # events, of all tasks

    async def answer(self, packet: Packet, tools: Toolbox) -> AsyncIterator[str]:
        while True:
            await asyncio.sleep(PACE_S)
            ChatCompletionChunk.model_validate_json(EVENT)
            self.read += 1
            yield ""


def turn_ms(conversation: Conversation, agent: Agent, turns, count: int, asked: int) -> list[float]:
    """Milliseconds of so many turns in real time, the agent's part included; in the first, `asked` tasks are delegated."""
    took, began = [], time.perf_counter()
    for number in range(count):
        time.sleep(max(0.0, began + number * TURN_MS / 1000 - time.perf_counter()))
        start = time.perf_counter()
        turn = next(turns)
        turn = replace(turn, notes=agent.notes(turn.index))
        out = conversation.step(turn)
        calls = (Call("delegate", "2"),) * asked if number == 0 else ()
        agent.hear(turn, replace(out, calls=calls))
        took.append((time.perf_counter() - start) * 1000)
    return took


def ticks(
    checkpoint: Path | None, tasks: int, turns: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> Figures:
    """So many turns with tasks and without, a block of each at a time."""
    conversation, source = Conversation(checkpoint, patience=SPEAKS), noise()
    for _ in range(WARM):
        conversation.step(next(source))
    took: dict[int, list[float]] = {tasks: [], 0: []}
    blocks = max(1, round(turns / BLOCK))
    for number in range(2 * blocks):
        asked, thinking = (tasks, 0)[number % 2], Thinking()
        agent = Agent(thinking)
        try:
            took[asked] += turn_ms(conversation, agent, source, min(turns, BLOCK), asked)[asked > 0 :]
        finally:
            agent.close()
        progress(number + 1, 2 * blocks)
    rows = [{"tasks": f"{count} slow tasks", **spread(ms)} for count, ms in took.items()]
    ratio = float(np.percentile(took[tasks], 99) / np.percentile(took[0], 99))
    return Figures(f"p99 of a turn with {tasks} slow tasks is {ratio:.3f} of that with none (aim: at most {AIM})", rows,
                   bars("tasks", "p99 ms"))  # fmt: skip
