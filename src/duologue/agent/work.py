"""One task being worked on: time, retries, and the answer sentence by sentence. Read `work` first."""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

from duologue.agent.backends import Backend
from duologue.agent.board import State
from duologue.agent.budget import CONVERSATION_TOKENS, TASK_TOKENS
from duologue.agent.packet import Packet
from duologue.agent.speakable import sentences
from duologue.agent.tools import Toolbox
from duologue.errors import BackendError

log = logging.getLogger(__name__)
Tell = Callable[[str, str], None]  # (a state or "partial", text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one task may cost, and all of a conversation's together."""

    seconds: float = 45.0
    attempts: int = 3
    backoff_s: float = 0.5  # before the second attempt; twice as long before each further one
    characters: int = 1_500  # of the answer, some hundred seconds of speech
    calls: int = 12  # of tools
    tokens: int = TASK_TOKENS  # read and written, all attempts together
    tasks: int = 64  # of one conversation at the same time
    conversation_tokens: int = CONVERSATION_TOKENS  # of all its tasks together


async def work(packet: Packet, backend: Backend, tools: Toolbox, limits: Limits, tell: Tell) -> None:
    """Answers a packet, and tells how it ended: exactly one of "done" and "failed", unless it is cancelled."""
    try:
        async with asyncio.timeout(limits.seconds):
            await _attempts(packet, backend, tools, limits, tell)
    except TimeoutError:
        tell(State.FAILED, "it took too long")
    except BackendError as error:
        log.warning("task %s failed: %s", packet.id, error)
        tell(State.FAILED, error.spoken)
    except Exception:  # the edge of an agent task: whatever a backend raises ends this task and nothing else
        log.exception("task %s failed", packet.id)
        tell(State.FAILED, "something went wrong")
    else:
        tell(State.DONE, "")


async def _attempts(packet: Packet, backend: Backend, tools: Toolbox, limits: Limits, tell: Tell) -> None:
    """Tries again while nothing of an answer has come, the backend says that it may help, and there is time for it."""
    clock = asyncio.get_running_loop().time
    end = clock() + limits.seconds
    for attempt in range(limits.attempts):
        told = 0
        try:
            async with aclosing(backend.answer(packet, tools)) as pieces:
                async for sentence in sentences(pieces, limits.characters):
                    tell("partial", sentence)
                    told += 1
            if not told:
                raise BackendError("the answer is empty", spoken="there was no answer")
            return
        except BackendError as error:
            wait_s = error.wait_s + pause_s(limits.backoff_s, packet.id, attempt)
            if told or not error.retry or attempt + 1 == limits.attempts or clock() + wait_s >= end:
                raise
            log.info("task %s, attempt %d: %s", packet.id, attempt + 1, error)
            await asyncio.sleep(wait_s)


def pause_s(backoff_s: float, id: str, attempt: int) -> float:
    """Seconds after a failed attempt (0 is the first): twice as long each time, times 0.5 to 1.5, so that many conversations
    that failed together do not come back together. Drawn from the task's id: the same task waits the same again."""
    return backoff_s * 2**attempt * random.Random(f"{id} {attempt}").uniform(0.5, 1.5)
