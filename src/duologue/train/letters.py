"""Tokens that share letters learn together: a rare word begins with what the common ones have taught.

In training alone: under the table of tokens lies a table of letters, whose steps move every token that has them. Nothing of it is
left in a checkpoint but better embeddings. Read `Letters` first.
"""

from itertools import pairwise

import torch

from duologue.data.labels import LETTERS as ALPHABET
from duologue.media.text import VOCABULARY, Tokenizer

RATE = 1e-3
BETAS = (0.9, 0.98)
FIRST, LAST = 6, 3  # letters known by their place from the beginning, and from the end
PLACES = FIRST + LAST
PARTS = len(ALPHABET) * (PLACES + len(ALPHABET))  # a letter in its place, and two letters in a row


def parts_of(word: str) -> set[int]:
    """Which of PARTS a token spells."""
    n = [ALPHABET.find(letter) for letter in word]
    placed = [*enumerate(n[:FIRST]), *enumerate(n[::-1][:LAST], FIRST)]
    found = {place * len(ALPHABET) + letter for place, letter in placed if letter >= 0}
    return found | {(PLACES + a) * len(ALPHABET) + b for a, b in pairwise(n) if min(a, b) >= 0}


def spelling() -> torch.Tensor:
    """The parts of every token, [VOCABULARY, PARTS], each row of length one (or nothing, where a token has no letters)."""
    tokenizer, table = Tokenizer(), torch.zeros(VOCABULARY, PARTS)
    for token in range(VOCABULARY):
        if parts := sorted(parts_of(tokenizer.letters(token))):
            table[token, parts] = len(parts) ** -0.5
    return table[:, table.any(0)]


class Letters(torch.optim.Adam):
    """Adam on letters: the table of tokens [VOCABULARY, D] moves by `spelling` times the steps of a table of letters [parts, D].

    Which is as if the embedding of a token were its own plus those of its letters. It reads the tokens' gradient and leaves it.
    """

    def __init__(self, tokens: torch.nn.Parameter, lr: float = RATE):
        self.tokens, self.spelling_VP = tokens, spelling().to(tokens.device)
        super().__init__([tokens.new_zeros(self.spelling_VP.shape[1], tokens.shape[1])], lr=lr, betas=BETAS)

    @torch.no_grad()
    def step(self):
        if self.tokens.grad is None:
            return
        (step_PD,) = self.param_groups[0]["params"]
        step_PD.zero_()
        step_PD.grad = self.spelling_VP.T @ self.tokens.grad
        super().step()
        self.tokens.add_(self.spelling_VP @ step_PD)
