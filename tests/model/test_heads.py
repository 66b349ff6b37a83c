"""What a position decides."""

import pytest
import torch

from duologue.model.heads import Pronouncing, marked
from duologue.model.interaction import _initialise
from duologue.model.layout import PHONED, PHONES


@pytest.fixture
def learned() -> Pronouncing:
    torch.manual_seed(0)
    head = Pronouncing(64)
    torch.nn.init.normal_(head.leave.weight)
    return head


def test_what_is_decided_is_the_likeliest_after_what_was_decided(learned):
    hidden, before = torch.randn(50, 64), torch.randint(0, PHONES, (50,))
    found = learned.decide(hidden, before, torch.float32)
    assert found.shape == (50, PHONED) and len(found.unique()) > 10
    assert torch.equal(learned(hidden, torch.cat([before[:, None], found], 1), torch.float32).argmax(-1), found)


def test_a_frame_knows_the_one_before_it_and_none_behind(learned):
    hidden, phones = torch.randn(1, 64), torch.zeros(1, 1 + PHONED, dtype=torch.int64)
    other = phones.clone()
    other[:, 3] = 7
    changed = (learned(hidden, phones, torch.float32) != learned(hidden, other, torch.float32)).any(-1)[0]
    assert changed.tolist() == [False, False, False, True, False]


def test_nothing_is_said_before_anything_is_learned():
    head = Pronouncing(64)
    head.apply(_initialise)
    found = head.decide(torch.randn(20, 64), torch.zeros(20, dtype=torch.int64), torch.bfloat16)
    assert not found.any() and not marked(found).any()


def test_a_phoneme_is_a_mark_in_its_frame():
    marks = marked(torch.tensor([[3, 0, 47, 0, 1]])).view(PHONED, PHONES)
    assert marks.sum() == 3 and marks[0, 3] == marks[2, 47] == marks[4, 1] == 1
