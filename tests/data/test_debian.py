"""Recordings of Debian packages: fetched once."""

import subprocess

import pytest

from duologue.data import debian
from duologue.errors import DataError


def test_packages_are_fetched_once_and_not_kept(tmp_path, monkeypatch):
    calls = []

    def run(command, cwd, **_):
        calls.append(command)
        if command[0] == "apt-get":
            (cwd / "some.deb").touch()

    monkeypatch.setattr(debian.subprocess, "run", run)
    assert debian.unpacked(("some", "more"), tmp_path / "there") == debian.unpacked(("some", "more"), tmp_path / "there")
    assert calls == [["apt-get", "download", "some", "more"], ["dpkg-deb", "-x", "some.deb", "."]]
    assert not list(tmp_path.rglob("*.deb"))


@pytest.mark.parametrize("error", [FileNotFoundError("apt-get"), subprocess.CalledProcessError(100, "apt-get"), subprocess.TimeoutExpired("apt-get", 9)])
def test_without_apt_it_says_so_and_tries_again_next_time(tmp_path, monkeypatch, error):
    def run(*_, **__):
        raise error

    monkeypatch.setattr(debian.subprocess, "run", run)
    for _ in range(2):
        with pytest.raises(DataError, match="recordings of some cannot be fetched"):
            debian.unpacked(("some",), tmp_path)
