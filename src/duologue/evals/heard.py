"""What was heard, word by word, each with its time. Read `timed_words` first.

A recogniser's transcript of a span of sound has no times, so the words of a span share it by their letters: exact for a
word that stands alone, as most words do that are said at a moment; an estimate in a run of words.
"""

from collections.abc import Sequence

from duologue.evals.outcome import Outcome, Span
from duologue.evals.wording import HOMOPHONES, words_of

PIECE_S = 20.0  # a recogniser takes no more at once

Heard = list[tuple[float, str]]


def timed_words(outcome: Outcome, reader) -> Heard:
    """Every word that a `score.Reader` understands, by time: as the reader knows it, else shared out over the spans."""
    if reader.timed:
        return reader.timed(outcome)
    pieces = (piece for span in outcome.spans for piece in _pieces(span))
    return [found for piece in pieces for found in _shared(words_of(reader.words(outcome, *piece)), piece)]


def _pieces(span: Span) -> list[Span]:
    """A span, cut where it is too long."""
    begin_s, end_s = span
    count = int((end_s - begin_s) / PIECE_S) + 1
    step_s = (end_s - begin_s) / count
    return [(begin_s + i * step_s, begin_s + (i + 1) * step_s) for i in range(count)]


def _shared(words: Sequence[str], span: Span) -> Heard:
    letters, found, at = sum(map(len, words)), [], 0
    for word in words:
        found.append((span[0] + (span[1] - span[0]) * at / letters, word))
        at += len(word)
    return found


def said_words(outcome: Outcome) -> Heard:
    """The words that a system says it says, at the turns in which it writes them."""
    return [(t, word) for t, text in outcome.said for word in words_of(text)]


def first_at(heard: Heard, wanted: str, begin_s: float, end_s: float) -> float | None:
    """When a phrase is first heard whose first word falls into [begin_s, end_s]; single words by their sound alone."""
    words = words_of(wanted)
    same = sounding if len(words) == 1 else str
    for i, (t, _) in enumerate(heard):
        if begin_s <= t <= end_s and [same(word) for _, word in heard[i : i + len(words)]] == [same(word) for word in words]:
            return t
    return None


def sounding(word: str) -> str:
    """One spelling for words that sound alike."""
    return HOMOPHONES.get(word, word)
