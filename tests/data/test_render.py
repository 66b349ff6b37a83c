"""Whole scripts as turns."""

import numpy as np
import pytest

from duologue.data.channel import Channel
from duologue.data.render import another_speaker, microphone, own_sound, pictures, render
from duologue.data.script import Line, Own, Script, Sound, View, reply_at
from duologue.errors import DataError
from duologue.media.dmel import DITHER, FRAMES_PER_TURN, from_fine, log_mel, quantise, to_fine
from duologue.media.patches import from_jpeg
from duologue.turn import SAMPLES_PER_TURN
from tests.data.synthetic import RATE, Letters, question, speech


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_fine_grid_keeps_what_the_levels_need():
    mel = rng().uniform(-3.9, 2.9, (50, 80)).astype(np.float32)
    assert np.abs(from_fine(to_fine(mel)) - mel).max() <= 7 / 255 / 2 + 1e-6
    assert np.mean(quantise(from_fine(to_fine(mel))) != quantise(mel)) < 0.06
    assert to_fine(np.float32([-9, 9])).tolist() == [0, 255]


@pytest.mark.parametrize("augment", ["clean", "train", "test-noise"])
def test_every_field_has_its_shape_and_type(augment):
    r = render(question(length_s=5.9), rng(), Letters(), augment=augment, keep_sound=True)
    turns = len(r.speak)
    assert augment == "train" or turns == 30
    assert r.user_mel.shape == r.own_mel.shape == (turns, FRAMES_PER_TURN, 80)
    assert r.hear.shape == r.say.shape == r.text.shape == r.act.shape == (turns, 2)
    assert r.typed.shape == (turns, 8)
    assert r.user_pcm.shape == r.own_pcm.shape == (turns * SAMPLES_PER_TURN,)
    assert r.user_mel.dtype == r.own_mel.dtype == r.speak.dtype == r.missing.dtype == r.important.dtype == np.uint8
    assert r.hear.dtype == r.say.dtype == r.text.dtype == r.act.dtype == r.typed.dtype == r.user_pcm.dtype == np.int16


def test_own_sound_is_on_output_turns():
    """A speech that begins at 3.4 s is output turn 16's, and its log-mel is that of its samples."""
    script = Script("talk", 6.0, own=[Own(3.4, speech("yes it is", "own", word_s=0.25))])
    r = render(script, rng(), Letters(), augment="clean", keep_sound=True)
    assert np.flatnonzero(r.speak).tolist() == list(range(16, 21))
    assert not r.own_pcm[: 16 * SAMPLES_PER_TURN].any()
    assert np.abs(from_fine(r.own_mel[17, 9]) - log_mel(r.own_pcm / np.float32(32767))[179])[:40].mean() < 0.1
    assert np.flatnonzero(r.say.any(1))[0] == 16


def test_silence_is_the_dithers_quiet_room():
    r = render(Script("hear", 2.0), rng(), Letters(), augment="clean")
    for mel in (r.user_mel, r.own_mel):
        assert from_fine(mel).mean() == pytest.approx(np.log10(DITHER * 17), abs=0.5)
    assert not r.speak.any() and not r.hear.any()


def test_a_quiet_turn_is_exactly_silent_and_a_cut_ends_in_time():
    script = Script("interrupt", 6.0, own=[Own(1.0, speech("one two three four five six", "own"), cut_s=1.8)])
    r = render(script, rng(), Letters(), augment="clean", keep_sound=True)
    assert np.flatnonzero(r.speak).tolist() == [4, 5, 6, 7]  # 1.0 to 1.8 s
    assert not r.own_pcm[8 * SAMPLES_PER_TURN :].any()
    last = np.abs(r.own_pcm[8 * SAMPLES_PER_TURN - 16 : 8 * SAMPLES_PER_TURN])
    assert last.max() < 200  # faded, not clicked


def test_the_microphone_is_on_input_turns():
    r = render(question(start_s=0.8), rng(), Letters(), augment="clean", keep_sound=True)
    assert np.flatnonzero(np.abs(r.user_pcm) > 100)[0] / RATE == pytest.approx(0.8, abs=0.01)


def test_a_warped_word_is_heard_when_its_sound_has_ended():
    """The clock follows the speaker: each word's burst is over when its token is written, and not by much."""
    for seed in range(6):
        script = another_speaker(question(), rng(seed))
        pcm, _ = microphone(script, rng(seed))
        level = np.abs(pcm).max()
        for word in script.sounds[0].speech.words:
            start, end = (int((script.sounds[0].start_s + t) * RATE) for t in (word.start_s, word.end_s))
            assert np.abs(pcm[(start + end) // 2 - 800 : (start + end) // 2 + 800]).max() > 0.3 * level
            assert np.abs(pcm[end + 400 : end + 1000]).max() < 0.1 * level


def test_seconds_that_are_facts_are_not_warped():
    line = Line("time", "in", "in seven seconds say tea")
    asked = speech(line.text)
    timed = Script("time", 14.0, sounds=[Sound(1.0, type(asked)(asked.text, "ann", asked.pcm_S, asked.words, line))])
    lengths = [another_speaker(timed, rng(seed)).length_s for seed in range(5)]
    assert lengths == pytest.approx([timed.length_s] * 5)
    assert any(abs(another_speaker(question(), rng(seed)).length_s - 6.0) > 0.1 for seed in range(5))


def test_one_speaker_keeps_one_voice():
    script = question(length_s=12.0)
    script.sounds.append(Sound(7.0, speech("what is eight plus five")))
    first, second = another_speaker(script, rng(3)).sounds
    assert np.array_equal(first.speech.pcm_S, second.speech.pcm_S)


def test_voices_are_made_equally_loud_and_gain_tells_them_apart():
    near, far = speech("one two"), speech("one two", "tv")
    quiet = type(near)(near.text, "ann", near.pcm_S * np.float32(0.1), near.words)
    script = Script("hold", 6.0, sounds=[Sound(0.5, quiet), Sound(3.0, far, "television", -12.0, False)])
    pcm, _ = microphone(script, rng())
    first, second = (np.abs(pcm[int(s * RATE) : int((s + 1) * RATE)]).max() for s in (0.5, 3.0))
    assert 20 * np.log10(second / first) == pytest.approx(-12, abs=0.5)


def test_missing_sound_is_counted_in_tens_of_milliseconds():
    r = render(question(), rng(), Letters(), augment=Channel(outages_s=(1.0,)), keep_sound=True)
    assert r.missing.max() == 20
    assert r.missing.sum() == 100


def test_the_same_seed_renders_the_same_turns():
    one, two = (render(question(), rng(7), Letters()) for _ in range(2))
    assert np.array_equal(one.user_mel, two.user_mel) and np.array_equal(one.hear, two.hear)


def test_scripts_that_cannot_be_rendered_are_data_errors():
    with pytest.raises(DataError, match="before any output"):
        own_sound(Script("talk", 3.0, own=[Own(0.1, speech("yes", "own"))]))
    mute = type(speech("yes"))("yes", "own", speech("yes").pcm_S, ())
    with pytest.raises(DataError, match="no word times"):
        own_sound(Script("talk", 3.0, own=[Own(1.0, mute)]))


def clock_picture(seconds: float) -> np.ndarray | None:
    """A picture that says when it was taken, in units of 50 ms; the camera fails in its second second."""
    return None if 1.0 <= seconds < 2.0 else np.full((120, 160, 3), round(seconds * 20), np.uint8)


def watched(start_s: float = 1.3) -> Script:
    """Somebody asks, then something is seen 1.5 s into a view, and the model says so."""
    script = question()
    script.views.append(View(start_s, 9.0, clock_picture, (2.5,)))
    script.own.append(Own(reply_at(start_s + 2.5), speech("now", "own", 220)))
    script.length_s = 10.0
    return script


def test_a_turn_shows_the_last_picture_before_its_end():
    files = pictures(watched(1.3))
    seen = [from_jpeg(file)[60, 80, 0] if file else None for file in files]
    assert len(files) == 50 and seen[:6] == [None] * 6
    assert seen[6] == round((1.4 - 1.3) * 20) and seen[44] == round((9.0 - 1.3) * 20)
    assert seen[11:16] == [None] * 5 and seen[10] is not None and seen[16] is not None
    assert seen[45:] == [None] * 5


def test_pictures_are_kept_as_files_and_cost_nothing_where_there_are_none():
    r, none = (render(script, rng(), Letters(), augment="clean") for script in (watched(), question()))
    assert r.jpeg.dtype == np.uint8 and r.jpeg_bytes.dtype == np.uint16 and len(r.jpeg_bytes) == len(r.speak)
    assert r.jpeg_bytes.sum() == len(r.jpeg) > 0
    assert not none.jpeg_bytes.any() and not len(none.jpeg)


def test_a_view_keeps_its_pace_and_what_is_said_to_it_its_delay():
    """Another speaker before the view moves it; the reaction stays 0.3 to 0.5 s behind what is seen."""
    moved = set()
    for seed in range(12):
        script = another_speaker(watched(3.37), rng(seed))
        (view,), own = script.views, script.own[-1]
        assert view.end_s - view.start_s == pytest.approx(9.0 - 3.37)
        assert 0.3 - 1e-6 <= own.start_s - view.start_s - 2.5 < 0.5
        moved.add(round(view.start_s, 2))
    assert len(moved) > 5


def test_nobody_speaks_faster_while_the_camera_runs():
    before = watched(0.1)
    assert all(another_speaker(before, rng(seed)).length_s == pytest.approx(10.0) for seed in range(5))
