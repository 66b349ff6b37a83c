"""What is not meant for the model changes nothing."""

import numpy as np
import pytest

from duologue.data.families import hold
from tests.data.families.timing_checks import scripts

CASES = [(script, split) for split in ("train", "test") for script in scripts("hold", split)]


def test_all_kinds_come_up_while_speaking_and_in_silence():
    seen = {(item["class"], item["speaking"]) for script, _ in CASES for item in script.about["items"]}
    assert seen == {(kind, speaking) for kind in hold.KINDS for speaking in (True, False)}


def test_recitals_go_on_at_their_pace():
    for script, _ in CASES:
        assert all(own.cut_s is None for own in script.own)
        for sound in script.sounds:
            words = sound.speech.line.slots.get("recital") if sound.speech.line else None
            if not words:
                continue
            end_s = sound.start_s + sound.speech.seconds
            said = [x for x in script.own if x.start_s > end_s][: len(words)]
            assert [x.speech.text for x in said] == list(words)
            steps = np.diff([x.start_s for x in said])
            assert np.allclose(steps, steps[0])


def test_each_thing_said_into_a_recital_has_three_items_after_it():
    for script, _ in CASES:
        for item in script.about["items"]:
            checks = [
                c for c in script.checks if c.kind == "goes_on" and c.after_s and round(c.after_s, 2) == item["start_s"]
            ]
            assert len(checks) == item["speaking"]
            assert all(len(c.accept) == 3 for c in checks)


def test_in_silence_there_is_no_answer_and_no_go_on():
    for script, _ in CASES:
        for item in script.about["items"]:
            if not item["speaking"]:
                assert any(
                    c.kind == "quiet" and c.start_s <= item["start_s"] + 0.01 < c.end_s - 1 for c in script.checks
                )
                assert item["class"] != "backchannel" or "go on" not in item["said"]


def test_only_the_users_words_are_written_down():
    whos = set()
    for script, _ in CASES:
        for sound in script.sounds:
            whos.add(sound.who)
            assert sound.transcribed == (sound.who == "user")
            assert sound.who != "television" or -18 <= sound.gain_db <= -6
            assert (sound.speech.voice == script.about["voice"]) == (sound.who == "user" and bool(sound.speech.words))
    assert whos == {"user", "other", "television"}


@pytest.mark.parametrize("kind", ["cough", "laugh", "breath"])
def test_body_noises_are_audible_wordless_and_never_twice_the_same(kind):
    one, two = (hold.body_noise(np.random.default_rng(seed), kind) for seed in (1, 2))
    assert one.pcm_S.dtype == np.float32 and one.words == () and 0.1 < one.seconds < 3
    assert 0.02 < np.abs(one.pcm_S).max() <= 0.6 and np.isfinite(one.pcm_S).all()
    assert len(one.pcm_S) != len(two.pcm_S)
