"""Text <-> tokens: one open English vocabulary for every channel. No learned weights.

Byte-pair pieces in which the last piece of a word carries the end mark (as in Sennrich et al., arXiv 1508.07909), so
that a word is known to be whole in the turn in which it is complete. Text is lower-cased; digits are single pieces.
"""

from functools import lru_cache
from pathlib import Path

from tokenizers import Tokenizer as Pieces

PAD = 0
END = 1  # closes a call
MARKERS = {"typed": 2, "background": 3, "tool": 4, "ui": 5, "memory": 6}
CALLS = {"delegate": 7, "cancel": 8, "interface": 9}
SPECIALS = ["<pad>", "<end>", *(f"<{name}>" for name in (*MARKERS, *CALLS)), "<unk>"]
WORD_END = "</w>"
VOCABULARY = 4096
ALPHABET = "abcdefghijklmnopqrstuvwxyz'"
PIECES_FILE = Path(__file__).with_name("tokenizer.json")


class Tokenizer:
    """Encodes text as token ids and joins ids back into whole words."""

    def __init__(self):
        self._pieces = Pieces.from_file(str(PIECES_FILE))
        self._pieces.encode_special_tokens = True  # "<delegate>" in somebody's text is text, never a call
        self._names = [self._pieces.id_to_token(i) for i in range(self._pieces.get_vocab_size())]

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`; the last piece of each word carries the word's end."""
        return _encode(self, text)

    def decode(self, ids: list[int]) -> str:
        """The words that `ids` spell, specials left out."""
        return self.words(ids)[0].strip()

    def words(self, ids: list[int]) -> tuple[str, list[int]]:
        """Whole words in `ids`, and the ids of a last word that is not complete yet."""
        kept = [i for i in ids if i >= len(SPECIALS)]
        last = max((n + 1 for n, i in enumerate(kept) if self._names[i].endswith(WORD_END)), default=0)
        spelled = "".join(self._names[i] for i in kept[:last]).replace(WORD_END, " ")
        return spelled.strip(), kept[last:]

    def letters(self, token: int) -> str:
        """What a token spells, without the word's end; nothing for specials."""
        return "" if token < len(SPECIALS) else self._names[token].removesuffix(WORD_END)

    def marker(self, source: str) -> int:
        """The token that opens typed text or a note from `source`."""
        return MARKERS[source]

    def call(self, kind: str) -> int:
        """The token that opens a call of `kind` in the act channel."""
        return CALLS[kind]


@lru_cache(maxsize=65536)
def _encode(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer._pieces.encode(text, add_special_tokens=False).ids
