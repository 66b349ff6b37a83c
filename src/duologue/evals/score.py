"""Whether a trial went right: outcome, trial, and a way to read words from a span of the outcome. Read `score` first."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from duologue.evals.heard import Heard, first_at, timed_words
from duologue.evals.outcome import (
    BACKCHANNEL_WORDS,
    TURN_S,
    Outcome,
    Span,
    onset_in,
    segments,
    sounds_in,
    takes_turn,
    written_in,
)
from duologue.evals.trials import RECITING_S, Trial
from duologue.evals.wording import contains, in_order, longest_run, nearly, readings, words_of

Words = Callable[[Outcome, float, float], str]  # what is heard of an outcome between two instants
OPENING_WORDS = 6  # what may come before the answer itself: "well i think it's"
RECITAL_ITEM_S, WORD_S = 1.5, 1.1


class Verdict(NamedTuple):
    """`onset_s` is when the answer began, counted from the user's end; `heard` is what was understood of it.

    `likely`: right in time, misheard, but the likeliest of all the answers of the world is a right one.
    """

    right: bool
    reason: str = ""
    onset_s: float | None = None
    heard: str = ""
    likely: bool = False


class Reader(NamedTuple):
    """How words are read from an outcome; `likely` is asked when they are not the wanted ones.

    `timed`: all words with their times, where they are known (`heard.timed_words` else estimates them).
    """

    words: Words
    likely: Callable[[Outcome, Span, str, Sequence[str]], bool] = lambda *_: False
    timed: Callable[[Outcome], Heard] | None = None


def score(trial: Trial, outcome: Outcome, reader: Reader) -> Verdict:
    """One trial of one outcome; a system that failed has everything wrong."""
    if outcome.failure:
        return Verdict(False, f"failed: {outcome.failure}")
    return SCORERS[trial.kind](trial, outcome, reader)


def said_tokens(outcome: Outcome, begin_s: float, end_s: float) -> str:
    """What the system says it says: a word may come up to two turns before its sound."""
    return written_in(outcome.said, begin_s - 0.41, end_s - 0.2)


def _taken(trial: Trial, outcome: Outcome) -> tuple[float | None, str]:
    """When the answer begins, or why there is none."""
    onset_s = onset_in(outcome.spans, trial.begin_s, trial.end_s)
    if onset_s is None:
        late = onset_in(outcome.spans, trial.end_s, trial.end_s + 3)
        early = sounds_in(outcome.spans, trial.begin_s, trial.end_s)
        return None, "spoke on from before" if early else "too late" if late else "no answer"
    return onset_s, ""


def _answer(trial: Trial, outcome: Outcome, reader: Reader) -> Verdict:
    onset_s, reason = _taken(trial, outcome)
    if onset_s is None:
        return Verdict(False, reason)
    longest_s = 4.0 + RECITAL_ITEM_S * len(trial.items) + WORD_S * max(len(text.split()) for text in trial.accept)
    span = (onset_s, min(trial.limit_s, onset_s + longest_s))
    heard, after_s = reader.words(outcome, *span), onset_s - trial.after_s
    if trial.items:
        whole = any(in_order(found, trial.items) == len(trial.items) for found in readings(heard))
        return Verdict(whole, "" if whole else "wrong recital", after_s, heard)
    found = words_of(heard)
    if any(contains(found, text, OPENING_WORDS) or nearly(found, text) for text in trial.accept):
        return Verdict(True, "", after_s, heard)
    return Verdict(False, "wrong words", after_s, heard, reader.likely(outcome, span, heard, trial.accept))


def _word(trial: Trial, outcome: Outcome, reader: Reader) -> Verdict:
    """A word or phrase in its window, whatever else is said."""
    heard = timed_words(outcome, reader)
    times = [t for text in trial.accept if (t := first_at(heard, text, trial.begin_s, trial.end_s)) is not None]
    there = " ".join(word for t, word in heard if trial.begin_s <= t <= trial.end_s)
    if times:
        return Verdict(True, "", min(times) - trial.after_s, there)
    onset_s, reason = _taken(trial, outcome)
    if onset_s is None:
        return Verdict(False, reason, None, there)
    likely = reader.likely(outcome, (onset_s, min(trial.limit_s, onset_s + WORD_S)), there, trial.accept)
    return Verdict(False, "wrong words", onset_s - trial.after_s, there, likely)


def _quiet(trial: Trial, outcome: Outcome, reader: Reader) -> Verdict:
    spoke = sounds_in(outcome.spans, trial.begin_s, trial.end_s)
    return Verdict(not spoke, "spoke" if spoke else "")


def _reciting(trial: Trial, outcome: Outcome) -> bool:
    return sounds_in(outcome.spans, trial.after_s - RECITING_S, trial.after_s)


def _stop(trial: Trial, outcome: Outcome, reader: Reader) -> Verdict:
    if not _reciting(trial, outcome):
        return Verdict(False, "was not reciting")
    return _quiet(trial, outcome, reader)


def _run(heard: str, items: tuple[str, ...]) -> tuple[int, int]:
    """The longest run of the recital in what was heard, other words left out: (its first item, its length)."""
    known = {word for item in items for word in words_of(item)}
    runs = [longest_run([word for word in found if word in known], items) for found in readings(heard)]
    return max(runs, key=lambda run: run[1])


def _goes_on(trial: Trial, outcome: Outcome, reader: Reader) -> Verdict:
    if not _reciting(trial, outcome):
        return Verdict(False, "was not reciting")
    heard = reader.words(outcome, trial.begin_s, trial.end_s)
    _, length = _run(heard, trial.items)
    return Verdict(length >= 2, "" if length >= 2 else "did not go on", None, heard)


def _resumes(trial: Trial, outcome: Outcome, reader: Reader) -> Verdict:
    onset_s, reason = _taken(trial, outcome)
    if onset_s is None:
        return Verdict(False, reason)
    heard = reader.words(outcome, onset_s, min(trial.limit_s, onset_s + 4.0))
    first, length = _run(heard, trial.items)
    right = first > 0 and (length >= 2 or first == len(trial.items) - 1)
    return Verdict(right, "" if right else "not where it was", onset_s - trial.after_s, heard)


def _slots(trial: Trial, outcome: Outcome, reader: Reader) -> Verdict:
    """Every slot has its word and nothing is said between."""
    errors_s, right = [], True
    for slot_s in trial.slots_s:
        onset_s = onset_in(outcome.spans, slot_s - trial.tolerance_s, slot_s + trial.tolerance_s)
        if onset_s is None:
            return Verdict(False, "nothing in a slot")
        span = (onset_s, onset_s + 1.5)
        heard = reader.words(outcome, *span)
        if not contains(words_of(heard), trial.accept[0], 2):
            right = False
            if not reader.likely(outcome, span, heard, trial.accept):
                return Verdict(False, "wrong word in a slot", heard=heard)
        errors_s.append(onset_s - slot_s)
    if any(onset_in(outcome.spans, *span) is not None for span in trial.quiet):
        return Verdict(False, "spoke between")
    return Verdict(right, "" if right else "wrong word in a slot", errors_s[-1], likely=not right)


def _written(trial: Trial, outcome: Outcome, reader: Reader) -> Verdict:
    found = written_in(outcome.text, trial.begin_s, trial.end_s + 2.0)
    right = any(contains(words_of(found), text, OPENING_WORDS) for text in trial.accept)
    return Verdict(right, "" if right else "wrong text" if found else "no text", None, found)


def _backchannel(trial: Trial, outcome: Outcome, reader: Reader) -> Verdict:
    """A short sound in the window; one that cannot be understood ("mm") is taken for what it is meant to be."""
    found = next((s for s in segments(outcome.spans) if trial.begin_s <= s[0] < trial.end_s), None)
    if found is None:
        return Verdict(False, "nothing")
    heard, after_s = reader.words(outcome, *found), found[0] - trial.after_s
    words = words_of(heard)
    if takes_turn(found, len(words)) or len(words) > BACKCHANNEL_WORDS:
        return Verdict(False, "took the turn", after_s, heard)
    right = not words or any(contains(words, text, 1) for text in trial.accept)
    return Verdict(right, "" if right else "wrong words", after_s, heard)


def _no_onset(trial: Trial, outcome: Outcome, reader: Reader) -> Verdict:
    began = onset_in(outcome.spans, trial.begin_s, trial.end_s) is not None
    return Verdict(not began, "began to speak" if began else "")


def _calls(trial: Trial, outcome: Outcome) -> list[float]:
    """When tasks were handed on in the window, seconds."""
    at = [(turn + 1) * TURN_S for turn, kind, _ in outcome.calls if kind == "delegate"]
    return [at_s for at_s in at if trial.begin_s <= at_s < trial.end_s]


def _delegates(trial: Trial, outcome: Outcome, reader: Reader) -> Verdict:
    called = _calls(trial, outcome)
    return Verdict(True, "", called[0] - trial.after_s) if called else Verdict(False, "no call")


def _keeps(trial: Trial, outcome: Outcome, reader: Reader) -> Verdict:
    called = bool(_calls(trial, outcome))
    return Verdict(not called, "a call" if called else "")


SCORERS = {
    "answer": _answer, "quiet": _quiet, "stop": _stop, "goes_on": _goes_on, "resumes": _resumes, "slots": _slots,
    "written": _written, "backchannel": _backchannel, "no_onset": _no_onset, "word": _word,
    "delegates": _delegates, "keeps": _keeps,
}  # fmt: skip
