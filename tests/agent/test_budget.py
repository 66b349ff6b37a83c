"""Tokens: what is set aside, what is booked, and who has spent it."""

import pytest

from duologue.agent.budget import Budget
from duologue.errors import BackendError


def test_a_task_s_tokens_are_its_conversation_s():
    whole = Budget(1_000)
    one, other = Budget(800, whole), Budget(800, whole)
    one.spend(700)
    assert (one.left, other.left, whole.left) == (100, 300, 300)


def test_what_is_being_asked_is_set_aside_so_that_two_at_once_cannot_overspend():
    whole = Budget(1_000)
    with Budget(800, whole).request(400, 500) as first:
        assert (first.read, first.most, whole.left) == (100, 500, 400)
        with Budget(800, whole).request(400, 500) as second:
            assert second.most == 300 and whole.left == 0
        first.written = 41
    assert whole.spent == 111  # 100 read and 10.25 written; the second was never answered


@pytest.mark.parametrize(("task", "conversation", "whose"), [(150, 9_000, "task"), (9_000, 150, "conversation")])
def test_who_has_spent_it_is_said(task, conversation, whose):
    whole = Budget(task, Budget(conversation))
    with pytest.raises(BackendError, match=f"the {whose}'s tokens are spent: 150 left, 100 to be read"), whole.request(400, 500):
        pass


def test_a_count_that_is_none_counts_for_nothing():
    class Odd:
        usage = type("Usage", (), {"total_tokens": "many"})

    with Budget(1_000).request(400, 500) as request:
        request.written = 4
        for message in (None, object(), Odd()):
            request.told(message)
        assert request.cost == 101
