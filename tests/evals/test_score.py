from dataclasses import replace

import pytest

from duologue.evals.outcome import Outcome
from duologue.evals.score import Reader, said_tokens, score
from duologue.evals.trials import Trial
from tests.evals.made import outcome

ASKED = Trial("answers/numbers", "answer", 3.8, 6.5, ("thirteen", "it is thirteen"), after_s=4.0)
ITEMS = tuple("one two three four five six".split())


def judged(trial, made):
    return score(trial, made, Reader(said_tokens))


def test_right_words_in_time():
    verdict = judged(ASKED, outcome((4.4, 5.2), said="it's thirteen"))
    assert verdict.right and verdict.onset_s == pytest.approx(0.4, abs=0.011)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (outcome(), "no answer"),
        (outcome((4.4, 5.0), said="fourteen"), "wrong words"),
        (outcome((3.0, 5.0), said="thirteen"), "spoke on from before"),
        (outcome((7.0, 8.0), said="thirteen"), "too late"),
        (Outcome(failure="ValueError: no"), "failed: ValueError: no"),
    ],
)
def test_why_an_answer_is_wrong(made, reason):
    verdict = judged(ASKED, made)
    assert not verdict.right and verdict.reason == reason


def test_a_recital_must_be_whole():
    trial = replace(ASKED, accept=("one",), items=ITEMS)
    assert judged(trial, outcome((4.4, 8.0), said=" ".join(ITEMS))).right
    assert judged(trial, outcome((4.4, 8.0), said="one two four three")).reason == "wrong recital"


def test_words_after_the_user_spoke_again_do_not_count():
    trial = replace(ASKED, limit_s=5.0)
    assert not judged(trial, outcome((4.4, 4.9), (5.5, 6.0), said="thirteen", at_s=5.5)).right


def test_any_sound_in_a_pause_takes_the_turn():
    trial = Trial("pause", "quiet", 2.0, 3.0)
    assert judged(trial, outcome((1.0, 1.9), (3.1, 4.0))).right
    assert not judged(trial, outcome((1.0, 2.3))).right
    assert not judged(trial, outcome((2.8, 4.0))).right


def test_stopping_needs_a_recital_to_stop():
    trial = Trial("stop/stop", "stop", 6.6, 8.0, after_s=5.5)
    assert judged(trial, outcome((3.0, 6.3))).right
    assert not judged(trial, outcome((3.0, 6.8))).right
    assert judged(trial, outcome()).reason == "was not reciting"


def test_going_on_is_more_than_sounding():
    trial = Trial("goes_on/aside", "goes_on", 5.0, 9.0, after_s=5.0, items=ITEMS)
    assert judged(trial, outcome((3.0, 9.0), said="three four five", at_s=6.0)).right
    assert not judged(trial, outcome((3.0, 9.0), said="what is it", at_s=6.0)).right
    assert judged(trial, outcome((6.0, 9.0), said="three four")).reason == "was not reciting"


def test_resuming_is_not_beginning_anew():
    trial = Trial("resume", "resumes", 5.0, 7.5, after_s=5.2, items=ITEMS)
    assert judged(trial, outcome((5.5, 8.0), said="four five six")).right
    assert judged(trial, outcome((5.5, 8.0), said="one two three")).reason == "not where it was"


SLOTS = Trial("time/every", "slots", 4.0, 8.0, ("tea",), slots_s=(4.0, 8.0), quiet=((4.9, 7.4),))


def test_every_slot_and_nothing_between():
    good = outcome((4.1, 4.4), (7.9, 8.3))
    good.said = [(4.0, "tea"), (8.0, "tea")]
    assert judged(SLOTS, good).right
    assert judged(SLOTS, outcome((4.1, 4.4), said="tea")).reason == "nothing in a slot"
    more = outcome((4.1, 4.4), (6.0, 6.3), (7.9, 8.3))
    more.said = good.said
    assert judged(SLOTS, more).reason == "spoke between"
    late = outcome((4.6, 4.9), (7.9, 8.3))
    late.said = good.said
    assert not judged(SLOTS, late).right


def test_written_answers_are_read_from_the_text():
    trial = Trial("written", "written", 2.0, 4.0, ("thirteen",))
    assert judged(trial, Outcome(text=[(3.0, "it is"), (3.2, "thirteen")])).right
    assert judged(trial, Outcome(said=[(3.0, "thirteen")])).reason == "no text"


def test_what_was_misheard_may_be_likely_and_is_counted_apart():
    reader = Reader(lambda *_: "Now...", lambda outcome, span, heard, accept: "no" in accept)
    trial = replace(ASKED, accept=("no",))
    verdict = score(trial, outcome((4.4, 4.9)), reader)
    assert not verdict.right and verdict.likely
    assert not score(trial, outcome((7.0, 7.5)), reader).likely
