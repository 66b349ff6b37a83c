"""The plain question-answer families keep the same promises."""

import re
from collections import defaultdict

import pytest

from duologue.data.families import facts, numbers, order, repeat, talk, typed
from duologue.data.families.exchange import bare
from tests.data.families.checks import (
    assert_checked,
    assert_held_out,
    assert_own_voice_can_say,
    assert_same_for_one_seed,
    assert_takes_turns,
    some_lines,
    some_scripts,
)

FAMILIES = [talk, numbers, order, facts, repeat, typed]
each = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.NAME)


@each
def test_one_seed_gives_one_script(family):
    assert_same_for_one_seed(family)


@each
def test_training_never_sees_what_tests_ask(family):
    assert_held_out(family, share=0.75)


@each
def test_the_own_voice_can_say_every_answer(family):
    assert_own_voice_can_say(family, some_lines(family, "train", 1000) + some_lines(family, "test", 1000))


@each
def test_all_text_is_plain_words(family):
    for line in some_lines(family, "train", 1000):
        assert re.fullmatch(r"[a-z']+( [a-z']+)*", line.text), line.text
    for text in family.own_texts():
        assert re.fullmatch(r"[a-z']+(,? [a-z']+)*", text), text


@each
def test_own_texts_are_few_and_each_once(family):
    texts = list(family.own_texts())
    assert len(set(texts)) == len(texts) <= 700


@pytest.mark.parametrize("split", ["train", "test"])
@each
def test_nobody_talks_over_the_other(family, split):
    for script in some_scripts(family, split):
        if family is not typed:
            assert_takes_turns(script)
        assert_checked(script)
        assert 8 <= script.length_s < 60
        assert script.own and script.about["split"] == split


@each
def test_scripts_have_one_to_four_exchanges_and_usual_lengths(family):
    scripts = some_scripts(family, count=100)
    answered = [sum(check.kind == "answer" for check in script.checks) for script in scripts]
    assert min(answered) >= 1 and max(answered) <= 4 and len(set(answered)) >= 3
    assert sorted(script.length_s for script in scripts)[len(scripts) * 9 // 10] < 27


@each
def test_every_intent_is_asked_in_many_ways(family):
    phrases = defaultdict(set)
    for line in some_lines(family, "train", 3000) + some_lines(family, "test", 3000):
        phrases[line.intent].add(_carrier(line))
    for intent, ways in phrases.items():
        assert len(ways) >= 25, (intent, sorted(ways))


def _carrier(line) -> str:
    """The phrase without its values, fillers and courtesies."""
    text = f" {line.text} "
    for value in sorted((str(v) for v in line.slots.values()), key=len, reverse=True):
        text = text.replace(f" {value} ", " <> ")
    return bare(text.strip())
