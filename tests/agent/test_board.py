"""The state machine of tasks: whatever is asked, cancelled, corrected and answered, in whatever order."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from duologue.agent import board as b
from duologue.agent.board import Board, State, Task, cancelled, delegated
from duologue.turn import Note


def said(text: str) -> Note:
    return Note("background", text)


def test_calls_are_read_as_the_model_writes_them():
    assert delegated("4") == (4, None)
    assert delegated("1 2 instead") == (12, 1)
    assert delegated("6 instead 2") == (6, 2)
    assert delegated("") == delegated("oslo please") == (b.SPAN_S, None)
    assert (cancelled(""), cancelled("2"), cancelled("all")) == (1, 2, None)


@given(st.text())
def test_no_call_text_is_an_error(text):
    seconds, replaced = delegated(text)
    assert 0 <= seconds < 1000 and (replaced is None or replaced >= 0)
    cancelled(text)


def test_a_task_begins_when_the_words_of_the_request_have_been_heard():
    board = Board()
    board.ask(Task("10.0", 10))
    assert board.due(10 + b.HEAR_TURNS - 1) == [] and board.due(10 + b.HEAR_TURNS) == [board.tasks["10.0"]]
    assert board.due(10 + b.HEAR_TURNS) == []


def test_the_same_id_is_asked_once():
    board = Board()
    assert board.ask(Task("10.0", 10)) and not board.ask(Task("10.0", 10))
    assert len(board.tasks) == 1


def test_a_note_is_given_to_one_turn_and_again_only_if_that_has_not_carried_it():
    board = working("a")
    board.arrive("a", said("one"), 5)
    assert board.take(6) == board.take(6) == said("one")
    assert board.take(7) is None  # a turn made ahead
    board.seen((), 5)
    assert board.take(8) is None
    board.seen((), 6)
    assert board.take(8) == said("one")
    board.seen((said("one"),), 8)
    assert board.take(9) is None and [e.what for e in board.events][-1] == "delivered"


def test_a_sentence_may_come_twice_but_not_because_of_a_resume():
    board = working("a")
    for text in ("no", "no", "yes"):
        board.arrive("a", said(text), 5)
    assert board.tasks["a"].received == ["no", "no", "yes"]
    board.tasks["a"].again = ["no", "no", "yes"]
    for text in ("no", "no", "maybe"):
        board.arrive("a", said(text), 6)
    assert board.tasks["a"].received == ["no", "no", "yes", "maybe"]


def test_the_next_sentence_comes_when_the_last_is_nearly_said():
    board = working("a")
    board.arrive("a", said("the first sentence has seven words here"), 5)
    board.arrive("a", said("and this is the second"), 5)
    hand_over(board, 6)
    board.said("the first sentence", 8)
    assert board.take(8) is None
    board.said("has seven", 9)
    assert board.take(9) == said("and this is the second")


def test_a_sentence_that_was_cut_off_late_lets_the_next_one_pass_after_a_while():
    board = working("a")
    board.arrive("a", said("one two three four five six seven eight nine ten"), 5)
    board.arrive("a", said("eleven"), 5)
    hand_over(board, 6)
    board.said("one two three four", 7)
    assert board.take(7 + b.STUCK_TURNS) is None
    board.said("five", 60)
    assert board.take(60) is None and board.take(60 + b.STUCK_TURNS) == said("eleven")


def test_spoken_words_count_despite_a_slip():
    board = working("a")
    board.arrive("a", said("it rains in oslo today"), 5)
    hand_over(board, 6)
    board.said("it trains in oslo", 7)
    assert board.tasks["a"].unsaid == ["today"]
    board.said("today", 8)
    assert board.events[-1].what == "spoken"


def test_answers_of_two_tasks_do_not_mix_and_a_stuck_one_lets_the_other_pass():
    board = working("a", "b")
    for id in "ab":
        board.arrive(id, said(f"first sentence of the task {id}"), 5)
        board.arrive(id, said(f"second sentence of {id}"), 5)
    assert hand_over(board, 6).text.endswith("a")
    assert board.take(7) is None
    assert board.take(6 + b.STUCK_TURNS).text == "first sentence of the task b"


def test_nothing_of_a_cancelled_answer_is_handed_over():
    board = working("a")
    board.arrive("a", said("one"), 5)
    assert board.take(5)
    assert [t.id for t in board.cancel(1, 6)] == ["a"]
    assert board.take(7) is None
    board.arrive("a", said("two"), 8)
    assert board.take(9) is None and board.events[-1].what == "stale"


def test_skipping_ends_an_answer_that_is_still_being_told():
    board = working("a")
    board.arrive("a", said("one two three four five six"), 5)
    board.arrive("a", said("seven"), 5)
    board.finish("a", State.DONE, 5)
    hand_over(board, 6)
    assert board.cancel(1, 7) and board.take(8) is None and board.tasks["a"].state is State.CANCELLED


def test_a_correction_supersedes_the_task_that_it_names():
    board = working("a", "b")
    board.ask(Task("c", 9, supersedes="a"))
    assert board.tasks["a"].state is State.SUPERSEDED and board.tasks["b"].state is State.WORKING
    board.arrive("a", said("old"), 10)
    board.arrive("b", said("new"), 10)
    assert board.take(11) == said("new")


def test_what_takes_too_long_fails_once_and_says_so():
    board = working("a")
    assert [t.id for t in board.expire(b.EXPIRES_TURNS)] == ["a"]
    assert board.expire(b.EXPIRES_TURNS + 1) == []
    assert board.take(b.EXPIRES_TURNS) == said("failed: it took too long")
    board.arrive("a", said("late"), b.EXPIRES_TURNS + 2)
    assert board.events[-1].what == "stale"


def test_an_answer_that_nobody_speaks_becomes_stale():
    board = working("a")
    board.arrive("a", said("one two three four five"), 5)
    board.arrive("a", said("six"), 5)
    board.finish("a", State.DONE, 5)
    hand_over(board, 6)
    board.expire(6 + b.EXPIRES_TURNS)
    assert board.take(7 + b.EXPIRES_TURNS) is None and board.tasks["a"].state is State.EXPIRED


def working(*ids: str) -> Board:
    board = Board()
    for id in ids:
        board.ask(Task(id, 0))
    board.due(b.HEAR_TURNS)
    return board


def hand_over(board: Board, turn: int) -> Note:
    note = board.take(turn)
    board.seen((note,), turn)
    return note


class Conversation(RuleBasedStateMachine):
    """Anything may happen in any turn; workers go on to send after their task has ended, as real ones do."""

    @initialize()
    def start(self):
        self.board, self.turn, self.sent, self.handed, self.dead = Board(), 0, {}, [], set()

    @rule(instead=st.none() | st.integers(1, 3))
    def ask(self, instead):
        old = self.board.nth(instead) if instead else None
        self.dead |= {old.id} if old else set()
        self.board.ask(Task(f"{self.turn}.{len(self.board.tasks)}", self.turn, supersedes=old.id if old else None))

    @rule(number=st.none() | st.integers(1, 3))
    def cancel(self, number):
        self.dead |= {task.id for task in self.board.cancel(number, self.turn)}

    @precondition(lambda self: self.board.tasks)
    @rule(data=st.data())
    def arrive(self, data):
        id = data.draw(st.sampled_from(sorted(self.board.tasks)))
        if self.board.tasks[id].state is not State.ASKED:
            note = said(f"answer {len(self.sent)} of {id} in a few words")
            taken = self.board.tasks[id].state in b.OPEN
            self.board.arrive(id, note, self.turn)
            self.sent[note] = (id, taken)

    @precondition(lambda self: self.board.tasks)
    @rule(data=st.data(), state=st.sampled_from([State.DONE, State.FAILED]))
    def finish(self, data, state):
        id = data.draw(st.sampled_from(sorted(self.board.tasks)))
        self.board.finish(id, state, self.turn, "it broke" if state is State.FAILED else "")

    @rule(turns=st.integers(1, 120), carried=st.booleans(), speaks=st.booleans())
    def pass_turns(self, turns, carried, speaks):
        for _ in range(turns):
            note = self.board.take(self.turn)
            if carried and note:
                assert self.board.in_hand[0] not in self.dead, "a stale answer was handed over"
                self.handed.append(note)
            self.board.seen((note,) if carried and note else (), self.turn)
            self.board.said(note.text if carried and speaks and note else "", self.turn)
            self.turn += 1
            self.board.due(self.turn)
            self.board.expire(self.turn)

    @invariant()
    def every_result_has_one_owner_and_comes_once(self):
        answers = [note for note in getattr(self, "handed", ()) if not note.text.startswith("failed")]
        assert len(answers) == len(set(answers))
        assert all(self.sent[note][1] for note in answers)

    @invariant()
    def nothing_is_open_for_ever(self):
        for task in getattr(self, "board", Board()).tasks.values():
            assert task.state not in b.OPEN or self.turn < task.asked + b.EXPIRES_TURNS + 1

    @invariant()
    def the_last_event_of_a_task_says_whether_more_may_come(self):
        board = getattr(self, "board", Board())
        last = {event.task: event.active for event in board.events}
        assert last == {id: task.active for id, task in board.tasks.items()}

    def teardown(self):
        """Nothing that was taken is lost: it was handed over, its task was ended by the user, or it became stale."""
        if not hasattr(self, "board"):
            return
        for _ in range(3):
            self.pass_turns(400, True, True)
        for note, (id, taken) in self.sent.items():
            ended = self.board.tasks[id].state in (State.CANCELLED, State.SUPERSEDED, State.EXPIRED)
            assert not taken or note in self.handed or ended, note


Conversation.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestBoard = Conversation.TestCase
