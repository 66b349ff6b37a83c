"""A recital stops when it is told to, at the time that the rules say, and comes back only when asked."""

import pytest

from duologue.data.families import interrupt
from duologue.data.script import reply_at, silent_at
from tests.data.families.timing_checks import own_spans, scripts

CASES = [(script, split) for split in ("train", "test") for script in scripts("interrupt", split)]


def _interruptions():
    """(script, item of about, the interrupting sound)"""
    for script, _ in CASES:
        for item in script.about["items"]:
            yield (
                script,
                item,
                next(
                    x
                    for x in script.sounds
                    if x.speech.text == item["said"] and x.start_s < item["stop_s"] < x.start_s + 9
                ),
            )


def test_all_classes_come_up_and_the_recital_is_nearly_always_cut_short():
    items = [item for script, _ in CASES for item in script.about["items"]]
    assert {item["class"] for item in items} == set(interrupt.CLASSES)
    assert sum("resumed" in item for item in items) > 40
    assert sum(item["into_s"] < 6.01 for item in items) == len(items)
    cut = [any(own.cut_s == item["stop_s"] for own in script.own) for script, item, _ in _interruptions()]
    assert sum(cut) > 0.5 * len(cut)


def test_stopping_words_give_silence_by_the_turn_after_their_end():
    for script, item, sound in _interruptions():
        end_s = sound.start_s + sound.speech.seconds
        if item["class"] == "question":
            assert sound.start_s + 0.8 <= item["stop_s"] + 1e-9 <= sound.start_s + 1.0 + 1e-6 or item[
                "stop_s"
            ] == pytest.approx(silent_at(end_s))
            assert item["stop_s"] <= silent_at(end_s) + 1e-9
        else:
            assert item["stop_s"] == pytest.approx(silent_at(end_s)) and item["stop_s"] <= end_s + 0.4 + 1e-6
        heard = [span for span in own_spans(script) if span[0] < item["stop_s"] - 1e-6 < span[1] - 2e-6]
        assert not heard


def test_it_was_still_talking_when_somebody_cut_in():
    for script, _, sound in _interruptions():
        before = [x for x in script.own if x.start_s < sound.start_s]
        assert before and sound.start_s - before[-1].start_s < 1.3


def test_another_question_is_answered_and_the_recital_stays_away():
    for script, item, sound in _interruptions():
        if item["class"] == "question":
            end_s = sound.start_s + sound.speech.seconds
            after = [x for x in script.own if item["stop_s"] <= x.start_s < end_s + 3]
            assert [x.start_s for x in after] == pytest.approx([reply_at(end_s)])
            assert after[0].speech.text in sound.speech.line.answers


def test_go_on_resumes_with_the_first_item_that_was_not_said_whole():
    for script, item, sound in _interruptions():
        if "resumed" not in item:
            continue
        go_on = next(x for x in script.sounds if x.speech.text == item["resumed"] and x.start_s > sound.start_s)
        asked = [
            x.speech.line for x in script.sounds if "recital" in x.speech.line.slots and x.start_s < sound.start_s
        ][-1]
        begin_s = next(
            x.start_s
            for x in script.own
            if x.start_s > sound.start_s - 7 and x.speech.text == asked.slots["recital"][0]
        )
        first = [x for x in script.own if begin_s <= x.start_s < item["stop_s"]]
        whole = [x for x in first if x.cut_s is None]
        again = [x for x in script.own if x.start_s > go_on.start_s][: len(asked.slots["recital"]) - len(whole)]
        assert [x.speech.text for x in whole + again] == list(asked.slots["recital"])
        assert again[0].start_s == pytest.approx(reply_at(go_on.start_s + go_on.speech.seconds))
