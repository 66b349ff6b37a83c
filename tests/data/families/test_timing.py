"""The timing families keep the same promises."""

import re
from collections import defaultdict
from itertools import islice

import numpy as np
import pytest

from duologue.data.families import hold, interrupt, invite, pause, time
from duologue.data.families.timing import fall_silent, open_scene, quiet_between
from duologue.data.script import Own, Script
from duologue.errors import DataError
from tests.data.fake_bank import FakeBank, speech_of
from tests.data.families.checks import assert_own_voice_can_say
from tests.data.families.timing_checks import assert_family_keeps_its_promises, lines_of

FAMILIES = [pause, invite, interrupt, hold, time]
each = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.NAME)
both = pytest.mark.parametrize("split", ["train", "test"])


@both
@each
def test_labels_and_sounds_agree(family, split):
    assert_family_keeps_its_promises(family.NAME, split)


@each
def test_one_seed_gives_one_script(family):
    first, second = (family.script(np.random.default_rng(5), FakeBank(), "train") for _ in range(2))
    other = family.script(np.random.default_rng(6), FakeBank(), "train")
    assert (first.checks, first.about, first.length_s) == (second.checks, second.about, second.length_s)
    assert first.checks != other.checks
    assert list(islice(family.lines(np.random.default_rng(1), "test"), 50)) == list(lines_of(family.NAME, "test")[:50])


@each
def test_a_given_voice_is_used(family):
    script = family.script(np.random.default_rng(1), FakeBank(), "train", voice="fake/train_bo")
    assert {x.speech.voice for x in script.sounds if x.who == "user" and x.speech.words} == {"fake/train_bo"}


@each
def test_training_never_sees_what_tests_say(family):
    train, test = (lines_of(family.NAME, split) for split in ("train", "test"))
    held = [line for line in test if line.held_out]
    assert not any(line.held_out for line in train) and len(held) > 0.8 * len(test)
    assert not {line.text for line in train} & {line.text for line in held}


@each
def test_lines_are_plain_words_and_their_answers_own_texts(family):
    lines = lines_of(family.NAME, "train") + lines_of(family.NAME, "test")
    assert all(re.fullmatch(r"[a-z']+( [a-z']+)*", line.text) for line in lines)
    assert_own_voice_can_say(family, lines)
    texts = list(family.own_texts())
    assert len(texts) == len(set(texts)) <= 700


@each
def test_every_intent_is_said_in_many_ways(family):
    ways = defaultdict(set)
    for line in lines_of(family.NAME, "train") + lines_of(family.NAME, "test"):
        values = {str(value) for value in line.slots.values()}
        ways[line.intent].add(" ".join(word for word in line.text.split() if word not in values))
    assert all(len(found) >= 25 for found in ways.values()), {k: len(v) for k, v in ways.items()}


def test_falling_silent_cuts_what_is_being_said_and_drops_what_would_follow():
    word = speech_of("seven", "own")  # 0.3 s
    owns = [Own(start_s, word) for start_s in (1.0, 2.0, 3.0)]
    assert fall_silent(owns, 2.2) == [owns[0], Own(2.0, word, cut_s=2.2)]
    assert fall_silent(owns, 2.4) == owns[:2]
    assert fall_silent(owns, 9.0) == owns


def test_quiet_is_what_is_left_between_the_wanted_spans():
    script = Script("time", 10)
    quiet_between(script, 1.0, 9.0, [(6.0, 6.5), (2.0, 4.0), (6.6, 7.0), (3.0, 3.5)])
    assert [(c.start_s, c.end_s) for c in script.checks] == [(1.0, 2.0), (4.0, 6.0), (7.0, 9.0)]


def test_another_voice_helps_out_when_the_bank_lacks_a_line():
    class Sparse(FakeBank):
        def sample(self, rng, family, intent=None, voice=None, split="train", where=None):
            if voice and family == "facts":
                raise DataError("none by this voice")
            return super().sample(rng, family, intent, voice, split, where)

    scene = open_scene("pause", np.random.default_rng(0), Sparse(), "train", "fake/train_ada")
    assert {scene.line("facts").voice for _ in range(30)} == set(Sparse().voices("train"))
    assert {scene.line("numbers").voice for _ in range(30)} == {"fake/train_ada"}
