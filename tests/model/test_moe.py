"""The mixture of experts: the balanced router, gradients, and the forms that it may be computed in."""

from dataclasses import replace

import pytest
import torch

from duologue.config import nano, nano_moe, tiny
from duologue.kernels.ops import REFERENCE, best
from duologue.model.checkpoint import load, save
from duologue.model.interaction import InteractionModel
from duologue.model.moe import BALANCE_RATE, Experts, balance

CONFIG = replace(tiny(), experts=8, experts_active=2, hidden=32, balanced=True)


@pytest.fixture
def experts():
    torch.manual_seed(0)
    made = Experts(CONFIG)
    torch.nn.init.normal_(made.down_proj)
    return made


def test_the_bias_chooses_but_does_not_weigh(experts):
    x = torch.randn(20, 32)
    gate, expert = experts.route(x, REFERENCE)
    score = torch.sigmoid(x @ experts.gate.T).gather(1, expert)
    assert torch.allclose(gate, score / score.sum(-1, keepdim=True)) and not (expert == 5).all(0).any()
    experts.bias[5] = 10
    gate, expert = experts.route(x, REFERENCE)
    assert (expert[:, 0] == 5).all()
    score = torch.sigmoid(x @ experts.gate.T).gather(1, expert)
    assert torch.allclose(gate, score / score.sum(-1, keepdim=True))


def test_the_bias_moves_against_the_load_once_a_batch(experts):
    with torch.no_grad():
        experts.gate[3] += experts.gate[3] * 5  # chosen more often than others, or less
    experts.train()(torch.randn(400, 32), best())
    load = experts.load_E.clone()
    assert load.sum() == 800
    balance(experts)
    assert torch.equal(experts.bias, BALANCE_RATE * torch.sign(load.mean() - load)) and not experts.load_E.any()


def test_it_evens_the_load(experts):
    torch.manual_seed(1)
    x = torch.randn(400, 32) + torch.randn(32)
    experts.train()

    def unevenness() -> float:
        return float(experts.route(x, REFERENCE)[1].flatten().bincount(minlength=8).float().std())

    before = unevenness()
    for _ in range(300):
        experts(x, best())
        balance(experts)
    assert unevenness() < before / 3


def test_live_the_load_is_not_counted(experts):
    experts.eval()(torch.randn(4, 32), best())
    assert not experts.load_E.any()


def test_the_forms_agree():
    torch.manual_seed(0)
    layer, x = Experts(CONFIG).eval(), torch.randn(3, 5, 32)
    torch.nn.init.normal_(layer.down_proj)
    with torch.no_grad():
        plain, fast = layer(x, REFERENCE), layer(x, best())
    assert plain.shape == x.shape and plain.abs().max() > 0.1 and (plain - fast).abs().max() < 1e-4


def test_gradients_reach_the_router_and_the_chosen_experts(experts):
    experts(torch.randn(30, 32), best()).square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in (experts.gate, experts.gate_up_proj, experts.down_proj))


def test_the_bias_is_saved(tmp_path):
    model = InteractionModel(CONFIG)
    model.trunk.layers[0].mlp.bias += 0.5
    save(tmp_path / "m.safetensors", model)
    assert float(load(tmp_path / "m.safetensors")[0].trunk.layers[0].mlp.bias.mean()) == 0.5


def test_nano_moe_computes_as_much_as_nano():
    dense, moe = nano(), nano_moe()
    assert moe.hidden * moe.experts_active == dense.hidden
    assert replace(moe, hidden=dense.hidden, experts=0, balanced=False) == dense
