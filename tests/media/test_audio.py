"""Files and turns."""

import wave

import numpy as np
import pytest
import soundfile

from duologue.errors import DataError
from duologue.media import audio
from duologue.turn import SAMPLES_PER_TURN

HZ = 440


def tone(seconds: float, rate_hz: int) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * HZ * np.arange(int(seconds * rate_hz)) / rate_hz)).astype(np.float32)


@pytest.mark.parametrize(("suffix", "rate_hz"), [("wav", 44100), ("flac", 48000), ("ogg", 24000), ("wav", 8000)])
def test_any_file_becomes_16_khz_mono_in_phase(tmp_path, suffix, rate_hz):
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, np.stack([tone(1, rate_hz)] * 2, axis=1), rate_hz)
    pcm_S = audio.load(path)
    assert pcm_S.dtype == np.float32
    assert -32 <= len(pcm_S) - 16000 <= 400  # vorbis fills its last block
    inner = slice(2000, 14000)
    assert np.corrcoef(pcm_S[inner], tone(1, 16000)[inner])[0, 1] > 0.995


def test_stereo_is_mixed_to_mono(tmp_path):
    path = tmp_path / "two.wav"
    soundfile.write(path, np.stack([tone(0.5, 16000), -tone(0.5, 16000)], axis=1), 16000)
    assert np.abs(audio.load(path)).max() < 0.01


def test_saved_sound_loads_again(tmp_path):
    pcm_S = tone(0.3, 16000)
    audio.save(tmp_path / "a.wav", pcm_S)
    assert np.abs(audio.load(tmp_path / "a.wav") - pcm_S).max() < 1e-3
    with wave.open(str(tmp_path / "a.wav")) as saved:
        assert (saved.getframerate(), saved.getnchannels(), saved.getsampwidth()) == (16000, 1, 2)


def test_loud_samples_clip_instead_of_wrapping():
    assert audio.to_int16(np.float32([1.5, -1.5])).tolist() == [32767, -32767]


def test_what_is_not_sound_is_a_data_error(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"not a sound file at all")
    with pytest.raises(DataError, match=r"a\.wav"):
        audio.load(tmp_path / "a.wav")
    with pytest.raises(DataError, match=r"missing\.wav"):
        audio.load(tmp_path / "missing.wav")


def test_turns_are_whole():
    turns = audio.in_turns(np.ones(SAMPLES_PER_TURN + 1, np.float32))
    assert turns.shape == (2, SAMPLES_PER_TURN)
    assert turns.sum() == SAMPLES_PER_TURN + 1


def test_the_same_sound_on_both_sides_keeps_its_level(tmp_path):
    tone = (0.6 * np.sin(np.arange(16_000) * 0.3)).astype(np.float32)
    soundfile.write(tmp_path / "both.wav", np.stack([tone, tone], 1), 16_000)
    assert np.abs(audio.load(tmp_path / "both.wav")).max() == pytest.approx(0.6, abs=0.01)
