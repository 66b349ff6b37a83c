"""The flow head's draw in one call: as the operations one by one within rounding, and every row alone."""

import pytest
import torch

from duologue.config import tiny
from duologue.kernels.build import library
from duologue.kernels.ops import CPP, REFERENCE
from duologue.model.flow import TARGET, FlowHead
from duologue.model.trunk import Linear

pytestmark = pytest.mark.skipif(library() is None, reason="no C++ compiler")


def head(ops, dtype: torch.dtype, settled: bool = True) -> FlowHead:
    torch.manual_seed(0)
    made = FlowHead(tiny())
    for weight in made.parameters():
        torch.nn.init.normal_(weight, std=0.08)
    for module in made.modules():
        if isinstance(module, Linear):
            module.settle(dtype, ops) if settled else setattr(module, "ops", ops)
    if settled:
        made.settle(dtype)
    return made.requires_grad_(False)


def drawn(made: FlowHead, rows: int, dtype: torch.dtype) -> torch.Tensor:
    g = torch.Generator().manual_seed(1)
    condition = torch.randn(rows, tiny().flow_width, generator=g).to(dtype)
    return made.sample(condition, torch.randn(rows, TARGET, generator=g))


@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 1e-4), (torch.bfloat16, 0.06)])
def test_one_call_is_the_operations_one_by_one(dtype, most):
    ours, plain = (drawn(head(ops, dtype), 3, dtype) for ops in (CPP, REFERENCE))
    assert ours.dtype == plain.dtype == torch.float32 and plain.std() > 0.3
    assert (ours - plain).abs().max() < most


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_row_has_the_same_bits_in_any_company_and_before_the_head_has_settled(dtype):
    made, g = head(CPP, dtype), torch.Generator().manual_seed(1)
    condition, noise = torch.randn(40, tiny().flow_width, generator=g).to(dtype), torch.randn(40, TARGET, generator=g)
    together = made.sample(condition, noise)
    assert torch.equal(together, torch.cat([made.sample(condition[k : k + 1], noise[k : k + 1]) for k in range(40)]))
    assert torch.equal(together, head(CPP, dtype, settled=False).sample(condition, noise))


def test_what_was_given_stays():
    made, noise = head(CPP, torch.float32), torch.randn(2, TARGET)
    before = noise.clone()
    made.sample(torch.randn(2, tiny().flow_width), noise)
    assert torch.equal(noise, before)
