"""Recordings that Debian packages: fetched by apt, unpacked. Read `unpacked`."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from duologue.errors import DataError

LONGEST_S = 900  # of a fetch; the largest package has 160 MB


def unpacked(packages: Sequence[str], folder: Path) -> Path:
    """`folder` with these packages unpacked in it, once. Raises DataError where that cannot be done."""
    if (folder / "done").exists():
        return folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", *packages], cwd=folder, check=True, capture_output=True, timeout=LONGEST_S)
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package.name, "."], cwd=folder, check=True, capture_output=True)
            package.unlink()
    except (OSError, subprocess.SubprocessError) as error:
        raise DataError(f"the recordings of {packages[0]} cannot be fetched with apt: {error}") from error
    (folder / "done").touch()
    return folder
