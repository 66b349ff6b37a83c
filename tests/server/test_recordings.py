"""Recordings are off unless asked for, and are forgotten: after their time, by name, or all of them."""

import asyncio
import os
import sys
import time

import pytest

from duologue import cli
from duologue.engine.log import FORMAT
from duologue.errors import ConfigError, DataError
from duologue.server.host import Host
from duologue.server.recordings import DAY_S, expired, forget, named, recordings
from duologue.server.settings import Settings


@pytest.fixture
def folder(tmp_path):
    """Two recordings, of today and of ten days ago, one that had hardly begun, and files that are none."""
    for name, days in (("sess_new", 0), ("sess_old", 10)):
        path = tmp_path / f"{name}.jsonl"
        path.write_text(f'{{"format": "{FORMAT}", "seed": 0}}\n')
        os.utime(path, (time.time() - days * DAY_S,) * 2)
    (tmp_path / "sess_empty.jsonl").touch()
    (tmp_path / "mine.jsonl").write_text('{"shopping": "list"}\n')
    (tmp_path / "notes.txt").write_text(FORMAT)
    return tmp_path


def names(paths) -> list[str]:
    return [path.stem for path in paths]


def test_nothing_is_recorded_unless_it_is_asked_for():
    assert Settings().record is None and Settings().record_days == 30


def test_only_recordings_are_found(folder):
    assert names(recordings(folder)) == ["sess_empty", "sess_new", "sess_old"]
    assert names(expired(folder, 7)) == ["sess_old"] and names(expired(folder, 7, time.time() + 8 * DAY_S)) == names(recordings(folder))
    assert names(named(folder, "sess_new")) == ["sess_new"]
    with pytest.raises(ConfigError, match="no recording of session 'mine'"):
        named(folder, "mine")
    with pytest.raises(DataError, match="not a folder"):
        recordings(folder / "none")


def test_a_server_forgets_what_is_too_old_and_nothing_else(folder):
    class Clock:
        """Stops the server when it would wait."""

        def now(self) -> float:
            return 0.0

        async def until(self, at_s: float) -> None:
            assert at_s == 3600.0
            raise asyncio.CancelledError

    host = Host(None, Settings(record=folder, record_days=7), Clock(), None)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(host.tidy())
    assert names(recordings(folder)) == ["sess_empty", "sess_new"] and (folder / "mine.jsonl").exists()
    asyncio.run(Host(None, Settings(), Clock(), None).tidy())


def test_what_cannot_be_deleted_is_said(folder):
    (folder / "full").mkdir()
    with pytest.raises(DataError, match="cannot delete 1 of 2 recordings"):
        forget([folder / "full", folder / "sess_new.jsonl"])
    assert not (folder / "sess_new.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "code", "said", "left"),
    [
        (("--days", "7"), 0, "1 recordings deleted", ["sess_empty", "sess_new"]),
        (("--session", "sess_new"), 0, "1 recordings deleted", ["sess_empty", "sess_old"]),
        ((), 0, "3 recordings deleted", []),
        (("--session", "x"), 2, "no recording of session 'x'", ["sess_empty", "sess_new", "sess_old"]),
        (("--session", "x", "--days", "1"), 2, "not both", ["sess_empty", "sess_new", "sess_old"]),
    ],
)
def test_the_command(folder, monkeypatch, capsys, words, code, said, left):
    monkeypatch.setattr(sys, "argv", ["duologue", "forget", str(folder), *words])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    printed = capsys.readouterr()
    assert (stop.value.code or 0) == code and said in printed.out + printed.err and names(recordings(folder)) == left
