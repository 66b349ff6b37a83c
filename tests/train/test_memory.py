"""Large tensors' memory stays with a training where jemalloc keeps it."""

import glob
import subprocess
import sys

import pytest

JEMALLOC = glob.glob("/usr/lib/*/libjemalloc.so.2")
FAULTS = """
import resource, torch
from duologue.train import memory
if {told}: memory.keep_large()
torch.ones(1 << 24)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20): torch.ones(1 << 24)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(told: bool) -> int:
    """Pages asked of the kernel while 64 MB are taken and left twenty times."""
    settings = {"OMP_NUM_THREADS": "1", "LD_PRELOAD": JEMALLOC[0], "MALLOC_CONF": "oversize_threshold:0,thp:never,dirty_decay_ms:20000,narenas:1"}
    run = subprocess.run([sys.executable, "-c", FAULTS.format(told=told)], env=settings, capture_output=True, text=True, check=True)
    return int(run.stdout)


@pytest.mark.skipif(not JEMALLOC, reason="no jemalloc, which is what is told")
def test_large_tensors_are_not_asked_of_the_kernel_again_and_again():
    assert faults(told=True) < faults(told=False) / 10
