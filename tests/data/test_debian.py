"""Recordings of Debian packages: fetched once, and what is said in them."""

import gzip
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


def test_prompts_and_their_sounds_have_the_same_names(tmp_path):
    (tmp_path / "core-sounds-es.txt.gz").write_bytes(gzip.compress(b"; a comment\n\ndigits/1: uno\nvm-no: no\n"))
    for name in ("digits/1", "vm-no"):
        (path := tmp_path / "sounds" / "es_MX_f_Somebody" / f"{name}.g722").parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert debian.prompts(tmp_path, "es") == [("digits/1", "uno"), ("vm-no", "no")]
    assert set(debian.sounds(tmp_path, "es")) == {"digits/1", "vm-no"}
