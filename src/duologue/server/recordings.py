"""Recorded sessions on disk: which there are, and how they are forgotten. Read `forget`.

Nothing is recorded unless an operator asks for it (`--record`). What is recorded is deleted after `--record-days`, or by `duologue forget`.
"""

import logging
import time
from pathlib import Path

from duologue.engine.log import FORMAT
from duologue.errors import ConfigError, DataError

log = logging.getLogger("duologue.server")
DAY_S = 86_400.0


def recordings(folder: Path) -> list[Path]:
    """The session files of a folder, and no other file. Raises DataError for what is no folder."""
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder of recordings")
    return [path for path in sorted(folder.glob("*.jsonl")) if _is_session(path)]


def _is_session(path: Path) -> bool:
    """Also one that had hardly begun: its file is made empty, before its first line."""
    with path.open("rb") as file:
        begin = file.read(256)
    return not begin or FORMAT.encode() in begin


def expired(folder: Path, days: float, now_s: float | None = None) -> list[Path]:
    """Those last written to more than so many days ago."""
    since_s = (time.time() if now_s is None else now_s) - days * DAY_S
    return [path for path in recordings(folder) if path.stat().st_mtime < since_s]


def named(folder: Path, session: str) -> list[Path]:
    """The recording of one session. Raises ConfigError when there is none."""
    found = [path for path in recordings(folder) if path.stem == session]
    if not found:
        raise ConfigError(f"there is no recording of session {session!r} in {folder}")
    return found


def forget(paths: list[Path]) -> int:
    """Deletes them. Raises DataError for one that cannot be deleted; the rest is gone then all the same."""
    failed = []
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            failed.append(f"{path}: {error.strerror or error}")
    if failed:
        raise DataError(f"cannot delete {len(failed)} of {len(paths)} recordings: {failed[0]}")
    if paths:
        log.info("recordings.forgotten", extra={"count": len(paths)})
    return len(paths)
