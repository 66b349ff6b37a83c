"""A conversation without a model: turns with the words and calls that a test wants."""

import time
from dataclasses import replace

import numpy as np

from duologue.agent.background import Agent
from duologue.agent.loops import Stepped
from duologue.turn import SAMPLES_PER_TURN, Call, Note, TurnIn, TurnOut, silence

QUIET = np.zeros(SAMPLES_PER_TURN, np.float32)


class Talk:
    """Steps an agent turn by turn; `repeats` is a model that says every note that it is given, a word a turn."""

    def __init__(self, agent: Agent, repeats: bool = False):
        self.agent, self.turn, self.repeats = agent, 0, repeats
        self.got: list[tuple[int, Note]] = []
        self.to_say: list[str] = []

    def step(self, heard: str = "", said: str = "", calls: tuple[Call, ...] = (), **given) -> tuple[Note, ...]:
        notes, more = self.agent.notes(), given.pop("notes", ())
        self.got += [(self.turn, note) for note in notes]
        if self.repeats:
            self.to_say += [word for note in notes for word in note.text.split()]
            said = said or (self.to_say.pop(0) if self.to_say else "")
        turn = replace(silence(self.turn), **given, notes=notes + more)
        self.agent.hear(turn, out(self.turn, heard, said, calls))
        self.turn += 1
        return notes

    def asks(self, words: str, call: str = "4") -> str:
        """The user says something and the model delegates it. Returns the task's id."""
        for word in words.split():
            self.step(word)
        return self.calls("delegate", call)

    def calls(self, kind: str, text: str = "") -> str:
        self.step(calls=(Call(kind, text),))
        return f"{self.turn - 1}.0"

    def wait(self, turns: int) -> None:
        for _ in range(turns):
            self.step()

    def until(self, done, seconds: float = 120.0) -> None:
        """Turns go by until something has happened; how fast the machine is does not matter."""
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, self.agent.events
            self.step()
            time.sleep(0.002)

    @property
    def texts(self) -> list[str]:
        return [note.text for _, note in self.got]

    def what(self, task: str) -> list[str]:
        """What happened to a task, in order."""
        return [str(event.what) for event in self.agent.events if event.task == task]


def out(turn: int, heard: str = "", said: str = "", calls: tuple[Call, ...] = ()) -> TurnOut:
    return TurnOut(turn, QUIET, bool(said), heard, said, calls=calls)


LOOPS: list[Stepped] = []  # closed after each test, by conftest


def turn_loop() -> Stepped:
    LOOPS.append(Stepped())
    return LOOPS[-1]


def stepped(backend, tools=(), **more) -> Talk:
    """A conversation on the turns' own clock: the same on every machine."""
    return Talk(Agent(backend, tools, loop=turn_loop(), **more), repeats=True)


def turn_in(index: int, **given) -> TurnIn:
    return replace(silence(index), **given)
