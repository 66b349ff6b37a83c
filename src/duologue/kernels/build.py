"""Builds `cpp/` for this machine when it is first wanted, into the cache folder. Read `library`."""

import ctypes
import fcntl
import functools
import hashlib
import logging
import os
import platform
import shutil
import subprocess
from pathlib import Path

import torch  # noqa: F401  brings its own OpenMP: loaded first, so that the library shares torch's threads

from duologue.config import cache_dir

SOURCE = Path(__file__).with_name("cpp") / "library.cpp"  # includes what lies beside it
# Without contraction every tile rounds alike; -march=native because the bits are promised for one type of CPU only.
FLAGS = "-O3 -march=native -ffp-contract=off -std=c++17 -fPIC -fopenmp -shared -Wno-psabi".split()
SECONDS = 600
POINTER, LONG, INT, FLOAT = ctypes.c_void_p, ctypes.c_long, ctypes.c_int, ctypes.c_float
SIGNATURES = {
    "pack": [INT, POINTER, POINTER, *[LONG] * 3],
    "linear": [INT, *[POINTER] * 4, INT, *[LONG] * 3],
    "experts": [INT, *[POINTER] * 8, *[LONG] * 5],
    "attention": [INT, *[POINTER] * 5, *[LONG] * 8],
    "layers": [INT, POINTER, POINTER, FLOAT, *[POINTER] * 7],
    "window": [INT, *[POINTER] * 4, *[LONG] * 7],
    "draw": [INT, *[POINTER] * 4, FLOAT, POINTER],
    "weights": [INT, *[POINTER] * 4, *[LONG] * 6, FLOAT],
    "weights_back": [INT, *[POINTER] * 4, *[LONG] * 6, FLOAT],
    "turn": [INT, POINTER, POINTER, FLOAT, *[POINTER] * 3, *[LONG] * 4],
    "turn_back": [INT, POINTER, POINTER, FLOAT, *[POINTER] * 5, *[LONG] * 4],
    "gate": [INT, POINTER, POINTER, LONG, LONG],
    "gate_back": [INT, *[POINTER] * 3, LONG, LONG],
    "norm": [POINTER, POINTER, FLOAT, POINTER, *[LONG] * 3],
    "norm_back": [POINTER, POINTER, FLOAT, *[POINTER] * 3, *[LONG] * 3],
}
log = logging.getLogger(__name__)


@functools.cache
def library() -> ctypes.CDLL | None:
    """The compiled functions, built when missing; None, with one line in the log, where they cannot be built."""
    compiler = shutil.which("g++") or shutil.which("c++")
    try:
        path = _path(compiler)
        if not path.exists():
            build(compiler, path)
        return declared(ctypes.CDLL(str(path)))
    except (OSError, subprocess.SubprocessError) as error:
        why = getattr(error, "stderr", None) or error
        log.warning("fast operations are not available, plain ones are used: %s", " ".join(str(why).split())[:300])
        return None


def declared(made: ctypes.CDLL) -> ctypes.CDLL:
    for name, types in SIGNATURES.items():
        function = getattr(made, name)
        function.argtypes, function.restype = types, None
    made.threads.restype = made.panel.restype = INT
    made.total.argtypes, made.total.restype = [POINTER, LONG], FLOAT
    return made


def _path(compiler: str | None) -> Path:
    """One file for each source, flags, compiler and type of CPU."""
    if compiler is None:
        raise FileNotFoundError("no C++ compiler (g++ or c++) is installed")
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True, timeout=SECONDS).stdout
    sources = [path.read_text() for path in sorted(SOURCE.parent.iterdir()) if path.suffix in (".h", ".cpp")]
    about = "\n".join([*sources, *FLAGS, version, platform.machine(), _cpu()])
    return cache_dir() / "kernels" / f"cpu-{hashlib.sha256(about.encode()).hexdigest()[:16]}.so"


def _cpu() -> str:
    """What this CPU can do, where Linux says so."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())


def build(compiler: str, path: Path, flags: list[str] = FLAGS) -> None:
    """Compiles to `path`; of several processes one does, the others wait. Raises CalledProcessError, OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return
        log.info("compiling %s for this machine, once", SOURCE.name)
        beside = path.with_suffix(f".{os.getpid()}")
        command = [compiler, *flags, "-o", str(beside), str(SOURCE)]
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS)
        beside.replace(path)
