"""Pictures of micro-turns as a film; `recording.turn_pictures` reads it again. See `write_film`."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from duologue.errors import DataError
from duologue.turn import PICTURE_HEIGHT, PICTURE_WIDTH, TURN_MS

CODEC = "libx264"
OPTIONS = {"crf": "20", "preset": "fast", "bf": "0"}  # no picture waits for a later one
MILLISECOND = Fraction(1, 1000)
TAKEN_MS = TURN_MS - 1  # after a turn's begin: its picture is the last before its end


def write_film(path: Path, pictures: Sequence[np.ndarray | None]) -> None:
    """A picture a turn, uint8 [PICTURE_HEIGHT, PICTURE_WIDTH, 3], shown from when it was taken; None is no picture.

    The film begins at 0 with its first picture once more, so that its clock is that of the turns. Raises DataError.
    """
    there = [(k * TURN_MS + TAKEN_MS, image) for k, image in enumerate(pictures) if image is not None]
    try:
        with av.open(str(path), "w") as film:
            stream = film.add_stream(CODEC, rate=1000 // TURN_MS, options=OPTIONS)
            stream.thread_count = 1  # x264's bits depend on how many there are
            stream.width, stream.height, stream.pix_fmt = PICTURE_WIDTH, PICTURE_HEIGHT, "yuv420p"
            stream.time_base = stream.codec_context.time_base = MILLISECOND
            for at_ms, image in [(0, there[0][1]), *there] if there else []:
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
                frame.pts, frame.time_base = at_ms, MILLISECOND
                film.mux(stream.encode(frame))
            film.mux(stream.encode(None))
    except (OSError, av.error.FFmpegError) as error:
        raise DataError(f"cannot write {path}: {error}") from error
