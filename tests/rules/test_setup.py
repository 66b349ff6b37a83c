"""What setting up brings, and what is said where it cannot: every name in these texts exists."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from duologue.data import npm
from duologue.errors import DataError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bare(tmp_path, monkeypatch) -> Path:
    """A machine with a shell and a Python, and nobody who may install anything."""
    for name, text in {"id": "echo 1000", "python3.11": f'exec {sys.executable} "$@"'}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    for name in ("sh", "dirname", "basename"):
        (tmp_path / name).symlink_to(f"/bin/{name}" if Path(f"/bin/{name}").exists() else f"/usr/bin/{name}")
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def said_by(script: str) -> tuple[int, str]:
    done = subprocess.run(["sh", ROOT / ".ci" / script, "python3.11"], capture_output=True, text=True, env=os.environ)
    return done.returncode, done.stderr


def test_training_says_all_that_is_to_be_installed(bare):
    code, said = said_by("voices.sh")
    assert code == 1 and "sudo apt-get install flite" in said
    assert {"npm", "build-essential"} <= set(said.split()), said
    (bare / "python3.11").write_text("#!/bin/sh\nexit 1\n")  # without its headers
    assert "python3.11-dev" in said_by("voices.sh")[1].split()
    for name in ("npm", "g++", "gcc"):
        (bare / name).symlink_to(bare / "id")
    assert not {"npm", "build-essential"} & set(said_by("voices.sh")[1].split())


def test_a_missing_compiler_is_said_and_stops_nobody(bare):
    code, said = said_by("system.sh")
    assert code == 0 and "sudo apt-get install g++" in said
    (bare / "g++").symlink_to(bare / "id")
    assert said_by("system.sh") == (0, "")


def test_a_missing_npm_is_said(bare, tmp_path):
    with pytest.raises(DataError, match=r"cannot fetch some-voices@1\.0\.0: .*install npm"):
        npm.packed("some-voices@1.0.0", "0" * 64, tmp_path)


def test_an_archive_that_is_not_the_one_that_was_meant_is_refused(tmp_path):
    (tmp_path / "some-voices-1.0.0.tgz").write_bytes(b"other")
    with pytest.raises(DataError, match="wrong sha256"):
        npm.packed("some-voices@1.0.0", "0" * 64, tmp_path)


def test_every_extra_that_a_message_names_exists():
    extras = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    texts = [*(ROOT / "src").rglob("*.py"), *ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    named = {extra for path in texts for found in re.findall(r"duologue\[([\w,]+)\]", path.read_text("utf-8")) for extra in found.split(",")}
    assert named and named <= extras, named - extras
