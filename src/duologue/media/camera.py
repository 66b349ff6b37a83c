"""A camera as pictures of micro-turns, through PyAV and Video4Linux. See `Camera`."""

from collections.abc import Iterator
from contextlib import suppress
from threading import Thread

import av
import numpy as np

from duologue.errors import ConfigError
from duologue.media.recording import letterbox

DRIVER = "v4l2"
FIRST_S = 5.0  # a camera may take so long for its first picture


class Camera:
    """The newest picture, whenever it is asked for; the camera is read in a thread of its own.

    Raises ConfigError when there is none at that place.
    """

    def __init__(self, device: str, driver: str = DRIVER):
        try:
            self._container = av.open(device, format=driver, timeout=(FIRST_S, FIRST_S))
        except (OSError, ValueError, av.error.FFmpegError) as error:
            raise ConfigError(f"no camera at {device}: {error}; name another one with --camera /dev/videoN") from error
        self._newest: av.VideoFrame | None = None
        self._open = True
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with suppress(av.error.FFmpegError, OSError):  # unplugged: from then on there are no pictures
            for frame in self._container.decode(video=0):
                self._newest = frame
                if not self._open:
                    break
        self._container.close()

    def pictures(self) -> Iterator[np.ndarray | None]:
        """Each time the newest picture, uint8 [PICTURE_HEIGHT, PICTURE_WIDTH, 3], None when none has come since; until `close`."""
        while self._open:
            frame, self._newest = self._newest, None
            yield None if frame is None else letterbox(frame)

    def close(self) -> None:
        self._open = False

    def beside(self, heard: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """Passes a microphone's turns on; the camera closes with it."""
        try:
            yield from heard
        finally:
            self.close()
