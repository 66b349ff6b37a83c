"""A small model with random weights everywhere, so that nothing is zero by initialisation."""

import copy

import pytest
import torch

from duologue.config import tiny
from duologue.engine.engine import Voiced
from duologue.kernels.ops import fast_dtype
from duologue.model.vocoder import Vocoder
from duologue.train.align import restless


@pytest.fixture(scope="session")
def model():
    torch.set_num_threads(1)
    return restless(tiny(), 8)


@pytest.fixture(scope="session")
def voiced(model):
    """The same, ready to run live."""
    torch.manual_seed(5)
    return Voiced(copy.deepcopy(model).settle(fast_dtype()), Vocoder().eval(), "tiny")
