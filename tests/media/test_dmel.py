import numpy as np
import pytest

from duologue.media import dmel

RNG = np.random.default_rng(0)


def test_turn_by_turn_is_the_whole():
    pcm = RNG.normal(0, 0.1, 16_000).astype(np.float32)
    pieces = [dmel.log_mel(pcm[i : i + 3200], pcm[max(0, i - 480) : i] if i else None) for i in range(0, 16_000, 3200)]
    assert np.abs(np.concatenate(pieces) - dmel.log_mel(pcm)).max() < 1e-5


def test_a_frame_never_sees_what_comes_after_its_hop():
    pcm = RNG.normal(0, 0.1, 3200).astype(np.float32)
    later = pcm.copy()
    later[1600:] = 0
    assert np.array_equal(dmel.log_mel(pcm)[:5], dmel.log_mel(later)[:5])
    assert not np.array_equal(dmel.log_mel(pcm)[5], dmel.log_mel(later)[5])


def test_levels_go_back_to_their_grid():
    levels = RNG.integers(0, dmel.LEVELS, (20, dmel.MELS)).astype(np.uint8)
    assert np.array_equal(dmel.quantise(dmel.dequantise(levels)), levels)
    assert dmel.dequantise(levels).min() >= dmel.FLOOR and dmel.dequantise(levels).max() <= dmel.CEILING
    mel = RNG.uniform(dmel.FLOOR, dmel.CEILING, (20, dmel.MELS))
    step = (dmel.CEILING - dmel.FLOOR) / (dmel.LEVELS - 1)
    assert np.abs(dmel.dequantise(dmel.quantise(mel)) - mel).max() <= step / 2 + 1e-6


def test_a_tone_lies_in_its_channel_and_louder_is_higher():
    t = np.arange(16_000) / 16_000
    quiet, loud = (dmel.log_mel((a * np.sin(2 * np.pi * 1000 * t)).astype(np.float32))[10] for a in (0.05, 0.5))
    assert 20 < int(quiet.argmax()) < 36
    assert loud.max() - quiet.max() == pytest.approx(1.0, abs=0.01)


def test_an_odd_number_of_samples_is_refused():
    with pytest.raises(ValueError, match="multiple of 320"):
        dmel.log_mel(np.zeros(100, np.float32))
