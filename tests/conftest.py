"""A small model with random weights everywhere, so that nothing is zero by initialisation."""

import pytest
import torch

from duologue.config import tiny
from duologue.model.interaction import InteractionModel


@pytest.fixture(scope="session")
def model():
    torch.set_num_threads(1)
    torch.manual_seed(3)
    model = InteractionModel(tiny()).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.randn_like(p) * 0.08)
        model.heads.gates.bias.zero_()
    return model
