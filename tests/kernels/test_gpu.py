"""The Triton operations, in Triton's interpreter where there is no GPU: near the reference, the same bits for any number of rows."""

import os

import pytest
import torch

from duologue.kernels import reference
from tests.kernels.test_fast import close, mask, mixed, ring

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
if DEVICE == "cpu":
    os.environ["TRITON_INTERPRET"] = "1"  # read when the kernels are declared
pytest.importorskip("triton", reason="Triton is not installed")
from duologue.kernels import gpu  # noqa: E402

DTYPES = [torch.float32, torch.bfloat16]
ROWS = (1, 2, 7, 17)
AT = 5 if DEVICE == "cuda" else 0  # on a GPU a row may move; the interpreter's products are numpy's, which know a row's place


def there(*tensors):
    return [t.to(DEVICE) if isinstance(t, torch.Tensor) else reference.Int8(*there(*t)) for t in tensors]


@pytest.mark.parametrize("dtype", DTYPES)
def test_linear(dtype):
    torch.manual_seed(0)
    x, weight = there(torch.randn(40, 75).to(dtype), torch.randn(33, 75).to(dtype))
    whole = gpu.linear(x, weight)
    assert whole.dtype == dtype and close(whole, reference.linear(x, weight), dtype)
    assert all(torch.equal(gpu.linear(x[AT : AT + n], weight), whole[AT : AT + n]) for n in ROWS)


def test_norm():
    x, weight = there(torch.randn(9, 6, 24), torch.randn(6, 24))
    whole = gpu.rms_norm(x, weight, 1e-6)
    assert close(whole, reference.rms_norm(x, weight, 1e-6), torch.float32)
    assert all(torch.equal(gpu.rms_norm(x[:n], weight, 1e-6), whole[:n]) for n in ROWS)


@pytest.mark.parametrize("dtype", DTYPES)
def test_live_attention(dtype):
    q, places, sees = ring(2, 20, dtype)
    q, places, sees = there(q, places, sees)
    whole = gpu.live_attention(q, places, mask(sees, dtype))
    assert close(whole, reference.live_attention(q, places, mask(sees, dtype)), dtype)
    for n in ROWS:
        part = gpu.live_attention(q[1:, AT : AT + n], places[1:], mask(sees[1:, AT : AT + n], dtype))
        assert torch.equal(part, whole[1:, AT : AT + n]), n
    assert torch.equal(gpu.live_attention(q, places.flip(0), mask(sees, dtype), torch.tensor([1, 0], device=q.device)), whole)


@pytest.mark.parametrize("dtype", [*DTYPES, torch.int8])
def test_experts(dtype):
    x, expert, gate, gate_up, down = mixed(24, torch.float32 if dtype == torch.int8 else dtype)
    if dtype == torch.int8:
        gate_up, down = reference.quantise(gate_up), reference.quantise(down)
    x, expert, gate, gate_up, down = there(x, expert, gate, gate_up, down)
    whole = gpu.experts(x, expert, gate, gate_up, down)
    assert close(whole, reference.experts(x, expert, gate, gate_up, down), dtype)
    for n in ROWS:
        assert torch.equal(gpu.experts(x[5 : 5 + n], expert[5 : 5 + n], gate[5 : 5 + n], gate_up, down), whole[5 : 5 + n]), n


def test_gradients_are_the_reference_s():
    x, expert, gate, gate_up, down = there(*mixed(3, torch.float32))
    found = []
    for ops in (gpu, reference):
        leaves = [t.clone().requires_grad_() for t in (x, gate, gate_up, down)]
        ops.linear(ops.experts(leaves[0], expert, *leaves[1:]), leaves[3][0].T).square().sum().backward()
        found.append([leaf.grad for leaf in leaves])
    assert all(close(a, b, torch.float32) for a, b in zip(*found))
