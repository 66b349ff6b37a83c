"""What the own voice decides to say, in phonemes."""

from dataclasses import replace

import pytest
import torch

from duologue.config import nano
from duologue.model.layout import OUT, PHONED, PHONES
from duologue.model.pronouncing import ENTRY, FRAMES, SPOKEN, Pronouncing, entry, marked, spelling

SMALL = replace(nano(), mouth=64, mouth_layers=2)


@pytest.fixture
def learned() -> Pronouncing:
    torch.manual_seed(0)
    head = Pronouncing(SMALL)
    for weight in (head.each.weight, head.leave.weight):
        torch.nn.init.normal_(weight)
    return head.eval()


def windows(rows: int) -> torch.Tensor:
    """What may be remembered: phonemes, seldom a word, the halves in turn."""
    torch.manual_seed(1)
    phones = torch.randint(0, PHONES, (rows, SPOKEN, PHONED))
    tokens = torch.randint(10, 4096, (rows, SPOKEN, OUT)) * (torch.rand(rows, SPOKEN, OUT) < 0.2)
    halves = 1 + torch.arange(SPOKEN)[None, :, None].expand(rows, -1, 1) % 2
    return torch.cat([phones, tokens, halves], -1)


def test_what_is_decided_is_the_likeliest_after_what_was_decided(learned):
    spoken = windows(20)
    hidden = torch.randn(20, SPOKEN, SMALL.width)
    found = learned.decide(spoken, hidden[:, -1], torch.float32)
    assert found.shape == (20, FRAMES) and len(found.unique()) > 10
    phones = torch.cat([spoken[:, -1, PHONED - 1 : PHONED], found], 1)
    asked = learned(spoken, hidden, phones[:, None].expand(-1, SPOKEN, -1), torch.float32)[:, -1]
    assert torch.equal(asked.argmax(-1), found)


def test_a_frame_knows_the_one_before_it_and_none_behind(learned):
    spoken, phones = windows(1), torch.zeros(1, SPOKEN, 1 + FRAMES, dtype=torch.int64)
    other = phones.clone()
    other[:, :, 3] = 7
    hidden = torch.randn(1, SPOKEN, SMALL.width)
    changed = (learned(spoken, hidden, phones, torch.float32) != learned(spoken, hidden, other, torch.float32)).any(-1)[0, -1]
    assert changed.tolist() == [n == 3 for n in range(FRAMES)]


def test_nothing_to_come_is_known_and_all_that_was_is(learned):
    spoken = windows(1)
    later = spoken.clone()
    later[:, 12, PHONED] = 99
    before, after = learned.read(spoken, torch.float32)[0], learned.read(later, torch.float32)[0]
    assert torch.equal(before[:12], after[:12]) and (before[12:] != after[12:]).any(-1).all()


def test_before_a_speech_there_is_nothing_whatever_was_said_before(learned):
    empty = torch.zeros(1, SPOKEN, ENTRY, dtype=torch.int64)
    empty[:, -1:] = entry(torch.zeros(1, PHONED, dtype=torch.int64), torch.tensor([[0, 500]]), 0)[:, None]
    assert empty[0, -1].tolist() == [0] * PHONED + [0, 500, 1]
    other = empty.clone()
    other[:, -1, PHONED + 1] = 501
    assert not torch.equal(learned.read(empty, torch.float32)[:, -1], learned.read(other, torch.float32)[:, -1])


def test_each_row_has_the_bits_that_it_has_alone(learned):
    spoken = windows(7)
    hidden = torch.randn(7, SMALL.width)
    together = learned.decide(spoken, hidden, torch.float32)
    alone = [learned.decide(spoken[n : n + 1], hidden[n : n + 1], torch.float32)[0] for n in range(7)]
    assert all(map(torch.equal, alone, together))


def test_tokens_are_spelled_in_letters():
    from duologue.media.text import ALPHABET, Tokenizer

    table, tokenizer = spelling(4096), Tokenizer()
    for token in tokenizer.encode("don't ask"):
        letters = "".join(ALPHABET[n - 1] for n in table[token].tolist() if n)
        assert letters == tokenizer.letters(token) and letters
    assert not table[:10].any()


def test_nothing_is_said_before_anything_is_learned():
    from duologue.model.interaction import _initialise

    head = Pronouncing(SMALL)
    head.apply(_initialise)
    assert not head.decide(windows(5), torch.randn(5, SMALL.width), torch.float32).any()


def test_a_phoneme_is_a_mark_in_its_frame():
    marks = marked(torch.tensor([[3, 0, 47, 0, 1]])).view(PHONED, PHONES)
    assert marks.sum() == 3 and marks[0, 3] == marks[2, 47] == marks[4, 1] == 1
