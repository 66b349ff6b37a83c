"""Every product and attention of `nano` has equal bits for every number of rows in use."""

import pytest
import torch

from duologue.config import nano
from duologue.kernels import reference as ops
from duologue.model.interaction import InteractionModel
from duologue.model.trunk import CAPACITY, Linear

SHAPES = sorted({(m.in_features, m.out_features) for m in InteractionModel(nano()).modules() if isinstance(m, Linear)})


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [*SHAPES, (nano().width, nano().vocabulary)])
def test_linear(shape, dtype):
    torch.manual_seed(0)
    x, weight = torch.randn(256, shape[0]).to(dtype), torch.randn(shape[1], shape[0]).to(dtype)
    with torch.no_grad():
        whole, packed = ops.linear(x, weight), ops.pack(weight)
        for rows in range(1, 33):
            assert torch.equal(ops.linear(x[:rows], weight), whole[:rows]), rows
            assert torch.equal(ops.linear(x[:rows], weight, packed), whole[:rows]), rows


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_ring_attention(dtype):
    torch.manual_seed(0)
    c = nano()
    q = torch.randn(2, c.heads, 200, c.head_width).to(dtype)
    k, v = (torch.randn(2, c.kv_heads, CAPACITY, c.head_width).to(dtype) for _ in range(2))
    sees = torch.rand(2, 200, CAPACITY) < 0.5
    whole = ops.ring_attention(q, k, v, sees)
    for rows in (1, 2, 3, 4, 5, 8, 15, 23, 32, 64, 100):
        part = ops.ring_attention(q[1:, :, :rows], k[1:], v[1:], sees[1:, :rows])
        assert torch.equal(part, whole[1:, :, :rows]), rows


def test_fast_attention_is_the_ring_s_function():
    torch.manual_seed(0)
    q, k, v = torch.randn(1, 4, 40, 16), torch.randn(1, 2, 40, 16), torch.randn(1, 2, 40, 16)
    mask = torch.zeros(40, 40).masked_fill(~torch.ones(40, 40, dtype=torch.bool).tril(), float("-inf"))
    ring = ops.ring_attention(q, k, v, (mask == 0)[None])
    assert (ops.causal_attention(q, k, v, mask) - ring).abs().max() < 1e-5
