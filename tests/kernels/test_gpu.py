"""The Triton operations, in Triton's interpreter where there is no GPU: near the reference, the same bits for any number of rows.

What is right is computed on the CPU. With a GPU a whole model lives with them, too.
"""

import os

import numpy as np
import pytest
import torch

from duologue.config import tiny
from duologue.kernels import reference
from duologue.kernels.ops import best, live, triton
from duologue.model.heads import DECISION
from duologue.model.interaction import InteractionModel
from duologue.model.moe import use
from tests.kernels.test_fast import close, mask, mixed, ring
from tests.laws.test_stream import equal, replay_batch, run

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
if DEVICE == "cpu":
    os.environ["TRITON_INTERPRET"] = "1"  # read when the kernels are declared
pytest.importorskip("triton", reason="Triton is not installed")
from duologue.kernels import gpu  # noqa: E402

DTYPES = [torch.float32, torch.bfloat16]
ROWS = (1, 2, 7, 17)
AT = 5 if DEVICE == "cuda" else 0  # on a GPU a row may move; the interpreter's products are numpy's, which know a row's place

needs_gpu = pytest.mark.skipif(DEVICE == "cpu", reason="no GPU here")


def there(*tensors):
    return [t.to(DEVICE) if isinstance(t, torch.Tensor) else reference.Int8(*there(*t)) for t in tensors]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [75, pytest.param(1792, marks=needs_gpu)])
def test_linear(dtype, width):
    torch.manual_seed(0)
    x, weight = torch.randn(70, width).to(dtype), torch.randn(33, width).to(dtype)
    wanted = reference.linear(x, weight)
    x, weight = there(x, weight)
    whole = gpu.linear(x, weight)
    assert whole.dtype == dtype and close(whole.cpu(), wanted, dtype)
    assert all(torch.equal(gpu.linear(x[AT : AT + n], weight), whole[AT : AT + n]) for n in (*ROWS, 65))


def test_int8_is_the_product_with_the_dense_weight():
    torch.manual_seed(0)
    x, weight = torch.randn(20, 75), reference.quantise(torch.randn(33, 75))
    assert close(gpu.linear(*there(x, weight)).cpu(), reference.linear(x, weight), torch.float32)


def test_norm():
    x, weight = torch.randn(9, 6, 24), torch.randn(6, 24)
    wanted = reference.rms_norm(x, weight, 1e-6)
    x, weight = there(x, weight)
    whole = gpu.rms_norm(x, weight, 1e-6)
    assert close(whole.cpu(), wanted, torch.float32)
    assert all(torch.equal(gpu.rms_norm(x[:n], weight, 1e-6), whole[:n]) for n in ROWS)


def test_turned():
    y, weight, angle = torch.randn(2, 9, 6, 24).bfloat16(), torch.randn(4, 24), torch.randn(2, 9, 1, 24)
    wanted = reference.turned(y, weight, 1e-6, angle.cos(), angle.sin())
    y, weight, cos, sin = there(y, weight, angle.cos(), angle.sin())
    whole = gpu.turned(y, weight, 1e-6, cos, sin)
    assert whole.dtype == y.dtype and close(whole.cpu(), wanted, y.dtype)
    assert all(torch.equal(gpu.turned(y[1:, :n], weight, 1e-6, cos[1:, :n], sin[1:, :n]), whole[1:, :n]) for n in ROWS)


def test_live_sessions_on_a_gpu_take_triton():
    assert live("cuda").name == "triton" and live("cpu") is best()


@needs_gpu
@pytest.mark.parametrize("shape", [(9, 6, 24), (300, 64), (40, 320)])
def test_the_reference_s_norm_has_equal_bits_on_a_gpu(shape):
    x, weight = there(torch.randn(shape), torch.randn(shape[1:]))
    whole = reference.rms_norm(x, weight, 1e-6)
    assert close(whole.cpu(), reference.rms_norm(x.cpu(), weight.cpu(), 1e-6), torch.float32)
    assert all(torch.equal(reference.rms_norm(x[2 : 2 + n], weight, 1e-6), whole[2 : 2 + n]) for n in ROWS)


@pytest.mark.parametrize("dtype", DTYPES)
def test_live_attention(dtype):
    q, places, sees = ring(2, 20, dtype)
    wanted = reference.live_attention(q, places, mask(sees, dtype))
    q, places, sees = there(q, places, sees)
    whole = gpu.live_attention(q, places, mask(sees, dtype))
    assert close(whole.cpu(), wanted, dtype)
    for n in ROWS:
        part = gpu.live_attention(q[1:, AT : AT + n], places[1:], mask(sees[1:, AT : AT + n], dtype))
        assert torch.equal(part, whole[1:, AT : AT + n]), n
    assert torch.equal(gpu.live_attention(q, places.flip(0), mask(sees, dtype), torch.tensor([1, 0], device=q.device)), whole)


@pytest.mark.parametrize("dtype", [*DTYPES, torch.int8])
def test_experts(dtype):
    x, expert, gate, gate_up, down = mixed(24, torch.float32 if dtype == torch.int8 else dtype)
    if dtype == torch.int8:
        gate_up, down = reference.quantise(gate_up), reference.quantise(down)
    wanted = reference.experts(x, expert, gate, gate_up, down)
    x, expert, gate, gate_up, down = there(x, expert, gate, gate_up, down)
    whole = gpu.experts(x, expert, gate, gate_up, down)
    assert close(whole.cpu(), wanted, dtype)
    for n in ROWS:
        assert torch.equal(gpu.experts(x[5 : 5 + n], expert[5 : 5 + n], gate[5 : 5 + n], gate_up, down), whole[5 : 5 + n]), n


def test_gradients_are_the_reference_s():
    x, expert, gate, gate_up, down = mixed(3, torch.float32)
    found = []
    for ops, device in ((gpu, DEVICE), (reference, "cpu")):
        leaves = [t.to(device).requires_grad_() for t in (x.clone(), gate.clone(), gate_up.clone(), down.clone())]
        ops.linear(ops.experts(leaves[0], expert.to(device), *leaves[1:]), leaves[3][0].T).square().sum().backward()
        found.append([leaf.grad.cpu() for leaf in leaves])
    assert all(close(a, b, torch.float32) for a, b in zip(*found))


def test_gradients_of_attention_are_the_reference_s():
    q, places, sees = ring(2, 3, torch.float32)
    found = []
    for ops, device in ((gpu, DEVICE), (reference, "cpu")):
        leaves = [t.to(device).requires_grad_() for t in (q.clone(), places.clone())]
        ops.live_attention(*leaves, mask(sees.to(device), torch.float32)).square().sum().backward()
        found.append([leaf.grad.cpu() for leaf in leaves])
    assert all(close(a, b, torch.float32) for a, b in zip(*found))


@pytest.fixture(scope="module")
def trained():
    """A small model on the GPU with random weights everywhere, that speaks about half of the time."""
    torch.manual_seed(8)
    model = InteractionModel(tiny()).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.randn_like(p) * 0.08)
        model.heads.gates.bias[:DECISION], model.heads.gates.bias[DECISION:] = -1.2, 0
    return use(model.to(DEVICE), triton())


@needs_gpu
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_session_has_equal_bits_alone_in_company_and_in_training(trained, dtype):
    settled = InteractionModel(tiny()).to(DEVICE)
    settled.load_state_dict(trained.state_dict())
    settled.settle(dtype, triton())
    alone = run(settled, [7], dtype)
    assert any(d.speak_B[0] for d in alone) and not all(d.speak_B[0] for d in alone)
    for seeds in ([7, 1], [1, 7], [*range(20, 26), 7]):
        assert all(equal(a, b, seeds.index(7)) for a, b in zip(alone, run(settled, seeds, dtype), strict=True)), seeds
    scored = trained.decisions(replay_batch(trained, 7, alone).to(trained.device), dtype)
    assert torch.equal(scored.detach().cpu(), torch.from_numpy(np.concatenate([d.logprob_B for d in alone])))
    scored.sum().backward()
    assert trained.trunk.layers[0].self_attn.q_proj.weight.grad.abs().sum() > 0
    trained.zero_grad()
