"""Delegation: called when something must be found out, told only when it is known and nobody speaks."""

import re
from functools import cache

import numpy as np
import pytest

from duologue.agent.board import cancelled, delegated
from duologue.data.families import delegate
from duologue.data.families import delegate_words as words
from duologue.data.families.delegate_sums import RESULTS, spoken
from duologue.data.render import render
from duologue.data.script import reply_at
from duologue.media.text import CALLS, MARKERS, Tokenizer
from tests.data.fake_bank import OPEN_TEXT
from tests.data.families.checks import assert_held_out, assert_same_for_one_seed, some_lines
from tests.data.families.timing_checks import assert_sound, own_spans, scripts, scripts_and_ear

CASES = [(script, split) for split in ("train", "test") for script in scripts("delegate", split)]


def items(kind: str | None = None):
    """(script, item) of what is delegated, of one class where one is named (a class's further items have none)."""
    for script, _ in CASES:
        name = None
        for item in script.about["items"]:
            name = item.get("class", name)
            if kind in (None, name) and "call_s" in item:
                yield script, item


def own_at(script, start_s: float):
    return next((x for x in script.own if x.start_s == pytest.approx(start_s)), None)


def test_every_class_comes_up_in_both_splits():
    seen = {(item["class"], split) for script, split in CASES for item in script.about["items"] if "class" in item}
    assert seen == {(kind, split) for kind in delegate.CLASSES for split in ("train", "test")}


def test_scripts_keep_the_promises_of_all_families():
    for script, _ in CASES:
        assert_sound(script)
        assert 8 <= script.length_s <= 60 and script.about["items"]
    assert_same_for_one_seed(delegate)
    assert_held_out(delegate, share=0.75)


def test_each_request_is_called_for_and_acknowledged_at_once():
    for script, item in items():
        sound = next(
            x
            for x in script.sounds
            if x.speech.text == item["asked"] and reply_at(x.start_s + x.speech.seconds) == item["call_s"]
        )
        (call,) = [c for c in script.calls if c[0] == item["call_s"]]
        seconds, _ = delegated(call[2])
        assert call[1] == "delegate" and 0 <= seconds - (item["call_s"] - sound.start_s) < 1
        assert own_at(script, item["call_s"]).speech.text in words.ACKS


def test_results_are_told_after_they_came_and_never_over_the_user():
    for script, item in items():
        for note in item.get("notes", ()):
            assert (note["note_s"], note["text"]) in [(t, text) for t, _, text in script.notes]
            reason = _bare(note["text"])
            spoken = words.SORRY.get(reason, reason)
            told = [x for x in script.own if x.speech.text == spoken and x.start_s >= note["note_s"]]
            assert told and told[0].start_s >= reply_at(note["note_s"]) - 1e-9
            urgent = note["text"].startswith("urgent: ")
            assert urgent or not [
                x for x in script.sounds if x.start_s <= told[0].start_s < x.start_s + x.speech.seconds + 0.19
            ]


def _bare(text: str) -> str:
    return re.sub(r"^(?:failed|urgent): ", "", text).rstrip("?")


def test_what_is_urgent_is_told_into_the_users_words():
    found = 0
    for script, item in items("urgent"):
        (note,) = item["notes"]
        own = next(x for x in script.own if x.start_s > note["note_s"])
        assert note["text"] == f"urgent: {own.speech.text}" and own.start_s - note["note_s"] < 1.0
        found += any(x.start_s < own.start_s < x.start_s + x.speech.seconds for x in script.sounds)
    assert found > 3


def test_nothing_is_claimed_before_it_is_known():
    for script, _ in CASES:
        known = {_bare(text): t for t, _, text in sorted(script.notes, reverse=True)}
        script_typed = " ".join(text for _, text in script.typed)
        fixed = {*words.ACKS, *words.NOT_YET, *words.OFFERED, words.ALLOWED, words.DENIED}
        small = {answer for x in script.sounds if x.speech.line for answer in x.speech.line.answers}
        for own in script.own:
            text = own.speech.text
            reason = next((why for why, sorry in words.SORRY.items() if sorry == text), text)
            assert reason in known or text in fixed | small or _is_word_of(text, small) or text in script_typed, text
            if reason in known and text not in script_typed:
                assert own.start_s > known[reason]


def _is_word_of(text: str, answers: set[str]) -> bool:
    return any(text in answer.split(", ") for answer in answers)


def test_a_correction_replaces_the_first_task_and_its_answer_is_never_said():
    found = 0
    for script, item in items("corrected"):
        call = next(c for c in script.calls if c[0] == item["call_s"])
        told = [note["text"] for other in script.about["items"] for note in other.get("notes", ())]
        if "stale" in item and item["stale"] not in told:
            assert not [x for x in script.own if x.speech.text == item["stale"] and x.start_s > item["call_s"]]
        if delegated(call[2])[1]:
            found += 1
            assert delegated(call[2])[1] == 1
    assert found > 10


def test_a_cancelled_task_is_cancelled_and_nothing_comes_of_it():
    for script, item in items("cancelled"):
        call = next(c for c in script.calls if c[0] > item["call_s"])
        assert call[1] == "cancel" and cancelled(call[2]) == 1
        assert own_at(script, call[0]).speech.text == words.ALLOWED
        assert "notes" not in item


def test_of_two_results_each_says_whose_it_is():
    for script, item in items("two"):
        keys = {other["key"] for other in script.about["items"] if "key" in other}
        for note in item.get("notes", ()):
            assert note["text"] in OPEN_TEXT or any(key in note["text"] for key in keys), note


def test_a_skipped_answer_ends_and_a_stopped_one_goes_on():
    skipped = paused = 0
    for script, _ in items("streamed"):
        for at_s, kind, _text in script.calls:
            if kind == "cancel":
                skipped += 1
                assert not [1 for start, end in own_spans(script) if start < at_s < end - 1e-6]
        resumed = [x.start_s + x.speech.seconds for x in script.sounds if x.speech.line.intent == "resume"]
        for end_s in resumed:
            again = next(x for x in script.own if x.start_s == pytest.approx(reply_at(end_s)))
            assert again.speech.text in [x.speech.text for x in script.own if x.start_s < again.start_s]
        paused += len(resumed)
    assert skipped > 5 and paused > 0


def test_what_needs_nobody_is_not_delegated():
    for script, _ in CASES:
        if [i for i in script.about["items"] if "call_s" in i]:
            continue
        assert not script.calls and not script.notes


def test_the_own_voice_knows_every_word():
    texts = list(delegate.own_texts())
    assert len(set(texts)) == len(texts) <= 700
    assert all(re.fullmatch(r"[a-z']+(,? [a-z']+)*", text) for text in texts)
    known = {word for text in texts for word in text.split()}
    forms = [
        (topic, form, value) for topic, (forms, values) in words.ANSWERS.items() for form in forms for value in values
    ]
    for topic, form, value in forms:
        for key in words.KEYS[topic]:
            assert set(form.replace("<key>", key).replace("<value>", value).split()) <= known, (form, key, value)


def test_requests_are_plain_words_and_many():
    for intent in ("ask", "warn", "correct", "cancel", "hurry", "skip", "offer", "past", "send"):
        found = {
            line.text for split in ("train", "test") for line in some_lines(delegate, split) if line.intent == intent
        }
        assert len(found) >= 25, (intent, found)
        assert all(re.fullmatch(r"[a-z']+( [a-z']+)*", text) for text in found)


@cache
def rendered():
    rng, tokenizer = np.random.default_rng(5), Tokenizer()
    return [(s, render(s, rng, tokenizer, augment="clean")) for s in scripts("delegate", "train")[:12]]


def test_calls_and_notes_reach_the_training_turns():
    calls = notes = 0
    for script, turns in rendered():
        calls += int((turns.act == CALLS["delegate"]).sum()) - sum(kind == "delegate" for _, kind, _ in script.calls)
        notes += int(np.isin(turns.typed, (MARKERS["background"], MARKERS["tool"])).sum()) - len(script.notes)
    assert calls == notes == 0 and any(script.calls for script, _ in rendered())


def test_the_ear_hears_no_strange_voice():
    for split in ("train", "test"):
        for script in scripts_and_ear("delegate", split)[0]:
            assert len({x.speech.voice for x in script.sounds}) <= 1


def test_a_recital_goes_on_beside_an_errand_and_its_result_waits():
    found = 0
    for script, item in items("beside_recital"):
        note_s, text = item["notes"][0]["note_s"], item["notes"][0]["text"]
        told_s = next(x.start_s for x in script.own if x.speech.text == _bare(text) and x.start_s > note_s)
        between = [x for x in script.own if note_s < x.start_s < told_s]
        found += bool(between)
        assert all(x.cut_s is None for x in between)
    assert found > 3


def test_a_timer_keeps_its_time_beside_an_errand():
    found = 0
    for script, _ in CASES:
        for sound in script.sounds:
            line = sound.speech.line
            if line and line.family == "time":
                slot_s = sound.start_s + sound.speech.seconds + line.slots["seconds"]
                (own,) = [x for x in script.own if x.speech.text == line.slots["word"]]
                assert abs(own.start_s - slot_s) <= 0.1 + 1e-6 and own.cut_s is None
                found += 1
    assert found > 3


def test_an_errand_ends_a_recital_and_one_waits_for_a_text_to_be_read():
    into = list(items("into_recital"))
    assert len(into) > 3
    for script, item in into:
        assert not [x for x in script.own if x.start_s < item["call_s"] < (x.cut_s or x.start_s + x.speech.seconds) - 1e-6]
    for script, item in items("beside_reading"):
        note_s = item["notes"][0]["note_s"]
        (text,) = [text for t, text in script.typed if item["call_s"] < t < note_s]
        read = [x for x in script.own if x.speech.text in text and item["call_s"] < x.start_s < note_s]
        assert read and read[-1].cut_s is None


def test_sums_are_beyond_what_is_known_by_heart_and_right():
    assert spoken(1776) == "one thousand seven hundred seventy six" and spoken(40) == "forty" and spoken(600) == "six hundred"
    for asked, told in RESULTS.items():
        first, op, second = re.fullmatch(r"(.+) (plus|minus|times) (.+)", asked).groups()
        a, b = (next(n for n in range(100) if spoken(n) == text) for text in (first, second))
        assert min(a, b) > 20 and told == spoken({"plus": a + b, "minus": a - b, "times": a * b}[op])
    for _, item in items():
        if item.get("topic") == "sum" and item.get("class") == "answered":
            assert RESULTS[item["key"]] in item["notes"][0]["text"]


def test_open_questions_are_answered_by_open_sentences():
    for _, item in items("streamed"):
        assert item["topic"] == "open" and all(note["text"] in OPEN_TEXT for note in item["notes"])
