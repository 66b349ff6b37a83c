"""A small model with random weights everywhere, so that nothing is zero by initialisation."""

import copy

import pytest
import torch

from duologue.config import tiny
from duologue.engine.engine import Voiced, fast_dtype
from duologue.model.interaction import InteractionModel
from duologue.model.vocoder import Vocoder


@pytest.fixture(scope="session")
def model():
    torch.set_num_threads(1)
    torch.manual_seed(8)
    model = InteractionModel(tiny()).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.randn_like(p) * 0.08)
        model.heads.gates.bias.zero_()
    return model


@pytest.fixture(scope="session")
def voiced(model):
    """The same, ready to run live."""
    torch.manual_seed(5)
    return Voiced(copy.deepcopy(model).settle(fast_dtype()), Vocoder().eval(), "tiny")
