"""Tokens that share letters learn together: a rare word begins with what the common ones have taught.

In training alone: under the table of tokens lies a table of letters, whose steps move every token that has them. Nothing of it is
left in a checkpoint but better embeddings. Read `Letters` first.
"""

from itertools import pairwise

import torch

from duologue.data.labels import LETTERS as ALPHABET
from duologue.media.text import VOCABULARY, Tokenizer

RATE = 1e-3
BETAS, EPSILON = (0.9, 0.98), 1e-8  # as AdamW has them here
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


class Letters(torch.optim.Optimizer):
    """Adam on letters: the table of tokens [VOCABULARY, D] moves by `spelling` times the steps of a table of letters.

    Which is as if the embedding of a token were its own plus those of its letters. Kingma and Ba, arXiv 1412.6980.
    """

    def __init__(self, tokens: torch.nn.Parameter, lr: float = RATE):
        super().__init__([tokens], {"lr": lr})
        self.spelling_VP = spelling().to(tokens.device)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for tokens in group["params"]:
                if tokens.grad is not None:
                    tokens.add_(self.spelling_VP @ self._moved(tokens), alpha=-group["lr"])

    def _moved(self, tokens: torch.nn.Parameter) -> torch.Tensor:
        """The step [PARTS, D] of the table of letters, without its rate."""
        grad, state = self.spelling_VP.T @ tokens.grad, self.state[tokens]
        if not state:
            state.update(step=torch.zeros(()), mean=torch.zeros_like(grad), square=torch.zeros_like(grad))
        state["step"] += 1
        mean, square = state["mean"].lerp_(grad, 1 - BETAS[0]), state["square"].lerp_(grad.square(), 1 - BETAS[1])
        unbiased = [1 - beta ** float(state["step"]) for beta in BETAS]
        return mean / unbiased[0] / ((square / unbiased[1]).sqrt() + EPSILON)
