"""A recording of any length as micro-turns, read as it is needed: sound and pictures. See `turn_sound`, `turn_pictures`.

`audio.load` is for short files that fit in memory whole; here an hour costs no more than a second.
"""

import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import soxr

from duologue.errors import DataError
from duologue.turn import PICTURE_HEIGHT, PICTURE_WIDTH, SAMPLE_RATE_HZ, SAMPLES_PER_TURN, TURN_MS

Container = av.container.InputContainer
UNKNOWN_BYTES = 0x7FFFF000  # a WAV that was written to a pipe speaks of so much or more, since nobody knew its length


@contextmanager
def _opened(path: Path) -> Iterator[Container]:
    """Raises DataError for a missing, empty or damaged file, also when the damage is met later, while decoding."""
    try:
        with av.open(str(path)) as container:
            yield container
    except (OSError, av.error.FFmpegError) as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def describe(path: Path) -> float | None:
    """Seconds that the file says it lasts, or None where it does not say.

    Raises:
        DataError: it is missing, empty, damaged, or holds neither sound nor pictures.
    """
    with _opened(path) as container:
        if not (container.streams.audio or _video(container)):
            raise DataError(f"{path} holds neither sound nor pictures")
        return container.duration / av.time_base if container.duration else None


def promised(path: Path) -> float | None:
    """Seconds of sound that the header of a WAV file speaks of, where PyAV tells what is there; None for what has no such header."""
    try:
        with wave.open(str(path)) as file:
            length_bytes = file.getnframes() * file.getnchannels() * file.getsampwidth()
            return file.getnframes() / file.getframerate() if length_bytes < UNKNOWN_BYTES else None
    except (OSError, EOFError, wave.Error, ZeroDivisionError):
        return None


def turn_sound(path: Path) -> Iterator[np.ndarray]:
    """16 kHz mono float32 [SAMPLES_PER_TURN] a turn, the last one filled up with silence; nothing if there is no sound."""
    with _opened(path) as container:
        if not container.streams.audio:
            return
        kept_S = np.zeros(0, np.float32)
        for pcm_S in _resampled(container):
            kept_S = np.concatenate([kept_S, pcm_S])
            whole = len(kept_S) // SAMPLES_PER_TURN * SAMPLES_PER_TURN
            yield from kept_S[:whole].reshape(-1, SAMPLES_PER_TURN)
            kept_S = kept_S[whole:]
        if len(kept_S):
            yield np.pad(kept_S, (0, SAMPLES_PER_TURN - len(kept_S)))


def _resampled(container: Container) -> Iterator[np.ndarray]:
    planes, stream = av.AudioResampler(format="fltp"), None
    for frame in container.decode(audio=0):
        stream = stream or soxr.ResampleStream(frame.sample_rate, SAMPLE_RATE_HZ, 1, dtype="float32")
        for part in planes.resample(frame):
            yield stream.resample_chunk(part.to_ndarray().mean(0, dtype=np.float32))
    if stream:
        yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def turn_pictures(path: Path) -> Iterator[np.ndarray | None]:
    """For each turn the last picture that came in it, RGB uint8 [PICTURE_HEIGHT, PICTURE_WIDTH, 3], or None."""
    with _opened(path) as container:
        video = _video(container)
        if video is None:
            return
        begin_s, turn, last = (container.start_time or 0) / av.time_base, 0, None
        for frame in container.decode(video):
            while frame.time is not None and (frame.time - begin_s) * 1000 >= (turn + 1) * TURN_MS:
                yield None if last is None else letterbox(last)
                last, turn = None, turn + 1
            last = frame
        yield None if last is None else letterbox(last)


def _video(container: Container) -> av.VideoStream | None:
    """The first stream of moving pictures; the cover of a music file is none."""
    cover = av.stream.Disposition.attached_pic
    return next((s for s in container.streams.video if not s.disposition & cover), None)


def letterbox(frame: av.VideoFrame) -> np.ndarray:
    """The whole picture, upright, as large as fits, in the middle of black: uint8 [PICTURE_HEIGHT, PICTURE_WIDTH, 3]."""
    turned = frame.rotation % 180 != 0
    wide, tall = (frame.height, frame.width) if turned else (frame.width, frame.height)
    scale = min(PICTURE_WIDTH / wide, PICTURE_HEIGHT / tall)
    size = [max(1, round(side * scale)) for side in (frame.width, frame.height)]
    image = np.rot90(frame.to_ndarray(format="rgb24", width=size[0], height=size[1]), frame.rotation // 90)
    top, left = (PICTURE_HEIGHT - image.shape[0]) // 2, (PICTURE_WIDTH - image.shape[1]) // 2
    boxed = np.zeros((PICTURE_HEIGHT, PICTURE_WIDTH, 3), np.uint8)
    boxed[top : top + image.shape[0], left : left + image.shape[1]] = image
    return boxed
