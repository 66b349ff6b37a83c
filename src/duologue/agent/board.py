"""The tasks of one conversation as a state machine: pure values, time counted in turns. Read `Board` first.

The board is the one owner of every result: workers send theirs here, and what comes for a task that was cancelled,
superseded or has expired goes no further. It hands notes over one by one, the next when the last has been said: that
is flow control, for text that the model has not yet spoken could not be taken back. When to speak is the model's.
"""

import re
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from duologue.turn import TURN_MS, Note

HEAR_TURNS = 4  # the last words of a request are written down up to this long after the call
SPAN_S, MARGIN_S = 10, 1  # of a call that does not say what it means; before what a call says it means
EXPIRES_TURNS = 300  # a task that is not done by then has failed; a result that nobody speaks is stale by then
STUCK_TURNS = 50  # an answer that has not been spoken on for so long lets another task's answer pass
ALMOST_SAID = 3  # words left when the next sentence may come, so that speech need not pause
TURNS_PER_S = 1000 // TURN_MS


class State(StrEnum):
    ASKED = "asked"  # waits for the last words to be heard
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"


OPEN = (State.ASKED, State.WORKING)
TOLD = {*State, "partial", "question", "allowed", "denied", "delivered", "spoken"}  # how it goes with a task
LOST = (State.FAILED, State.CANCELLED, State.SUPERSEDED, State.EXPIRED)  # nothing that comes is taken any more


class Event(NamedTuple):
    """Something that happened to a task: what the page's lane of tasks is drawn from.

    what: a `State`, or "partial" (a sentence came), "delivered" (the model has it), "spoken", "stale" (came too late
    and was dropped), "heard" (again, by better ears), "question", "allowed", "denied", "interface" (text is a spec, as JSON), "refused" (a call that
    makes no sense).
    request: what the task is about, as far as it had been heard.
    active: whether more may come of the task.
    """

    turn: int
    task: str
    what: str
    text: str = ""
    request: str = ""
    active: bool = False


@dataclass(slots=True)
class Task:
    """One delegated task."""

    id: str
    asked: int
    seconds: int = SPAN_S  # how far back the request reaches
    supersedes: str | None = None
    request: str = ""  # the user's words in the span, as far as they have been heard
    state: State = State.ASKED
    received: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)  # received before a resume: what the new worker says first
    waiting: deque[Note] = field(default_factory=deque)
    unsaid: list[str] = field(default_factory=list)  # words of the last note that the model has not said
    words: int = 0  # of the last note
    moved: int = 0  # turn of the last progress: a note came or was spoken on
    ledger: dict[str, str] = field(default_factory=dict)  # what its tools did to the world; "" while unknown

    @property
    def span(self) -> tuple[int, int]:
        return max(0, self.asked - (self.seconds + MARGIN_S) * TURNS_PER_S), self.asked + HEAR_TURNS

    def may_go_on(self, turn: int) -> bool:
        """Whether the next sentence may come: the last is almost said, or stalled with its larger half said."""
        stalled = turn >= self.moved + STUCK_TURNS
        return len(self.unsaid) <= (self.words // 2 if stalled else ALMOST_SAID)

    @property
    def active(self) -> bool:
        """Whether a cancel could still change anything."""
        return self.state in OPEN or bool(self.waiting) or bool(self.unsaid)


def delegated(text: str) -> tuple[int, int | None]:
    """The text of a `delegate` call: seconds back to the request's start, and the task it replaces (1 = the newest).

    "4" is the last four seconds; "6 instead" corrects the newest task, "6 instead 2" the one before. What cannot be
    read means the usual: a model's slip must not end a conversation.
    """
    digits = re.sub(r"(?<=\d) (?=\d)", "", text)
    seconds, replaced = re.match(r"\d{1,3}", digits), re.search(r"instead ?(\d*)", digits)
    return int(seconds[0]) if seconds else SPAN_S, int(replaced[1] or 1) if replaced else None


def cancelled(text: str) -> int | None:
    """The text of a `cancel` call: which task, 1 = the newest; None for all."""
    number = re.search(r"\d+", text.replace(" ", ""))
    return None if "all" in text else int(number[0]) if number else 1


class Board:
    """All tasks of one conversation, oldest first, and the events so far."""

    def __init__(self):
        self.tasks: dict[str, Task] = {}
        self.live: dict[str, Task] = {}  # those that were active a turn ago, or are new
        self.events: list[Event] = []
        self.in_hand: tuple[str, Note, int] | None = None  # given out for this turn, which has not been heard yet

    def log(self, turn: int, id: str, what: str, text: str = "") -> None:
        task = self.tasks.get(id)
        about = (task.request, task.active) if task else ()
        self.events.append(Event(turn, id, what, text, *about))

    def ask(self, task: Task) -> bool:
        """A new task. False if it is known already: a resumed session asks again under the same id."""
        if task.id in self.tasks:
            return False
        if old := self.tasks.get(task.supersedes or ""):
            self._end(old, State.SUPERSEDED, task.asked, task.id)
        self.add(task)
        self.log(task.asked, task.id, State.ASKED)
        return True

    def add(self, task: Task) -> None:
        self.tasks[task.id] = self.live[task.id] = task

    def nth(self, number: int) -> Task | None:
        """An active task, 1 = the newest."""
        active = [task for task in reversed(self.live.values()) if task.active]
        return active[number - 1] if 0 < number <= len(active) else None

    def cancel(self, number: int | None, turn: int) -> list[Task]:
        """Cancels one active task, or all for None. Returns them."""
        chosen = [t for t in self.live.values() if t.active] if number is None else [self.nth(number)]
        ended = [task for task in chosen if task]
        for task in ended:
            self._end(task, State.CANCELLED, turn)
        return ended

    def due(self, turn: int) -> list[Task]:
        """Tasks whose request has been heard out: they become working."""
        due = [t for t in self.live.values() if t.state is State.ASKED and turn >= t.asked + HEAR_TURNS]
        for task in due:
            self._become(task, State.WORKING, turn)
        return due

    def heard(self, id: str, words: str, turn: int) -> None:
        """What a request turned out to be, by better ears than the model's."""
        task = self.tasks[id]
        if task.state in OPEN:
            task.request = words
            self.log(turn, id, "heard", words)

    def arrive(self, id: str, note: Note, turn: int) -> None:
        """A sentence of an answer, or a question. One that came before a resume is not taken twice."""
        task = self.tasks[id]
        if task.state not in OPEN:
            self.log(turn, id, "stale", note.text)
        elif task.again and note.text == task.again[0]:
            del task.again[0]
        else:
            task.again.clear()
            task.received.append(note.text)
            self._queue(task, note, turn)
            self.log(turn, id, "partial", note.text)

    def question(self, id: str, note: Note, turn: int) -> None:
        """Something that the user is to be asked before the task can go on."""
        self._queue(self.tasks[id], note, turn)
        self.log(turn, id, "question", note.text)

    def finish(self, id: str, state: State, turn: int, reason: str = "") -> None:
        """The worker is done, or has failed for a reason that the model may tell."""
        task = self.tasks[id]
        if task.state not in OPEN:
            return self.log(turn, id, "stale", reason)
        if state is not State.DONE:
            self._queue(task, Note("background", f"failed: {reason}"), turn)
        self._become(task, state, turn, reason)

    def expire(self, turn: int) -> list[Task]:
        """Ends what has taken too long, and forgets answers that nobody has spoken. Returns the tasks to stop."""
        late = [t for t in self.live.values() if t.state in OPEN and turn >= t.asked + EXPIRES_TURNS]
        for task in late:
            self.finish(task.id, State.EXPIRED, turn, "it took too long")
        for task in list(self.live.values()):
            if not task.active:
                del self.live[task.id]
            elif task.state not in OPEN and turn >= task.moved + EXPIRES_TURNS:
                self._end(task, State.EXPIRED, turn, "never spoken")
        return late

    def take(self, turn: int) -> Note | None:
        """The note for this turn. Until it is known whether that turn has carried it, there is none for any other."""
        if self.in_hand is None:
            for task in sorted(self.live.values(), key=lambda t: (not t.unsaid, t.moved)):
                if task.waiting and task.may_go_on(turn):
                    self.in_hand = task.id, task.waiting[0], turn
                    break
                if task.unsaid and turn < task.moved + STUCK_TURNS:
                    break
        return self.in_hand[1] if self.in_hand and self.in_hand[2] == turn else None

    def seen(self, notes: tuple[Note, ...], turn: int) -> None:
        """The notes that a turn has carried. One that its turn has not carried is given out again: none is lost."""
        if self.in_hand is None or turn < self.in_hand[2]:
            return
        (id, note, _), self.in_hand = self.in_hand, None
        if note in notes:
            task = self.tasks[id]
            task.waiting.popleft()
            task.unsaid, task.moved = _words(note.text), turn
            task.words = len(task.unsaid)
            self.log(turn, id, "delivered", note.text)

    def said(self, text: str, turn: int) -> None:
        """Words of the model; those of a note that it was given are ticked off, a slip or two left out."""
        for task in self.live.values():
            before = task.unsaid
            for word in _words(text):
                if word in task.unsaid[: ALMOST_SAID + 1]:
                    task.unsaid = task.unsaid[task.unsaid.index(word) + 1 :]
            if task.unsaid is not before:
                task.moved = turn
                if not task.unsaid:
                    self.log(turn, task.id, "spoken")

    def _queue(self, task: Task, note: Note, turn: int) -> None:
        if not (task.waiting or task.unsaid):
            task.moved = turn
        task.waiting.append(note)

    def _become(self, task: Task, state: State, turn: int, text: str = "") -> None:
        task.state = state
        self.log(turn, task.id, state, text)

    def _end(self, task: Task, state: State, turn: int, text: str = "") -> None:
        """Nothing of this task is handed over any more."""
        task.waiting.clear()
        task.unsaid = []
        if self.in_hand and self.in_hand[0] == task.id:
            self.in_hand = None
        self._become(task, state, turn, text)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", re.sub(r"^(?:failed|urgent): ", "", text.lower()))
