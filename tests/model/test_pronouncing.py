"""What the own voice decides to say, in phonemes."""

from dataclasses import replace

import pytest
import torch

from duologue.config import nano, tiny
from duologue.model.layout import OUT, PHONED, PHONES
from duologue.model.pronouncing import FRAMES, HASTE, Pronouncing, entry, marked, spelling

SMALL = replace(nano(), mouth=64, mouth_layers=2)
LENGTH = 60  # longer than its ring


@pytest.fixture
def learned() -> Pronouncing:
    torch.manual_seed(0)
    head = Pronouncing(SMALL)
    for weight in (head.each.weight, head.leave.weight):
        torch.nn.init.normal_(weight)
    return head.eval()


def speeches(rows: int) -> torch.Tensor:
    """Speeches: phonemes, seldom a word, the halves in turn."""
    torch.manual_seed(1)
    phones = torch.randint(0, PHONES, (rows, LENGTH, PHONED))
    tokens = torch.randint(10, 4096, (rows, LENGTH, OUT)) * (torch.rand(rows, LENGTH, OUT) < 0.2)
    halves = torch.arange(LENGTH)[None, :, None].expand(rows, -1, 1) % 2
    return torch.cat([phones, tokens, halves], -1)


def test_what_is_decided_is_the_likeliest_after_what_was_decided(learned):
    spoken, hidden = speeches(20), torch.randn(20, LENGTH, SMALL.width)
    found = learned.decide(learned.read(spoken, torch.float32)[:, -1], hidden[:, -1], spoken[:, -1, PHONED - 1], torch.float32)
    assert found.shape == (20, FRAMES) and len(found.unique()) > 10
    phones = torch.cat([spoken[:, -1, PHONED - 1 : PHONED], found], 1)
    asked = learned(spoken, hidden, phones[:, None].expand(-1, LENGTH, -1), torch.float32)[:, -1]
    assert torch.equal((asked - learned.staying[phones[:, :-1]]).argmax(-1), found)


def test_a_phoneme_ends_when_it_is_almost_as_likely_to_and_a_silence_when_it_is_likelier(learned):
    for weight in (learned.each.weight, learned.leave.weight):
        torch.nn.init.zeros_(weight)
    read, hidden = torch.zeros(1, SMALL.mouth), torch.zeros(1, SMALL.width)

    def after(before: int, lead: float) -> int:
        """What follows where to stay is this much likelier than 9, and all else is not likely."""
        with torch.no_grad():
            learned.bias.fill_(-9.0)
            learned.bias[:, before], learned.bias[:, 9] = lead, 0.0
        return int(learned.decide(read, hidden, torch.tensor([before]), torch.float32)[0, 0])

    assert [after(5, HASTE * share) for share in (1.2, 0.8)] == [5, 9]
    assert [after(0, lead) for lead in (0.1, -0.1)] == [0, 9]


def test_a_frame_knows_the_one_before_it_and_none_behind(learned):
    spoken, phones = speeches(1), torch.zeros(1, LENGTH, 1 + FRAMES, dtype=torch.int64)
    other = phones.clone()
    other[:, :, 3] = 7
    hidden = torch.randn(1, LENGTH, SMALL.width)
    changed = (learned(spoken, hidden, phones, torch.float32) != learned(spoken, hidden, other, torch.float32)).any(-1)[0, -1]
    assert changed.tolist() == [n == 3 for n in range(FRAMES)]


def test_nothing_to_come_is_known_and_all_that_was_is(learned):
    spoken = speeches(1)
    later = spoken.clone()
    later[:, 12, PHONED] = 99
    before, after = learned.read(spoken, torch.float32)[0], learned.read(later, torch.float32)[0]
    assert torch.equal(before[:12], after[:12]) and (before[12:30] != after[12:30]).any(-1).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_position_by_position_it_reads_the_bits_of_whole_speeches_whoever_speaks_beside(dtype):
    from duologue.model.interaction import InteractionModel

    torch.manual_seed(0)
    model = InteractionModel(replace(tiny(), mouth=192, mouth_layers=2))
    for weight in model.pronouncing.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    head = model.settle(dtype).pronouncing
    spoken = speeches(3)
    whole, cache = head.read(spoken, dtype), head.trunk.start(3, dtype)
    for k in range(LENGTH):
        there = torch.tensor([True, True, k < 7])
        read = head.extend(spoken[:, k], there, cache)
        assert torch.equal(read[there], whole[there, k]), k
    alone = head.trunk.start(1, dtype)
    assert all(torch.equal(head.extend(spoken[:1, k], there[:1], alone)[0], whole[0, k]) for k in range(LENGTH))


def test_a_token_is_known_by_the_slot_it_was_written_in(learned):
    found = [learned.read(entry(torch.zeros(1, PHONED, dtype=torch.int64), torch.tensor([t]), 0)[:, None], torch.float32) for t in ([500, 0], [0, 500], [0, 0])]
    assert not any(torch.equal(found[n], found[n - 1]) for n in range(3))


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
    read = head.read(speeches(5), torch.float32)[:, -1]
    assert not head.decide(read, torch.randn(5, SMALL.width), torch.zeros(5, dtype=torch.int64), torch.float32).any()


def test_a_phoneme_is_a_mark_in_its_frame():
    marks = marked(torch.tensor([[3, 0, 47, 0, 1]])).view(PHONED, PHONES)
    assert marks.sum() == 3 and marks[0, 3] == marks[2, 47] == marks[4, 1] == 1
