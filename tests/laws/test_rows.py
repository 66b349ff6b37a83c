"""Every product and attention of `nano` has equal bits for every number of rows in use."""

import pytest
import torch

from duologue.config import nano
from duologue.kernels import reference as ops
from duologue.model.interaction import InteractionModel
from duologue.model.ring import CAPACITY
from duologue.model.trunk import Linear

torch.set_num_threads(1)
C = nano()
JOINED = [(C.width, (C.heads + 2 * C.kv_heads) * C.head_width), (C.width, 2 * C.hidden), (C.width, C.vocabulary)]
SHAPES = sorted({(m.in_features, m.out_features) for m in InteractionModel(C).modules() if isinstance(m, Linear)} | {*JOINED})


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", SHAPES)
def test_linear(shape, dtype):
    torch.manual_seed(0)
    x, weight = torch.randn(256, shape[0]).to(dtype), torch.randn(shape[1], shape[0]).to(dtype)
    with torch.no_grad():
        whole, packed = ops.linear(x, weight), ops.pack(weight)
        for rows in range(1, 33):
            assert torch.equal(ops.linear(x[:rows], weight), whole[:rows]), rows
            assert torch.equal(ops.linear(x[:rows], weight, packed), whole[:rows]), rows


def visible(sees_BNC, dtype):
    """Where a query may look, as the mask of `live_attention`."""
    return ops.spread(torch.zeros(sees_BNC.shape, dtype=dtype).masked_fill(~sees_BNC, float("-inf")), C.heads // C.kv_heads)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_live_attention(dtype):
    torch.manual_seed(0)
    q = torch.randn(2, 200, C.heads, C.head_width).to(dtype)
    rings = torch.randn(2, 3, CAPACITY, 2 * C.kv_heads, C.head_width).to(dtype)
    sees = torch.rand(2, 200, CAPACITY) < 0.5
    whole = ops.live_attention(q, rings[:, 0], visible(sees, dtype))
    for rows in [*range(1, 33), 64, 100]:
        part = ops.live_attention(q[1:, :rows], rings[1:, 0].clone(), visible(sees[1:, :rows], dtype))
        assert torch.equal(part, whole[1:, :rows]), rows


@pytest.mark.parametrize("shape", [(C.width,), (C.heads + C.kv_heads, C.head_width), (C.flow_width,)])
def test_norm(shape):
    torch.manual_seed(0)
    x, weight = torch.randn(256, *shape), torch.randn(shape)
    whole = ops.rms_norm(x, weight, 1e-6)
    assert (whole - torch.nn.functional.rms_norm(x, shape[-1:], None, 1e-6) * weight).abs().max() < 1e-5
    for rows in range(1, 33):
        assert torch.equal(ops.rms_norm(x[:rows], weight, 1e-6), whole[:rows]), rows


def test_attention_of_whole_sequences_is_the_ring_s_function():
    torch.manual_seed(0)
    qkv, sink = torch.randn(1, 40, 8, 64), torch.randn(2, 64)
    mask = torch.zeros(40, 41).masked_fill(~torch.ones(40, 41, dtype=torch.bool).tril(), float("-inf"))
    mask[:, 40] = 0
    place = torch.cat([sink, torch.zeros_like(sink)])[None, None]
    ring = ops.live_attention(qkv[:, :, :4], torch.cat([qkv[:, :, 4:], place], 1), ops.spread(mask[None], 2))
    assert (ops.window_attention(qkv, 4, sink, 100, 1000) - ring).abs().max() < 1e-5
