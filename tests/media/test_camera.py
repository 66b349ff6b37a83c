"""A camera, played by a film: the newest picture each time, and an end with the microphone's."""

import av
import numpy as np
import pytest

from duologue.errors import ConfigError
from duologue.media.camera import Camera
from duologue.media.video import write_film
from duologue.turn import SAMPLES_PER_TURN

QUIET_S = np.zeros(SAMPLES_PER_TURN, np.float32)


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "a.mp4"
    write_film(path, [np.full((120, 160, 3), level, np.uint8) for level in (30, 90, 150, 210)])
    return path


def test_the_newest_picture_is_seen_once(film):
    camera = Camera(str(film), "mp4")
    camera._thread.join()
    pictures = camera.pictures()
    first = next(pictures)
    assert first.shape == (120, 160, 3) and abs(first.mean() - 210) < 5
    assert next(pictures) is None


def test_pictures_end_with_the_sound_they_stand_beside(film):
    camera = Camera(str(film), "mp4")
    assert len(list(camera.beside(iter([QUIET_S] * 3)))) == 3
    assert list(camera.pictures()) == []


def test_sound_and_camera_together_are_turns_until_the_microphone_ends(film, monkeypatch):
    from duologue import talk

    camera = Camera(str(film), "mp4")
    monkeypatch.setattr(talk, "Camera", lambda device: camera)
    monkeypatch.setattr(talk.microphone, "open_card", lambda: (iter([QUIET_S] * 4), lambda pcm_S: None))
    _, _, sound, pictures, _ = talk._open("-", "/dev/video0")
    camera._thread.join()
    turns = list(talk.listen(sound, pictures, [], 0.4))
    assert [turn.index for turn in turns] == list(range(6))
    assert [turn.image is not None for turn in turns] == [True] + [False] * 5


def test_no_camera_is_a_mistake_of_one_line(tmp_path):
    with pytest.raises(ConfigError, match="no camera at .*; name another"):
        Camera(str(tmp_path / "video9"))


def test_the_driver_is_one_that_pyav_has():
    from duologue.media.camera import DRIVER

    assert av.format.ContainerFormat(DRIVER).is_input
