"""Every error that Duologue raises on purpose. Each is also the standard type it stands for, and its message says
what happened, the value, and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DuologueError(Exception):
    """Base of all: the command line prints it in one line and exits with 2."""


class ConfigError(DuologueError, ValueError):
    """A setting or argument cannot be used."""


class DataError(DuologueError, ValueError):
    """A file, shard or checkpoint cannot be read."""


class CapacityError(DuologueError, RuntimeError):
    """No free row for another session."""


class SessionError(DuologueError, RuntimeError):
    """One session failed; its neighbours go on."""


class TrainError(DuologueError, RuntimeError):
    """Training cannot go on (divergence, full disk); the last good checkpoint is named."""


class BackendError(DuologueError, RuntimeError):
    """The background model gave no answer. The conversation goes on: the model is told `spoken`."""

    def __init__(self, message: str, spoken: str = "there is no connection", retry: bool = False, wait_s: float = 0.0):
        """`wait_s`: how long it asks to be left alone before it is tried again."""
        super().__init__(message)
        self.spoken, self.retry, self.wait_s = spoken, retry, wait_s


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Around a write: a disk that does not take it is a DataError that names the place."""
    try:
        yield
    except OSError as error:
        raise DataError(f"cannot write {place}: {error.strerror or error}; free some space and run again: what is there stays good") from error
