"""What an operator can set, and the limits that hold for everyone. `Settings` is all there is."""

from dataclasses import dataclass
from pathlib import Path

from duologue.errors import ConfigError, DataError

MODEL = "duologue-nano"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Times in seconds."""

    keys: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()  # beside the server's own
    sessions: int = 64
    patience: float = 0.0
    start_s: float = 10.0  # until a connection has begun a session
    grace_s: float = 30.0
    idle_s: float = 300.0
    wall_s: float = 4 * 3600.0
    drain_s: float = 30.0
    slow_s: float = 30.0
    behind_s: float = 30.0  # that the engine may owe a session
    bytes: int = 2**30  # a session may send
    events_per_s: float = 200.0
    connections_per_minute: float = 60.0  # from one address
    faults: int = 20  # of one connection
    record: Path | None = None
    record_days: float = 30.0  # until a recording is deleted
    spoken_sign: bool = True  # the page says at the beginning of a talk that this is a machine


def read_keys(path: Path | None) -> tuple[str, ...]:
    """API keys, one a line. Raises DataError for a file without any, or with one that is too short to be secret."""
    if path is None:
        return ()
    try:
        keys = tuple(path.read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the API keys in {path}: {error}") from error
    if not keys or min(map(len, keys)) < 16:
        raise DataError(f"{path} must hold at least one API key, one a line, each of 16 characters or more")
    return keys


def check_reach(host: str, keys: tuple[str, ...]) -> None:
    """Raises ConfigError when anybody on the network could talk to it."""
    if host not in LOOPBACK and not keys:
        raise ConfigError(f"--host {host} is open to the network: give --keys FILE, or stay on 127.0.0.1")
