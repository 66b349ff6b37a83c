"""What the reference promises beyond its products and attention (`tests/laws/test_rows.py`): rows that do not know each other."""

import os

import pytest
import torch

from duologue import kernels
from duologue.config import tiny
from duologue.kernels import ops, reference
from duologue.model.trunk import Trunk


@pytest.mark.parametrize("op", [reference.sigmoid, reference.softmax], ids=lambda op: op.__name__)
@pytest.mark.parametrize("width", [1, 5, 8, 33])
def test_numbers_of_a_row_do_not_depend_on_the_number_of_rows(op, width):
    torch.manual_seed(0)
    x = torch.randn(64, width) * 3
    whole = op(x)
    assert all(torch.equal(op(x[n : n + rows]), whole[n : n + rows]) for rows in range(1, 33) for n in (0, 3))


def test_sigmoid_is_sigmoid():
    x = torch.linspace(-30, 30, 101)
    assert torch.allclose(reference.sigmoid(x), torch.sigmoid(x), rtol=1e-6, atol=1e-12)


def test_int8_keeps_a_weight_within_half_a_step():
    weight = torch.randn(3, 5, 40)
    weight[1, 2] = 0
    packed = reference.quantise(weight)
    assert packed.values.dtype == torch.int8 and packed.scale.shape == (3, 5)
    assert ((packed.dense(torch.float32) - weight).abs() <= packed.scale[..., None] * 0.501).all()


def test_experts_are_their_definition():
    torch.manual_seed(0)
    x, gate_up, down = torch.randn(5, 6), torch.randn(4, 16, 6), torch.randn(4, 6, 8)
    gate, expert = torch.rand(5, 4).topk(2)
    wanted = torch.zeros(5, 6)
    for r in range(5):
        for g, e in zip(gate[r], expert[r]):
            a, b = (gate_up[e] @ x[r]).chunk(2)
            wanted[r] += g * (down[e] @ (torch.nn.functional.silu(a) * b))
    assert torch.allclose(reference.experts(x, expert, gate, gate_up, down), wanted, atol=1e-5)


def test_training_may_use_tiles_unless_its_user_has_said_otherwise(monkeypatch):
    monkeypatch.setenv(kernels.ISA, kernels.NO_TILES)
    kernels.with_tiles()
    assert kernels.ISA not in os.environ
    monkeypatch.setenv(kernels.ISA, "AVX2")
    kernels.with_tiles()
    assert os.environ[kernels.ISA] == "AVX2"


def test_with_tiles_the_trunk_trains_by_the_librarys_products(monkeypatch):
    monkeypatch.setattr(ops, "tiled", lambda: True)
    assert ops.training() in (ops.TILES, ops.REFERENCE)  # the second where there is no compiler
    assert ops.best() is not ops.TILES  # nobody's session
    torch.manual_seed(0)
    trunk, x, time = Trunk(tiny()), torch.randn(2, 24, 32, requires_grad=True), torch.arange(24).expand(2, -1)
    found = {}
    for name, chosen in (("tiles", None), ("plain", ops.REFERENCE)):
        trunk.ops = chosen
        y = trunk.train()(x, time)
        found[name] = [y.detach(), *torch.autograd.grad(y.square().sum(), [x, *trunk.layers.parameters()], allow_unused=True)]
    for ours, theirs in zip(*found.values(), strict=True):
        assert ours is theirs or torch.allclose(ours, theirs, rtol=1e-3, atol=1e-4)
