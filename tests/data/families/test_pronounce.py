"""Words said wrong: each is one sound away from what it should be, is no English word, and is put right while the user goes on."""

import re

import numpy as np
import pytest

from duologue.data.families import pronounce
from duologue.data.families.lexicon import WORDS
from duologue.data.labels import hear
from duologue.media.text import Tokenizer
from tests.data.families.timing_checks import lines_of, scripts

SPLITS = ("train", "test")
WAYS = [(right, wrong) for right, ways in pronounce.WRONG.items() for wrong in ways]
TOLD = [line for split in SPLITS for line in lines_of("pronounce", split) if line.intent != "rule"]


def words(line) -> list[str]:
    return re.findall("[a-z']+", line.text)


def test_a_word_said_wrong_is_meant_for_one_word_only_and_is_none_itself():
    wrong = [wrong for _, wrong in WAYS]
    assert (len(wrong), len(pronounce.WRONG), len(pronounce.UNUSUAL)) == (149, 83, 47)  # docs/data-card.md, docs/benchmark.md
    assert len(set(wrong)) == len(wrong)
    assert not set(wrong) & {*WORDS, *pronounce.UNUSUAL} and set(pronounce.WRONG) <= set(WORDS)  # the own voice says them elsewhere, too
    assert not set(pronounce.UNUSUAL) & set(WORDS)


def test_no_dictionary_has_it():
    frequencies = pytest.importorskip("wordfreq").get_frequency_dict("en")
    assert not [wrong for _, wrong in WAYS if frequencies.get(wrong)]
    assert all(frequencies.get(word) for word in pronounce.UNUSUAL)


@pytest.mark.parametrize("accent", ["us", "gb"])
def test_exactly_one_sound_is_another(accent, monkeypatch):
    pytest.importorskip("misaki.espeak")
    from duologue.data import kokoro

    monkeypatch.setattr(kokoro, "_vocabulary", lambda: {chr(c): c for c in range(0x2000)})  # no voices are needed for this
    for right, wrong in WAYS:
        a, b = ([c for c in kokoro.phonemes(word, accent) if c not in kokoro.MARKS] for word in (right, wrong))
        assert len(a) == len(b) and sum(x != y for x, y in zip(a, b, strict=True)) == 1, (right, a, wrong, b)


def test_one_word_at_most_is_wrong_and_enough_is_said_after_it():
    for line in TOLD:
        said, at = words(line), line.slots["at"]
        wrong = [k for k, word in enumerate(said) if any(word in ways for ways in pronounce.WRONG.values())]
        assert wrong == [at][: at >= 0], line
        if at >= 0:
            assert said[at] in pronounce.WRONG[line.slots["right"]] and len(said) - at > pronounce.AFTER
    share = np.mean([line.slots["at"] >= 0 for line in TOLD])
    assert 0.4 < share < 0.8 and {line.intent for line in TOLD if line.slots["at"] < 0} == {"story", "list"}


def test_unusual_words_are_known():
    for line in TOLD:
        assert line.slots["unusual"] == [k for k, word in enumerate(words(line)) if word in pronounce.UNUSUAL]
    assert 0.2 < np.mean([bool(line.slots["unusual"]) for line in TOLD]) < 0.7


def test_training_never_hears_the_wrong_and_the_unusual_words_of_tests():
    wrong = {split: {x.slots["right"] for x in lines_of("pronounce", split) if x.slots.get("right")} for split in SPLITS}
    kept = {right for right in pronounce.WRONG if pronounce.kept(right)}
    assert len(kept & wrong["test"]) > 10 and len(wrong["train"]) > 40 and not kept & wrong["train"]
    passed = {split: {words(x)[k] for x in lines_of("pronounce", split) for k in x.slots.get("unusual", ())} for split in SPLITS}
    new = {word for word in pronounce.UNUSUAL if pronounce.kept(word)}
    assert len(new & passed["test"]) > 5 and passed["train"] and not new & passed["train"]


def test_it_says_the_right_word_alone_and_nothing_without_a_rule():
    put_right = 0
    for script in (script for split in SPLITS for script in scripts("pronounce", split)):
        (item,) = script.about["items"]
        told = [sound for sound in script.sounds if sound.speech.line.intent != "rule"]
        wrong = [(sound.start_s + sound.speech.words[at].end_s, sound.speech.line.slots["right"]) for sound in told if (at := sound.speech.line.slots["at"]) >= 0]
        said = [(own.start_s, own.speech.text) for own in script.own if own.speech.text != "okay"]
        if item["ruled"]:
            assert [text for _, text in said] == [right for _, right in wrong] and item["cues"] == len(wrong)
            assert all(0.2 < start_s - end_s < 2 for (start_s, _), (end_s, _) in zip(said, wrong, strict=True))
            put_right += len(said)
        else:
            assert not script.own and any(check.kind == "quiet" for check in script.checks)
    assert put_right > 100


def test_it_is_quiet_after_unusual_words():
    near = 0
    for script in scripts("pronounce", "test"):
        for at_s in script.about["items"][0]["near_s"]:
            said = {w.text for s in script.sounds for w in s.speech.words if s.start_s + w.end_s == at_s}
            assert said & set(pronounce.UNUSUAL)
            near += any(check.kind == "quiet" and check.start_s == at_s for check in script.checks)
    assert near > 20


def test_what_is_heard_is_written_as_it_sounded():
    tokenizer = Tokenizer()
    script = next(s for s in scripts("pronounce") if s.about["items"][0]["cues"])
    wrong = [words(s.speech.line)[at] for s in script.sounds if (at := s.speech.line.slots.get("at", -1)) >= 0]
    written = tokenizer.decode([int(t) for t in hear(script, tokenizer, int(script.length_s * 5)).ravel() if t])
    assert wrong and all(f" {word} " in f" {written} " for word in wrong)
