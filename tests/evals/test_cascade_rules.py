"""The rules against the families' own lines, as written and as a recogniser writes them."""

from importlib import import_module
from itertools import islice

import numpy as np
import pytest

from duologue.evals.cascade_phrases import Request, expansions
from duologue.evals.cascade_rules import cuts_in, understand
from duologue.evals.wording import contains, words_of

MOMENTS = {"stop": "reciting", "wait": "reciting", "backchannel": "reciting", "resume": "paused", "cancel": "timing"}
LINES = 40


def lines(family: str):
    return islice(import_module(f"duologue.data.families.{family}").lines(np.random.default_rng(7), "test"), LINES)


def is_right(line) -> bool:
    request = understand(line.text, MOMENTS.get(line.intent, "idle"))
    if line.intent in ("filler", "marker", "stem"):
        return request is None
    if line.intent in ("once", "every"):
        return request == (line.intent, (line.slots["word"],), line.slots["seconds"])
    if request is None or not line.answers:
        return request is not None and request.intent == line.intent
    if "recital" in line.slots:
        return request.items == tuple(line.slots["recital"])
    if line.intent == "cancel":
        return request.intent == "cancel"
    said = words_of(request.items[0])
    return any(contains(said, text, 6) for text in (*line.answers, line.slots.get("fact", "")))


@pytest.mark.parametrize("family", ["numbers", "order", "facts", "repeat", "talk", "invite", "pause", "time", "interrupt"])
def test_nearly_every_line_of_a_family_is_understood(family):
    wrong = [line.text for line in lines(family) if not is_right(line)]
    assert len(wrong) <= 0.05 * LINES, wrong


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ("What is 8 plus 5?", "it's thirteen"),
        ("9-3.", "it's six"),
        ("8 x 2", "it's sixteen"),
        ("What's 2 plus 3, no wait, 4 plus 4?", "it's eight"),
        ("What is the opposite of hot, no wait, what is 2 plus 3?", "it's five"),
        ("What is the, um, let me think, opposite of hot?", "it's cold"),
        ("Which is bigger, a dog or a bus?", "it's a bus"),
        ("Is 7 bigger than 9?", "no it isn't"),
        ("Today is Friday. What was yesterday?", "it's thursday"),
        ("What does a cow say?", "it says moo"),
        ("Repeat after me, seven river Monday.", "seven river monday"),
    ],
)
def test_a_transcript_is_answered(heard, said):
    assert understand(heard) == Request("answer", (said,))


@pytest.mark.parametrize("heard", ["What is", "What is 8 plus", "The opposite of", "What comes after", "Say the months of the", "", "Um."])
def test_half_a_question_is_no_request(heard):
    assert understand(heard) is None


def test_a_count_goes_both_ways():
    assert understand("Count from 3 to 1").items == ("three", "two", "one")
    assert understand("count from 1-3").items == ("one", "two", "three")


def test_what_go_on_means_depends_on_the_moment():
    meant = [understand("go on", moment) for moment in ("reciting", "paused", "idle")]
    assert [request.intent for request in meant] == ["backchannel", "resume", "answer"]


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("In 7 seconds, say bananna.", Request("once", ("banana",), 7)),
        ("Set a timer for 17 seconds and say T when it's overdue.", Request("once", ("tea",), 17)),
        ("Every 6 seconds please use a pencil until I tell you to stop.", Request("every", ("pencil",), 6)),
    ],
)
def test_a_timed_word_that_was_misheard_is_found(heard, meant):
    assert understand(heard) == meant


@pytest.mark.parametrize("said", ["stop", "okay that's enough", "hold on", "what is two", "how much is"])
def test_some_words_cut_in(said):
    assert cuts_in(said)


@pytest.mark.parametrize("said", ["uh huh", "yeah right", "hey anna dinner is ready", "okay", "the boat came home late", ""])
def test_others_do_not(said):
    assert not cuts_in(said)


def test_expansions_are_all_texts_of_a_grammar():
    assert sorted(expansions("{hi|hello} {there|}")) == ["hello", "hello there", "hi", "hi there"]
