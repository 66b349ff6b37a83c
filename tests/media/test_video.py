"""Films of turns: each picture comes back in its turn, lost ones are missing."""

import numpy as np
import pytest

from duologue.errors import DataError
from duologue.media.recording import turn_pictures
from duologue.media.video import write_film


def picture(level: int) -> np.ndarray:
    return np.full((120, 160, 3), level, np.uint8)


@pytest.mark.parametrize("levels", [[20, 60, None, 140, None, None, 220], [20, 20, 90]])
def test_a_film_is_read_as_it_was_written(tmp_path, levels):
    path = tmp_path / "a.mp4"
    write_film(path, [None if level is None else picture(level) for level in levels])
    found = [None if image is None else float(image.mean()) for image in turn_pictures(path)]
    assert [x is None for x in found] == [x is None for x in levels]
    assert all(abs(a - b) < 6 for a, b in zip(found, levels, strict=True) if a is not None)


def test_a_film_whose_first_pictures_are_lost_keeps_the_clock(tmp_path):
    path = tmp_path / "a.mp4"
    write_film(path, [None, None, picture(200), None, picture(40)])
    found = list(turn_pictures(path))
    assert [image is None for image in found] == [False, True, False, True, False]  # the first once more at 0
    assert abs(found[4].mean() - 40) < 6


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(DataError, match="cannot write"):
        write_film(tmp_path / "nowhere" / "a.mp4", [picture(9)])
