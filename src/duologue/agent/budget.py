"""Tokens: what a task and its conversation may spend on a language model. Read `Budget.request` first."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from duologue.errors import BackendError

TASK_TOKENS, CONVERSATION_TOKENS = 50_000, 500_000
CHARACTERS = 4  # of English text in a token, roughly: what counts where a backend does not say what it used
LEAST = 100  # fewer make no answer


@dataclass(slots=True)
class Request:
    """One request to a language model."""

    read: int  # tokens, by the number of its characters
    most: int  # tokens that may be written in answer
    written: int | None = None  # characters so far; None while nothing has been answered
    used: int | None = None  # tokens, as the backend counts them

    def told(self, message: object) -> None:
        """Part of a stream, which may say what was used."""
        tokens = getattr(getattr(message, "usage", None), "total_tokens", None)
        if isinstance(tokens, int) and tokens >= 0:
            self.used = tokens

    @property
    def cost(self) -> int:
        """Tokens. A request that was refused has cost nothing."""
        if self.used is not None:
            return self.used
        return 0 if self.written is None else self.read + -(-self.written // CHARACTERS)


class Budget:
    """Tokens read and written. A task's are among its conversation's: what it spends, both have spent.

    It belongs to the loop that the work runs on.
    """

    def __init__(self, tokens: int, of: "Budget | None" = None):
        self.tokens, self.of, self.spent = tokens, of, 0

    @property
    def left(self) -> int:
        own = self.tokens - self.spent
        return min(own, self.of.left) if self.of else own

    def spend(self, tokens: int) -> None:
        self.spent += tokens
        if self.of:
            self.of.spend(tokens)

    @contextmanager
    def request(self, characters: int, most: int) -> Iterator[Request]:
        """Sets aside what a request may cost and books what it has cost, however it ends.

        `characters` are those that it sends, `most` the tokens wanted in answer. Raises BackendError when too little is left.
        """
        read = -(-characters // CHARACTERS)
        request = Request(read, min(most, self.left - read))
        if request.most < LEAST:
            whose = "conversation" if self.of and self.of.left <= self.left else "task"
            raise BackendError(f"the {whose}'s tokens are spent: {self.left} left, {read} to be read", spoken="that would cost too much")
        aside = read + request.most
        self.spend(aside)
        try:
            yield request
        finally:
            self.spend(request.cost - aside)
