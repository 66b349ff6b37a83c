"""Answers made fit to be spoken: sentence by sentence, figures in words. Read `sentences` first."""

import re
import unicodedata
from collections.abc import AsyncIterator
from functools import cache

LONGEST = 240  # characters of one note: some sixteen seconds of speech
_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|\n+")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:,\d{3})*(?:\.\d+)?")
_SIGNS = {
    "%": " percent",
    "°C": " degrees celsius",
    "°F": " degrees fahrenheit",
    "&": " and ",
    "€": " euros ",
    "£": " pounds ",
}
_MARKS = re.compile(r"[*_`#|<>~\[\]{}]+|^\s*[-•]\s+|https?://\S+", re.M)


async def sentences(pieces: AsyncIterator[str], characters: int) -> AsyncIterator[str]:
    """Whole sentences as soon as they are there, ready to be spoken; stops reading after so many characters.

    Text without an end, such as one endless line, is cut at LONGEST.
    """
    rest, read = "", 0
    async for piece in pieces:
        piece = piece[: characters - read]
        rest, read = rest + piece, read + len(piece)
        while cut := _first_end(rest):
            if spoken := speakable(rest[:cut]):
                yield spoken
            rest = rest[cut:]
        if read >= characters:
            break
    if spoken := speakable(rest):
        yield spoken


def _first_end(text: str) -> int:
    """Where the first sentence of a text ends, 0 if that is not known yet."""
    found = _END.search(text)
    if found and found.end() <= LONGEST:
        return found.end()
    return (text.rfind(" ", 0, LONGEST) + 1 or LONGEST) if len(text) > LONGEST else 0


def speakable(text: str) -> str:
    """Plain words: no marks of layout, no addresses, no control characters, figures in words, all on one line."""
    text = _MARKS.sub(" ", unicodedata.normalize("NFKC", text).replace("℃", "°C"))
    for sign, words in _SIGNS.items():
        text = text.replace(sign, words)
    text = re.sub(r"(?<=\d):(?=\d\d)", " ", text)
    text = _NUMBER.sub(lambda found: in_words(found[0]), text)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def in_words(number: str) -> str:
    """A figure as it is said: "8,202" is "eight thousand two hundred and two"."""
    return _engine().number_to_words(number.replace(",", "")).replace("-", " ").replace(",", "")


@cache
def _engine():
    import inflect  # takes a second to import, and only an answer with a figure in it needs it

    return inflect.engine()
