"""The agent of one conversation: calls of the model in, notes for it out, the work in between beside the talk.

Read `Agent.hear` first. Nothing here ever waits: the workers run on the agent's loop, and what they find comes through
one inbox, which is emptied once a turn. So all state belongs to one thread, that of the caller.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from duologue.agent import ui
from duologue.agent.backends import Backend
from duologue.agent.board import ALMOST_SAID, OPEN, TOLD, Board, Event, State, Task, cancelled, delegated
from duologue.agent.budget import Budget
from duologue.agent.loops import Loop, Threaded
from duologue.agent.packet import Entry, OpenTask, Packet, words_in
from duologue.agent.page import Page
from duologue.agent.permission import InboxDesk, Question, verdict
from duologue.agent.record import Record
from duologue.agent.tools import Tool, Toolbox
from duologue.agent.work import Limits, work
from duologue.turn import Call, Note, TurnIn, TurnOut

if TYPE_CHECKING:  # the SDK of MCP takes a second to load
    from duologue.agent.servers import Server


class Agent:
    """The background side of one conversation.

    Args:
        tools: typed functions (`tools.tool`).
        servers: MCP servers, connected as long as the agent lives.
        instructions: what whoever opened the session wants of it; the background model reads them.
        loop: where the work runs; without one, in a thread of its own, which `close` ends.
    """

    def __init__(
        self,
        backend: Backend,
        tools: Sequence[Tool] = (),
        servers: "Sequence[Server]" = (),
        *,
        instructions: str = "",
        loop: Loop | None = None,
        limits: Limits | None = None,
    ):
        self.backend, self.tools, self.servers = backend, tools, servers
        self.instructions, self.limits = instructions, limits or Limits()
        self.budget = Budget(self.limits.conversation_tokens)
        self.own_loop = loop is None
        self.loop = loop or Threaded()
        self.record, self.board = Record(), Board()
        self.page = Page(self.board)
        self.inbox: deque[tuple[str, str, object]] = deque()  # (task, what, value), from the workers
        self.running: dict[str, object] = {}  # task -> what can be cancelled
        self.questions: dict[str, Question] = {}  # asked and not yet answered, oldest first
        self.turn = -1
        self.connections = [self.loop.start(server.serve()) for server in servers]

    @property
    def events(self) -> list[Event]:
        """Everything that happened to tasks, in order; it only grows."""
        return self.board.events

    def remember(self, history: Iterable[tuple[str, str]]) -> None:
        """What was said before the conversation began: roles ("user", "assistant", "developer") and texts."""
        self.record.begin(history)

    @property
    def awaited(self) -> bool:
        """Whether a task is being worked on in the world's time: turns that went by faster would leave it behind."""
        return self.loop.real_time and any(task.state is State.WORKING for task in self.board.live.values())

    def hear(self, turn: TurnIn, out: TurnOut) -> None:
        """One turn of the conversation. A turn that was heard before (a session being replayed) changes nothing."""
        if turn.index <= self.turn:
            return
        self.turn = turn.index
        self.record.add(turn, out)
        self.board.seen(turn.notes, self.turn)
        self.board.said(f"{out.said} {out.text}", self.turn)
        self._put_questions(turn.notes)
        self._clicks(turn.notes)
        for place, call in enumerate(out.calls):
            self._obey(call, f"{self.turn}.{place}")
        self._hear_out()
        for task in self.board.due(self.turn):
            self._begin(task)
        for task in self.board.expire(self.turn):
            self._stop(task)
        self.loop.turn()
        self._collect()

    def notes(self, turn: int | None = None) -> tuple[Note, ...]:
        """What this turn (the next one, if none is named) is to carry: at most one note, the same if asked again.

        Turns may be made ahead of what was heard; no note is given to two of them.
        """
        note = self.board.take(self.turn + 1 if turn is None else turn)
        return (note,) if note else ()

    def clicked(self, text: str) -> Note:
        """What the user did on the page ("form-1 send: city paris"), as the note that a turn is to carry.

        Raises DataError when nothing such is shown.
        """
        return self.page.clicked(text)

    def late(self, id: str, text: str) -> None:
        """Something for a task that is over: the board logs it as stale."""
        self.inbox.append((id, "partial", text))

    def standing(self) -> list[Event]:
        """For a page that knows nothing: how it goes with each task, and what is shown."""
        tasks = {event.task: event for event in self.events if event.what in TOLD}
        return [*tasks.values(), *self.page.standing()]

    def close(self) -> None:
        """Ends all work, programs of MCP servers included. Waits until it has ended: a server that will not go takes seconds."""
        for handle in (*self.running.values(), *self.connections):
            handle.cancel()
        if self.own_loop:
            self.loop.close()

    def snapshot(self) -> dict:
        """All that a resume needs, as JSON values; recent sound and pictures are left out."""
        return {
            "turn": self.turn,
            "log": [asdict(entry) for entry in self.record.log],
            "tasks": [asdict(t) | {"waiting": [asdict(n) for n in t.waiting]} for t in self.board.tasks.values()],
            "events": [list(event) for event in self.events],
            "tokens": self.budget.spent,
            "shown": [spec.model_dump(mode="json") for id, spec in self.page.shown.items() if id not in self.questions],
        }

    def resume(self, saved: dict) -> None:
        """Goes on where a snapshot was taken: open tasks are asked again under their ids, what came is kept."""
        self.turn, self.budget.spent = saved["turn"], saved["tokens"]
        self.record = Record(Entry(**row) for row in saved["log"])
        self.board.events[:] = [Event(*row) for row in saved["events"]]
        self.page.shown = {row["id"]: ui.parse(row) for row in saved["shown"]}
        for row in saved["tasks"]:
            waiting = deque(Note(**note) for note in row["waiting"])
            task = Task(**(row | {"state": State(row["state"]), "waiting": waiting}))
            self.board.add(task)
            if task.state is State.WORKING:
                task.again = list(task.received)
                self._begin(task)

    def _obey(self, call: Call, id: str) -> None:
        if call.kind == "delegate":
            self._delegate(call.text, id)
        elif call.kind == "cancel":
            for task in self.board.cancel(cancelled(call.text), self.turn):
                self._stop(task)
        else:
            self.page.call(call.text, id, self.turn)

    def _delegate(self, text: str, id: str) -> None:
        """A new task, unless the words meant only answer a question of the agent's."""
        seconds, replaced = delegated(text)
        old = self.board.nth(replaced) if replaced else None
        task = Task(id, self.turn, seconds, old.id if old else None)
        task.request = self._request(task)
        question = next((q for q in self.questions.values() if q.put is not None and q.answering is None), None)
        if question and not replaced:
            question.answering = task
        elif sum(t.active for t in self.board.live.values()) >= self.limits.tasks:
            self.board.ask(task)
            self.board.finish(id, State.FAILED, self.turn, "too much is going on at once")
        elif self.board.ask(task) and old:
            self._stop(old)

    def _hear_out(self) -> None:
        """The last words of a request are written down after its call."""
        for task in self.board.live.values():
            if task.state is State.ASKED:
                task.request = self._request(task)

    def _request(self, task: Task) -> str:
        return words_in(self.record.log, task.span, ("heard", "typed"))

    def _begin(self, task: Task) -> None:
        desk = InboxDesk(task.id, self.inbox.append)
        self.running[task.id] = self.loop.start(self._work(self._packet(task), desk, dict(task.ledger)))

    async def _work(self, packet: Packet, desk: InboxDesk, ledger: dict[str, str]) -> None:
        found = [tool for tools in await asyncio.gather(*(s.listed() for s in self.servers)) for tool in tools]
        budget = Budget(self.limits.tokens, self.budget)
        tools = Toolbox([*self.tools, *found], desk, self.limits.calls, ledger, budget)
        await work(packet, self.backend, tools, self.limits, desk.tell)

    def _packet(self, task: Task) -> Packet:
        log = tuple(entry for entry in self.record.log if entry.turn <= task.span[1])
        pending = tuple(
            OpenTask(t.id, t.asked, t.request)
            for t in self.board.live.values()
            if t.state in OPEN and t is not task
        )
        clock = datetime.now().astimezone().isoformat(timespec="seconds")
        media = self.record.media(task.span[0])
        return Packet(task.id, task.asked, task.span, clock, log, media, pending, task.supersedes, self.instructions)

    def _stop(self, task: Task) -> None:
        """Nobody waits for this task any more."""
        for id in [id for id, question in self.questions.items() if question.task == task.id]:
            self._settle(id, False, "no longer asked")
        if handle := self.running.pop(task.id, None):
            handle.cancel()

    def _collect(self) -> None:
        """What the workers have sent since the last turn."""
        while self.inbox:
            id, what, value = self.inbox.popleft()
            if what == "partial":
                self.board.arrive(id, Note("background", value), self.turn)
            elif what == "question":
                self._ask(value)
            elif what == "interface":
                self.page.offer(value, id, self.turn)
            elif what == "heard":
                self.board.heard(id, value, self.turn)
            elif what == "did":
                key, result = value
                self.board.tasks[id].ledger[key] = result
            else:
                self.board.finish(id, what, self.turn, value)
                self._stop(self.board.tasks[id])
        self._hear_answers()

    def _ask(self, question: Question) -> None:
        """Puts a worker's question to the user: spoken by the model, and as a card with two buttons."""
        if self.board.tasks[question.task].state is not State.WORKING:
            return self.loop.soon(question.settle, False)
        question.id = f"ask-{question.task}-{len(self.page.shown)}"
        self.questions[question.id] = question
        self.board.question(question.task, Note("tool", question.text), self.turn)
        self.page.show(ui.Card(id=question.id, title=question.text, buttons=["allow", "deny"]), question.task, self.turn)

    def _put_questions(self, notes: tuple[Note, ...]) -> None:
        """A question has been put to the user once the model has said it: what was said before is no answer to it."""
        for question in self.questions.values():
            question.delivered = question.delivered or Note("tool", question.text) in notes
            if question.delivered and question.put is None:
                left = self.board.tasks[question.task].unsaid
                question.put = self.turn if len(left) <= ALMOST_SAID else None

    def _clicks(self, notes: tuple[Note, ...]) -> None:
        for id, element in (ui.clicked(note.text) for note in notes if note.source == "ui"):
            if id in self.questions:
                self._answer(id, element == "allow")

    def _hear_answers(self) -> None:
        """What the user said to a question, as soon as the words of the model's call are known."""
        for id, question in list(self.questions.items()):
            task = question.answering
            if task and self.turn >= task.span[1]:
                since = max(question.put + 1, task.span[0])
                words = words_in(self.record.log, (since, task.span[1]), ("heard", "typed"))
                question.answering = None
                if (answer := verdict(words)) is None:
                    self.board.ask(task)
                else:
                    self._answer(id, answer)

    def _answer(self, id: str, allowed: bool) -> None:
        question, how = self.questions[id], "allowed" if allowed else "denied"
        self.board.log(self.turn, question.task, how, question.text)
        self._settle(id, allowed, how)

    def _settle(self, id: str, allowed: bool, how: str) -> None:
        """The worker need not wait any longer, and the card on the page loses its buttons."""
        question = self.questions.pop(id)
        self.page.show(ui.Card(id=id, title=question.text, text=how), question.task, self.turn)
        self.page.shown.pop(id)
        self.loop.soon(question.settle, allowed)
