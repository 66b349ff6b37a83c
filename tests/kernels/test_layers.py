"""All layers in one call: the bits of the operations one by one, for any rows, in place in the rings."""

import copy
from dataclasses import replace

import pytest
import torch

from duologue.config import tiny
from duologue.kernels import build
from duologue.model.ring import RING, Cache
from duologue.model.trunk import Trunk
from duologue.train.align import restless

CONFIG = replace(tiny(), width=72, heads=4, kv_heads=2, head_width=32, hidden=96)

pytestmark = pytest.mark.skipif(build.library() is None, reason="no C++ compiler here")


def gone_through(trunk: Trunk, dtype: torch.dtype, rows: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Hidden states and rings of sessions in these rows of a larger ring, positions of some of them left out here and there."""
    torch.manual_seed(1)
    x, valid = torch.randn(len(rows), 60, CONFIG.width), torch.rand(len(rows), 60) < 0.8
    time = torch.arange(60).expand(len(rows), -1)
    cache = Cache(trunk.start(4, dtype).ring_LBCGK, torch.zeros(len(rows), dtype=torch.int64), torch.tensor(rows))
    parts = zip(x.split(7, 1), time.split(7, 1), valid.split(7, 1), strict=True)
    hidden = torch.cat([trunk.extend(*part, cache) for part in parts], 1)
    return hidden[valid], cache.ring_LBCGK[:, :, : RING + 1]


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rows", [[2], [3, 0, 1]])
def test_one_call_has_the_bits_of_many(dtype, rows):
    trunk = restless(CONFIG).settle(dtype).trunk
    assert trunk.settled
    many = copy.deepcopy(trunk)
    many.settled = {}
    (one, rings), (other, others) = gone_through(trunk, dtype, rows), gone_through(many, dtype, rows)
    assert one.abs().max() > 0.1 and torch.equal(one, other) and torch.equal(rings, others)


def test_experts_and_narrow_heads_go_one_by_one():
    for shape in (replace(CONFIG, experts=4), replace(CONFIG, head_width=16)):
        assert restless(shape).settle(torch.float32).trunk.settled == {}
