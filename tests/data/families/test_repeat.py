import pytest

from duologue.data.families import repeat
from tests.data.families.checks import some_lines, some_scripts


def test_the_words_to_repeat_are_in_the_text_and_are_the_answer():
    lengths = set()
    for line in some_lines(repeat, "train"):
        if line.intent == "repeat":
            assert line.answers == (" ".join(line.slots["words"]),)
            assert f" {line.answers[0]} " in f" {line.text} "
            lengths.add(len(line.slots["words"]))
    assert lengths == {1, 2, 3, 4, 5, 6}


def test_every_lexicon_word_can_be_asked_for():
    assert len(repeat.VOCABULARY) >= 1000
    seen = {word for line in some_lines(repeat, "train", 10000) for word in line.slots.get("words", ())}
    assert len(seen) > 0.95 * len(repeat.VOCABULARY)


def test_again_says_the_same_and_slower_says_it_in_more_time():
    found = set()
    for script in some_scripts(repeat, count=150):
        answers = _answers(script)
        for before, intent, now in zip(answers, script.about["intents"][1:], answers[1:]):
            if intent in ("repeat.again", "repeat.slower"):
                found.add(intent)
                assert _words(before) == _words(now)
                if intent == "repeat.again":
                    assert _span(now) == pytest.approx(_span(before))
                elif len(_words(now)) > 1:
                    assert _span(now) > _span(before) + 0.1
    assert found == {"repeat.again", "repeat.slower"}


def _answers(script):
    """The own speech after each thing the user says."""
    ends = [sound.start_s for sound in script.sounds] + [script.length_s]
    return [[own for own in script.own if a < own.start_s < b] for a, b in zip(ends, ends[1:])]


def _words(owns) -> list[str]:
    return [word for own in owns for word in own.speech.text.split()]


def _span(owns) -> float:
    return owns[-1].start_s + owns[-1].speech.seconds - owns[0].start_s
