"""Processes that work for another end with it, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SPAWNED = "from duologue.data.synth import _pool; import os, time; print(_pool(2).submit(os.getpid).result(), flush=True); time.sleep(60)"
FORKED = """
import os, time
from duologue.data.shards import _each
for pid in _each(lambda number: os.getpid(), range(9), 2):
    print(pid, flush=True)
    time.sleep(60)
"""


def running(pid: int) -> bool:
    """A process that has ended and that nobody has asked about is still there, as a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc to look into")
@pytest.mark.parametrize("program", [SPAWNED, FORKED], ids=["voices", "shards"])
def test_a_worker_ends_with_the_process_that_made_it(program):
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        worker = int(parent.stdout.readline())
        assert worker != parent.pid and running(worker)
        os.kill(parent.pid, signal.SIGKILL)
        parent.stdout.close()
    ends = time.monotonic() + 20
    while running(worker) and time.monotonic() < ends:
        time.sleep(0.1)
    assert not running(worker)
