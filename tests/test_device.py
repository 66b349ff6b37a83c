"""Devices by name: what there is, what there is not, and which GPU a process gets."""

import pytest
import torch

from duologue.device import CPU, chosen
from duologue.errors import ConfigError


@pytest.fixture
def gpus(monkeypatch):
    """A machine with two GPUs, as far as torch is asked; returns which one was made the current one."""
    current = []
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    return current


def test_without_a_gpu_there_is_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert chosen() == chosen("cpu") == CPU
    with pytest.raises(ConfigError, match="no GPU here"):
        chosen("cuda")


def test_with_gpus_the_first_is_taken_or_the_one_that_is_named(gpus):
    assert chosen("cpu") == CPU and not gpus
    assert chosen() == chosen("cuda") == chosen("cuda:0") == torch.device("cuda", 0)
    assert chosen("cuda:1") == torch.device("cuda", 1) and gpus == [0, 0, 0, 1]


def test_each_process_of_torchrun_has_its_own(gpus, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert chosen() == chosen("cuda") == torch.device("cuda", 1) and chosen("cuda:0") == torch.device("cuda", 0)
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(ConfigError, match="no GPU 2: this machine has 2"):
        chosen()


@pytest.mark.parametrize("name", ["tpu", "cuda:", "cuda:x", "cuda:-1", "cpu:1", "CUDA"])
def test_what_is_no_device_is_named(gpus, name):
    with pytest.raises(ConfigError, match=f"unknown device '{name}'; give cpu, cuda or cuda:1"):
        chosen(name)
