import numpy as np
import pytest

from duologue.data import mix
from duologue.data.families import count, facts, numbers, talk, typed
from duologue.data.scenes.stage import Stage
from duologue.errors import DataError
from tests.data.fake_bank import FakeBank
from tests.data.families.checks import assert_takes_turns, spans

FAMILIES = {"talk": (talk, 1.0), "numbers": (numbers, 2.0), "facts": (facts, 1.0)}


def test_parts_follow_each_other_in_one_voice_up_to_the_length():
    for seed in range(20):
        script = mix.conversation(np.random.default_rng(seed), FakeBank(), "train", FAMILIES, 90)
        assert_takes_turns(script)
        assert 45 < script.length_s <= 90
        assert set(script.about["parts"]) <= set(FAMILIES) and len(script.about["parts"]) >= 2
        assert len({sound.speech.voice for sound in script.sounds}) == 1


def test_everything_moves_by_the_same_time():
    part = typed.script(np.random.default_rng(3), FakeBank(), "train")
    moved = mix.shifted(part, 12.4)
    for lane in ("typed", "written", "notes", "calls"):
        assert [x[0] + 12.4 for x in getattr(part, lane)] == [x[0] for x in getattr(moved, lane)]
        assert [x[1:] for x in getattr(part, lane)] == [x[1:] for x in getattr(moved, lane)]
    assert np.add(spans(part)[1], 12.4) == pytest.approx(np.array(spans(moved)[1]))
    assert [c.after_s and c.after_s + 12.4 for c in part.checks] == [c.after_s for c in moved.checks]
    assert moved.length_s == part.length_s + 12.4


def test_what_is_seen_moves_with_what_is_said_about_it():
    families = {"talk": (talk, 1.0), "count": (count, 2.0)}
    for seed in range(8):
        script = mix.conversation(np.random.default_rng(seed), FakeBank(), "train", families, 60)
        assert len(script.views) == script.about["parts"].count("count")
        for view in script.views:
            assert 0 <= view.start_s < view.end_s <= script.length_s + 1e-6
            for event_s in view.events_s:
                late = [own.start_s - view.start_s - event_s for own in script.own]
                assert any(0.2 - 1e-6 <= x < 1.6 for x in late)
    assert script.views


def test_answers_stay_on_turn_boundaries():
    script = mix.conversation(np.random.default_rng(0), FakeBank(), "train", {"talk": (talk, 1.0)}, 80)
    assert all(abs(own.start_s / 0.2 - round(own.start_s / 0.2)) < 1e-6 for own in script.own)


def test_a_family_without_speech_is_passed_over():
    class Mute:
        def script(self, *_, **__):
            raise DataError("no speech")

    families = FAMILIES | {"mute": (Mute(), 9.0)}
    script = mix.conversation(np.random.default_rng(0), FakeBank(), "train", families, 60)
    assert "mute" not in script.about["parts"]
    with pytest.raises(DataError, match="mute"):
        mix.conversation(np.random.default_rng(0), FakeBank(), "train", {"mute": (Mute(), 1.0)}, 60)


def test_one_part_alone_may_be_longer_than_asked():
    script = mix.conversation(np.random.default_rng(0), FakeBank(), "train", FAMILIES, 1)
    assert script.own


def test_now_and_then_the_camera_is_on_while_people_talk_of_something_else(monkeypatch):
    monkeypatch.setattr(Stage, "show", lambda stage, seconds: np.zeros((120, 160, 3), np.uint8))
    talked = [numbers.script(np.random.default_rng(n), FakeBank(), "train") for n in range(40)]
    drawn = [mix.watched(script, np.random.default_rng(n), "train", 0.5) for n, script in enumerate(talked)]
    on = [script for script in drawn if script.views]
    assert 10 < len(on) < 30 and all(view.end_s == script.length_s and view.beside for script in on for view in script.views)


def test_where_scenes_cannot_be_drawn_the_camera_stays_off(monkeypatch):
    def missing(stage, seconds):
        raise DataError("no photographs")

    monkeypatch.setattr(Stage, "show", missing)
    talked = numbers.script(np.random.default_rng(0), FakeBank(), "train")
    assert mix.watched(talked, np.random.default_rng(0), "train", 1.0) is talked


def test_now_and_then_in_training_nobody_asks_about_a_film():
    def films(split: str) -> list:
        drawn = (mix.conversation(np.random.default_rng(seed), FakeBank(), split, {"count": (count, 1.0)}, 1.0) for seed in range(100, 200))
        return [script for script in drawn if not script.sounds and not script.typed]

    found = films("train")
    assert 2 <= len(found) <= 20 and not films("test")
    for script in found:
        assert not script.own and not script.written and script.checks[0].kind == "quiet"
        assert all(view.beside and not view.events_s and view.stage for view in script.views)
