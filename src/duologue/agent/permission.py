"""Permission: a question to the user before a tool does something, and what counts as a yes. Read `verdict` first."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from duologue.agent.board import Task

_YES = set("yes yeah yep sure okay ok allow allowed do it go ahead please you may can of course fine right".split())
_NO = set("no nope not don't never stop deny denied wait cancel refuse".split())
_SURE = {"yes", "yeah", "yep", "sure", "allow", "allowed", "ahead", "may", "okay", "ok", "course"}


def verdict(words: str) -> bool | None:
    """Whether the user's words allow (True) or refuse (False) what was asked; None if they are about something else.

    A refusing word anywhere refuses. Only words of consent and nothing beside them allow.
    """
    said = re.findall(r"[a-z']+", words.lower())
    if len(said) > 8:
        return None
    if set(said) & _NO:
        return False
    return True if said and set(said) <= _YES and set(said) & _SURE else None


@dataclass(slots=True, eq=False)
class Question:
    """One question of one task. `settle` gives the waiting worker its answer, on the worker's loop."""

    task: str
    text: str
    future: asyncio.Future = field(repr=False)
    id: str = ""
    delivered: bool = False  # a turn has carried it to the model
    put: int | None = None  # the turn by which the model had said it
    answering: Task | None = None  # the call of the model that may carry the user's answer

    def settle(self, allowed: bool) -> None:
        if not self.future.done():
            self.future.set_result(allowed)


class InboxDesk:
    """A worker's side of the agent: everything goes into the inbox, under the task's id. See `tools.Desk`."""

    def __init__(self, task: str, send: Callable[[tuple[str, str, object]], None]):
        self.task, self.send = task, send

    def tell(self, what: str, text: str) -> None:
        self.send((self.task, what, text))

    async def allow(self, text: str) -> bool:
        future = asyncio.get_running_loop().create_future()
        self.send((self.task, "question", Question(self.task, text, future)))
        return await future

    def show(self, spec: dict) -> None:
        self.send((self.task, "interface", spec))

    def heard(self, words: str) -> None:
        self.send((self.task, "heard", words))

    def record(self, key: str, result: str) -> None:
        self.send((self.task, "did", (key, result)))
