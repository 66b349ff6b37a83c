"""Timed words fall on their seconds, worked out here from the words of the request and the times of the sounds."""

import pytest

from duologue.data.families import time
from duologue.data.families.lexicon import NUMBERS
from duologue.data.script import reply_at, silent_at
from tests.data.families.timing_checks import lines_of, own_spans, scripts, whole_number

CASES = [(script, split) for split in ("train", "test") for script in scripts("time", split)]


def _tasks(kind: str):
    """(script, split, item of about, the request's sound) of one class."""
    for script, split in CASES:
        for item in script.about["items"]:
            if item["class"] == kind:
                yield script, split, item, next(x for x in script.sounds if x.speech.text == item["asked"])


def _end(sound) -> float:
    return sound.start_s + sound.speech.seconds


def _said(script, text: str, from_s: float, until_s: float) -> list[float]:
    return [x.start_s for x in script.own if x.speech.text == text and from_s <= x.start_s < until_s]


def test_every_class_comes_up_in_both_splits():
    assert {(item["class"], split) for script, split in CASES for item in script.about["items"]} == {
        (kind, split) for kind in time.CLASSES for split in ("train", "test")
    }


def _on_time(off_s: list[float], split: str) -> bool:
    """At the nearest turn boundary; in training also one later, as `time.due` says."""
    return all(-0.1 - 1e-6 <= s <= 0.1 + 0.2 * (split == "train") + 1e-6 for s in off_s)


def test_some_words_come_a_turn_late_in_training_only():
    late = dict.fromkeys(("train", "test"), 0)
    for script, split, item, sound in _tasks("once"):
        (said_s,) = _said(script, item["word"], _end(sound) + 0.5, _end(sound) + whole_number(item["asked"]) + 2)
        late[split] += said_s - _end(sound) - whole_number(item["asked"]) > 0.1 + 1e-6
    assert late["train"] > 0 and not late["test"]


def test_one_shot_words_come_after_the_asked_seconds():
    for script, split, item, sound in _tasks("once"):
        n = whole_number(item["asked"])
        (said_s,) = _said(script, item["word"], _end(sound) + 0.5, _end(sound) + n + 2)
        assert _on_time([said_s - _end(sound) - n], split)
        assert said_s / 0.2 == pytest.approx(round(said_s / 0.2))
        assert n in time.WAITS[split] and set(time.WAITS["test"]) < set(time.WAITS["train"]) == set(range(2, 21))
        assert any(c.accept == (item["word"],) and c.after_s == pytest.approx(_end(sound) + n) for c in script.checks)


def test_periodic_words_come_at_every_slot_until_stop():
    for script, split, item, sound in _tasks("every"):
        period_s = whole_number(item["asked"])
        assert period_s in time.PERIODS[split]
        stop = next(x for x in script.sounds if x.speech.text == item["stop"] and x.start_s > _end(sound))
        assert "stop" in stop.speech.text
        said = _said(script, item["word"], _end(sound), _end(stop) + 20)
        slots = [_end(sound) + (k + 1) * period_s for k in range(len(said))]
        assert _on_time([a - b for a, b in zip(said, slots, strict=True)], split)
        assert len(said) >= item["count"] >= 3
        silent_s = silent_at(_end(stop))
        assert all(end <= silent_s + 1e-9 for start, end in own_spans(script) if _end(sound) < start < _end(stop) + 2)
        windows = [c for c in script.checks if c.accept == (item["word"],)]
        assert len(windows) >= item["count"]


def test_elapsed_seconds_are_those_between_mark_and_question():
    seen = set()
    for script, _, item, sound in _tasks("elapsed"):
        mark = next(x for x in script.sounds if x.speech.text == item["mark"])
        n = round(_end(sound) - _end(mark))
        own = next(x for x in script.own if x.start_s > _end(sound))
        assert own.speech.text == f"about {NUMBERS[n]} seconds" and own.start_s == pytest.approx(reply_at(_end(sound)))
        event = mark.speech.text.split()[-1]
        assert event in item["asked"].split() or not set(time.EVENTS) & set(item["asked"].split())
        check = next(c for c in script.checks if c.accept and c.accept[0] == own.speech.text)
        assert len(check.accept) in (2, 3, 5)
        seen.add(n)
    assert len(seen) > 10


def test_what_was_cancelled_is_never_said():
    for script, _, item, sound in _tasks("cancel"):
        n = whole_number(item["asked"])
        cancel = next(x for x in script.sounds if x.speech.text == item["said"])
        assert _end(sound) < _end(cancel) < _end(sound) + n
        assert not _said(script, item["word"], _end(sound), _end(sound) + n + 1.4)
        assert _said(script, "okay", _end(cancel), _end(cancel) + 0.51)
        slot_s = _end(sound) + n
        assert any(c.kind == "quiet" and c.start_s <= slot_s - 0.5 and c.end_s >= slot_s + 1 for c in script.checks)


def test_only_polite_requests_with_time_to_spare_are_acknowledged():
    seen = set()
    for kind in ("once", "every"):
        for script, _, item, sound in _tasks(kind):
            said = _said(script, "okay", _end(sound), _end(sound) + 0.51)
            kindly = any(
                f" {words} " in f" {item['asked']} "
                for words in ("please", "can you", "could you", "will you", "would you")
            )
            assert bool(said) == (kindly and item["n"] > 3)
            seen.add(bool(said))
    assert seen == {True, False}


def test_questions_are_answered_while_a_timer_runs():
    found = 0
    for script, _, item, _ in [x for kind in ("once", "every", "elapsed") for x in _tasks(kind)]:
        if "meanwhile" in item:
            asked = next(x for x in script.sounds if x.speech.text == item["meanwhile"])
            assert _said(
                script, asked.speech.line.answers[0], reply_at(_end(asked)) - 0.01, reply_at(_end(asked)) + 0.01
            )
            found += 1
    assert found > 20


def test_requests_say_what_their_slots_hold():
    for split, waits in (("train", (2, 20)), ("test", (5, 17))):
        for line in lines_of("time", split):
            if line.intent in ("once", "every"):
                assert whole_number(line.text) == line.slots["seconds"]
                assert line.answers == (line.slots["word"],) and f" {line.slots['word']} " in f" {line.text} "
                assert line.intent == "every" or waits[0] <= line.slots["seconds"] <= waits[1]
