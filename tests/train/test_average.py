"""The mean of checkpoints: between them, a model again, and never of two models."""

from dataclasses import replace

import pytest
import torch

from duologue.config import tiny
from duologue.errors import ConfigError, DataError
from duologue.model import checkpoint
from duologue.model.interaction import InteractionModel
from duologue.train.average import average


@pytest.fixture
def two(tmp_path):
    for seed in (1, 2):
        torch.manual_seed(seed)
        checkpoint.save(tmp_path / f"{seed}.safetensors", InteractionModel(tiny()), dtype=torch.bfloat16 if seed == 2 else None)
    return [tmp_path / "1.safetensors", tmp_path / "2.safetensors"]


@pytest.mark.parametrize(("shares", "first"), [((), 0.5), ((3, 1), 0.75), ((0, 2), 0.0)])
def test_it_lies_between_them_as_the_shares_say(two, tmp_path, shares, first):
    average(two, shares, tmp_path / "mean.safetensors")
    model, about = checkpoint.load(tmp_path / "mean.safetensors")
    a, b = (checkpoint.load(path)[0].state_dict() for path in two)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, first * a[name] + (1 - first) * b[name])
    assert about["mean of"][0] == {"weights": "1.safetensors", "share": first}


@pytest.mark.parametrize("shares", [(1,), (1, -1), (0, 0), (float("nan"), 1)])
def test_shares_that_make_no_mean_are_refused(two, tmp_path, shares):
    with pytest.raises(ConfigError, match="one --share for each"):
        average(two, shares, tmp_path / "mean.safetensors")
    assert not (tmp_path / "mean.safetensors").exists()


def test_two_models_have_no_mean(two, tmp_path):
    checkpoint.save(tmp_path / "other.safetensors", InteractionModel(replace(tiny(), layers=1)))
    with pytest.raises(DataError, match="other settings"):
        average([two[0], tmp_path / "other.safetensors"], [], tmp_path / "mean.safetensors")
