"""Warped voices: what moves, what stays, and the clock of a script."""

from itertools import pairwise

import numpy as np
import pytest

from duologue.data.script import Check, Own, Script, Sound, reply_at
from duologue.data.warp import Warp, draw_warp, retime, warp, warp_speech
from tests.data.synthetic import RATE, burst, question, speech


def pitch_hz(pcm_S: np.ndarray) -> float:
    middle = pcm_S[len(pcm_S) // 4 : -len(pcm_S) // 4]
    echo = np.correlate(middle, middle, "full")[len(middle) - 1 :]
    lags = slice(RATE // 400, RATE // 80)
    return RATE / (lags.start + echo[lags].argmax())


def centroid_hz(pcm_S: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(pcm_S)) ** 2
    return float((power * np.fft.rfftfreq(len(pcm_S), 1 / RATE)).sum() / power.sum())


@pytest.mark.parametrize("speed", [0.85, 1.0, 1.2])
@pytest.mark.parametrize("pitch", [0.85, 1.0, 1.2])
def test_speed_and_pitch_are_independent(speed, pitch):
    sound = burst(160, 1.5)
    warped = warp(sound, Warp(speed, pitch, pitch))
    assert len(warped) == round(len(sound) / speed)
    assert pitch_hz(warped) == pytest.approx(160 * pitch, rel=0.03)


@pytest.mark.parametrize("tract", [0.88, 1.14])
def test_the_vocal_tract_moves_formants_and_not_the_pitch(tract):
    rng = np.random.default_rng(0)
    pulses = np.zeros(RATE, np.float32)
    pulses[::100] = 1
    ring = np.exp(-np.arange(300) / 60) * np.sin(2 * np.pi * 1200 / RATE * np.arange(300))
    vowel = np.convolve(pulses, ring)[:RATE].astype(np.float32) + rng.normal(0, 1e-3, RATE).astype(np.float32)
    warped = warp(vowel, Warp(1.0, 1.0, tract))
    assert pitch_hz(warped) == pytest.approx(160, rel=0.03)
    assert centroid_hz(warped) / centroid_hz(vowel) == pytest.approx(tract, abs=0.05)


def test_a_warp_of_one_changes_nothing():
    sound = burst(160, 0.5)
    assert warp(sound, Warp()) is sound


def test_level_survives_warping():
    sound = burst(130, 1.0)
    ratio = np.sqrt(np.mean(warp(sound, Warp(0.9, 1.1, 1.0)) ** 2) / np.mean(sound**2))
    assert 0.8 < ratio < 1.2


def test_word_times_follow_the_sound():
    fast = warp_speech(speech("one two three four"), Warp(1.2, 0.9, 1.05))
    for before, after in pairwise(fast.words):
        gap = fast.pcm_S[int((before.end_s + 0.02) * RATE) : int((after.start_s - 0.02) * RATE)]
        word = fast.pcm_S[int(before.start_s * RATE) : int(before.end_s * RATE)]
        assert np.abs(gap).max() < 0.05 * np.abs(word).max()


@pytest.mark.parametrize("speed", [0.85, 0.93, 1.07, 1.2])
def test_replies_keep_their_turns_after_the_user(speed):
    script = question()
    asked = script.sounds[0]
    later = script.own[0].start_s + 1.4
    script.own.append(Own(later, speech("and", "own", 220), cut_s=later + 0.2))
    script.checks.append(Check("answer", script.own[0].start_s, 5.0, ("it",), asked.start_s + asked.speech.seconds))
    moved = retime(script, [speed])
    end_s = asked.start_s + asked.speech.seconds / speed
    assert moved.sounds[0].start_s == asked.start_s
    assert moved.own[0].start_s == pytest.approx(reply_at(end_s))
    assert moved.own[1].start_s - moved.own[0].start_s == pytest.approx(1.4)
    assert moved.own[1].cut_s - moved.own[1].start_s == pytest.approx(0.2)
    assert moved.checks[0].after_s == pytest.approx(end_s)
    assert moved.checks[0].start_s == pytest.approx(moved.own[0].start_s)
    assert moved.length_s - end_s == pytest.approx(script.length_s - asked.start_s - asked.speech.seconds)


def test_own_speeches_do_not_run_into_each_other():
    """A recital item by item, while the user talks over it, twenty per cent faster."""
    items = [Own(1.0 + 0.6 * n, speech("three", "own", 220, word_s=0.55)) for n in range(6)]
    script = Script("order", 8.0, sounds=[Sound(1.2, speech("one two three four five six"))], own=items)
    moved = retime(script, [1.2]).own
    for one, other in pairwise(moved):
        assert other.start_s >= one.start_s + one.speech.seconds - 1e-6


def test_somebody_else_never_keeps_the_pitch():
    rng = np.random.default_rng(0)
    assert all(abs(np.log(draw_warp(rng, somebody_else=True).pitch)) > 0.13 for _ in range(200))
