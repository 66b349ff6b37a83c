import pytest
import torch

from duologue.media.text import SPECIALS, VOCABULARY, Tokenizer
from duologue.train.letters import PARTS, Letters, parts_of, spelling


def test_words_share_what_they_spell_alike():
    assert len(parts_of("house") & parts_of("mouse")) >= 8  # o, u, s, e in place, three from the end, three pairs
    assert not parts_of("house") & parts_of("finch")
    assert parts_of("3") == parts_of("") == set() and max(parts_of("a'z")) < PARTS


def test_every_token_with_letters_has_a_row_of_length_one():
    tokenizer, lengths = Tokenizer(), spelling().norm(dim=1)
    for token in (*range(len(SPECIALS)), *tokenizer.encode("4")):
        assert lengths[token] == 0
    assert lengths[tokenizer.encode("the mouse")].tolist() == pytest.approx([1] * len(tokenizer.encode("the mouse")))


def test_a_step_is_adam_on_a_table_of_letters_under_the_table_of_tokens():
    torch.manual_seed(0)
    tokens = torch.nn.Parameter(torch.randn(VOCABULARY, 2))
    under = torch.nn.Parameter(torch.zeros(spelling().shape[1], 2))
    ours, adam = Letters(tokens, lr=0.01), torch.optim.Adam([under], lr=0.01, betas=(0.9, 0.98))
    before = tokens.detach().clone()
    for _ in range(3):
        tokens.grad = torch.randn(VOCABULARY, 2)
        under.grad = spelling().T @ tokens.grad
        ours.step()
        adam.step()
    torch.testing.assert_close(tokens.detach(), before + spelling() @ under.detach(), rtol=1e-4, atol=1e-5)


def test_what_one_word_learns_moves_a_word_that_is_spelled_alike_and_no_other():
    tokens, tokenizer = torch.nn.Parameter(torch.zeros(VOCABULARY, 1)), Tokenizer()
    seen, alike, other = (tokenizer.encode(word)[0] for word in ("light", "right", "food"))
    tokens.grad = torch.zeros(VOCABULARY, 1)
    tokens.grad[seen] = -1.0
    Letters(tokens).step()
    assert tokens[seen] > tokens[alike] > 0 and tokens[other] == 0
