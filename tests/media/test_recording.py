"""Recordings turn by turn: the same as whole, in bounded memory."""

import tracemalloc

import av
import numpy as np
import pytest
import soundfile

from duologue.errors import DataError
from duologue.media import recording
from duologue.turn import SAMPLES_PER_TURN


def noise(seconds: float, rate: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, int(seconds * rate)).astype(np.float32)


def test_turns_are_the_samples_of_the_file(tmp_path):
    pcm_S = noise(1.05, 16_000)
    soundfile.write(tmp_path / "a.wav", pcm_S, 16_000, subtype="FLOAT")
    turns = list(recording.turn_sound(tmp_path / "a.wav"))
    assert len(turns) == 6 and all(t.shape == (SAMPLES_PER_TURN,) and t.dtype == np.float32 for t in turns)
    np.testing.assert_array_equal(np.concatenate(turns)[: len(pcm_S)], pcm_S)
    assert not np.concatenate(turns)[len(pcm_S) :].any()


def test_an_hour_is_read_in_bounded_memory(tmp_path):
    path = tmp_path / "hour.flac"
    with soundfile.SoundFile(path, "w", 8_000, 1) as out:
        for _ in range(60):
            out.write(np.zeros(60 * 8_000, np.int16))
    tracemalloc.start()
    turns = sum(1 for _ in recording.turn_sound(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert abs(turns - 5 * 3600) <= 1 and recording.describe(path) == pytest.approx(3600)
    assert peak < 4e6


def test_a_cover_is_not_a_moving_picture(tmp_path):
    path = tmp_path / "song.wav"
    soundfile.write(path, noise(0.4, 16_000), 16_000)
    assert list(recording.turn_pictures(path)) == []


def test_each_turn_shows_the_last_picture_before_its_end(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=5)  # a picture at each turn's first instant
        stream.width, stream.height, stream.pix_fmt = 40, 40, "yuv420p"
        for n in (0, 1, 4):
            frame = av.VideoFrame.from_ndarray(np.full((40, 40, 3), 40 * n + 20, np.uint8), format="rgb24")
            frame.pts = n
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    shown = [None if image is None else int(image[60, 80, 0]) for image in recording.turn_pictures(path)]
    assert [v if v is None else round((v - 20) / 40) for v in shown] == [0, 1, None, None, 4]


def test_letterbox_keeps_the_shape():
    tall = recording.letterbox(av.VideoFrame.from_ndarray(np.full((200, 100, 3), 255, np.uint8), format="rgb24"))
    lit = np.flatnonzero(tall[60, :, 0])
    assert (lit[0], lit[-1]) == (50, 109) and (tall[:, 80, 0] > 200).all()


def test_damage_found_late_is_a_data_error(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, noise(20, 16_000), 16_000)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"a\.flac"):
        list(recording.turn_sound(path))
