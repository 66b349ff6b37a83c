"""The C++ operations: near the reference, the same bits for any number of rows, neighbours and threads, right gradients."""

import logging
import subprocess

import pytest
import torch

from duologue.kernels import build, fast, reference
from duologue.kernels.ops import REFERENCE, best
from duologue.kernels.reference import Int8
from duologue.model.trunk import rope

DTYPES = [torch.float32, torch.bfloat16]
SHAPES = [(320, 896), (75, 33), (16, 1), (400, 512)]

needs_library = pytest.mark.skipif(build.library() is None, reason="no C++ compiler here")


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def close(a: torch.Tensor, b: torch.Tensor, dtype: torch.dtype) -> bool:
    """Within rounding of the dtype that was computed in, relative to the largest number."""
    return float((a.float() - b.float()).abs().max() / b.float().abs().max()) < (1e-5 if dtype == torch.float32 else 0.02)


def mixed(rows: int, dtype: torch.dtype, experts: int = 8, width: int = 48, hidden: int = 40):
    torch.manual_seed(1)
    gate_up, down = torch.randn(experts, 2 * hidden, width) * width**-0.5, torch.randn(experts, width, hidden) * hidden**-0.5
    gate, expert = torch.rand(rows, experts).topk(3)
    return torch.randn(rows, width).to(dtype), expert, gate, gate_up.to(dtype), down.to(dtype)


def ring(batch: int, n: int, dtype: torch.dtype):
    """Queries of four heads, a ring of 128 places for two, and what each query sees; two blocks are hidden from all."""
    torch.manual_seed(2)
    q, places = torch.randn(batch, n, 4, 24).to(dtype), torch.randn(3, batch, 128, 4, 24).to(dtype)
    sees = torch.rand(batch, n, 128) < 0.3
    sees[:, :, 32:64] = False
    return q, places[1], sees


def mask(sees: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return reference.spread(torch.zeros_like(sees, dtype=dtype).masked_fill(~sees, float("-inf")), 2)


@needs_library
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_linear(shape, dtype):
    torch.manual_seed(0)
    x, weight = torch.randn(256, shape[0]).to(dtype), torch.randn(shape[1], shape[0]).to(dtype)
    whole = fast.linear(x, weight)
    assert whole.dtype == dtype and close(whole, reference.linear(x, weight), dtype)
    for rows in [*range(1, 33), 64, 65, 129]:
        assert torch.equal(fast.linear(x[:rows], weight), whole[:rows]), rows
        assert torch.equal(fast.linear(x[-rows:], weight), whole[-rows:]), rows


@needs_library
def test_int8_is_the_product_with_the_dense_weight():
    torch.manual_seed(0)
    x, weight = torch.randn(20, 75), reference.quantise(torch.randn(33, 75))
    assert close(fast.linear(x, weight), x @ weight.dense(torch.float32).T, torch.float32)
    x, expert, gate, gate_up, down = mixed(9, torch.float32)
    packed = reference.quantise(gate_up), reference.quantise(down)
    assert close(fast.experts(x, expert, gate, *packed), reference.experts(x, expert, gate, *packed), torch.float32)
    assert close(fast.experts(x, expert, gate, *packed), reference.experts(x, expert, gate, gate_up, down), torch.bfloat16)


@needs_library
@pytest.mark.parametrize("dtype", [*DTYPES, torch.int8])
def test_experts(dtype):
    x, expert, gate, gate_up, down = mixed(256, torch.float32 if dtype == torch.int8 else dtype)
    if dtype == torch.int8:
        gate_up, down = reference.quantise(gate_up), reference.quantise(down)
    whole = fast.experts(x, expert, gate, gate_up, down)
    assert close(whole, reference.experts(x, expert, gate, gate_up, down), dtype)
    for rows in [*range(1, 33), 64, 131]:
        some = slice(100, 100 + rows)
        assert torch.equal(fast.experts(x[some], expert[some], gate[some], gate_up, down), whole[some]), rows
    mixed_up = torch.randperm(256)
    assert torch.equal(fast.experts(x[mixed_up], expert[mixed_up], gate[mixed_up], gate_up, down), whole[mixed_up])


@needs_library
@pytest.mark.parametrize("dtype", DTYPES)
def test_live_attention(dtype):
    q, places, sees = ring(2, 40, dtype)
    whole = fast.live_attention(q, places, mask(sees, dtype))
    assert close(whole, reference.live_attention(q, places, mask(sees, dtype)), dtype)
    for n in range(1, 33):
        part = fast.live_attention(q[1:, 5 : 5 + n], places[1:], mask(sees[1:, 5 : 5 + n], dtype))
        assert torch.equal(part, whole[1:, 5 : 5 + n]), n
    turned, back = fast.live_attention(q, places.flip(0), mask(sees, dtype), torch.tensor([1, 0])), torch.tensor([1])
    assert torch.equal(turned, whole)
    assert close(reference.live_attention(q[1:], places, mask(sees[1:], dtype), back), whole[1:], dtype)


@needs_library
def test_a_query_that_sees_nothing_gets_nothing():
    q, places, sees = ring(1, 2, torch.float32)
    sees[0, 1] = False
    found = fast.live_attention(q, places, mask(sees, torch.float32))
    assert not found[0, 1].any() and found[0, 0].any()


@needs_library
@pytest.mark.parametrize("shape", [(75,), (6, 24)])
def test_norm(shape):
    x, weight = torch.randn(32, *shape), torch.randn(shape)
    whole = fast.rms_norm(x, weight, 1e-6)
    assert close(whole, reference.rms_norm(x, weight, 1e-6), torch.float32)
    assert all(torch.equal(fast.rms_norm(x[:n], weight, 1e-6), whole[:n]) for n in range(1, 33))


@needs_library
@pytest.mark.parametrize("dtype", DTYPES)
def test_two_threads_change_no_bit(dtype, two_threads):
    if build.library().threads() != 2:
        pytest.skip("this build has one thread")
    x, weight = torch.randn(7, 320).to(dtype), torch.randn(896, 320).to(dtype)
    q, places, sees = ring(2, 3, dtype)
    calls = [
        lambda: fast.linear(x, weight),
        lambda: fast.experts(*mixed(7, dtype)),
        lambda: fast.live_attention(q, places, mask(sees, dtype)),
    ]
    pairs = [call() for call in calls]
    torch.set_num_threads(1)
    assert all(torch.equal(call(), pair) for call, pair in zip(calls, pairs))


def appended(qkv: torch.Tensor, sink: torch.Tensor, window: int, places: int) -> torch.Tensor:
    """What `live_attention` gives when the positions are appended one by one to a ring of so many places and one block more."""
    ring, found = qkv.new_zeros(len(qkv), places + 16, 4, qkv.shape[-1]), []
    ring[:, places, :2] = sink
    for n in range(qkv.shape[1]):
        ring[:, n % places] = qkv[:, n, 4:]
        age = (n - torch.arange(places + 16)) % places
        hidden = (age > n) | (age >= window)
        hidden[places], hidden[places + 1 :] = False, True
        bias = torch.zeros(len(qkv), 1, places + 16, dtype=qkv.dtype).masked_fill(hidden, float("-inf"))
        found.append(fast.live_attention(qkv[:, n : n + 1, :4], ring, reference.spread(bias, 2)))
    return torch.cat(found, 1)


@needs_library
@pytest.mark.parametrize("dtype", DTYPES)
def test_whole_sequences_have_the_bits_of_the_ring(dtype):
    torch.manual_seed(0)
    qkv, sink = torch.randn(2, 150, 8, 24).to(dtype), torch.randn(2, 24).to(dtype)
    whole = fast.window_attention(qkv, 4, sink, 20, 48)
    assert torch.equal(whole, appended(qkv, sink, 20, 48))  # three laps and a piece of a fourth
    assert close(whole, reference.window_attention(qkv, 4, sink, 20, 48), dtype)


@needs_library
@pytest.mark.parametrize("dtype", [*DTYPES, torch.int8])
@pytest.mark.parametrize("shape", [(96, 64), (75, 33), (3, 17, 40), (2, 2, 64, 31)])
def test_panels_hold_each_number_of_a_weight_once(shape, dtype):
    torch.manual_seed(0)
    weight = (torch.randn(shape) * 40).to(dtype)
    panels = fast.pack(Int8(weight, torch.ones(1)) if dtype == torch.int8 else weight).weight
    outputs = panels.transpose(-3, -2).flatten(-2).flatten(-3, -2)  # [..., panels * outputs of one, numbers]
    assert torch.equal(outputs[..., : shape[-2], : shape[-1]], weight)
    assert panels.count_nonzero() == weight.count_nonzero()


@needs_library
@pytest.mark.parametrize("op", ["norm", "turned", "gated", "window"])
def test_many_rows_have_the_same_bits_and_gradients_with_two_threads(op, two_threads):
    torch.manual_seed(0)
    x, weight = torch.randn(1, 300, 8, 32), torch.randn(6, 32)
    call = {
        "norm": lambda x, w: fast.rms_norm(x[:, :, :6], w, 1e-6),
        "turned": lambda x, w: fast.turned(x, w, 1e-6, *rope(torch.arange(300)[None], 32, 99.0)),
        "gated": lambda x, w: fast.gated(x),
        "window": lambda x, w: fast.window_attention(x, 4, w[:2], 90, 320),
    }[op]
    found = []
    for threads in (2, 1):
        torch.set_num_threads(threads)
        leaves = [x.clone().requires_grad_(), weight.clone().requires_grad_()]
        y = call(*leaves)
        y.square().sum().backward()
        found.append([y, leaves[0].grad, leaves[1].grad])
    assert all((a is b is None) or torch.equal(a, b) for a, b in zip(*found))


@needs_library
@pytest.mark.parametrize("op", ["linear", "experts", "live_attention", "rms_norm", "window_attention", "no sink", "turned", "gated"])
def test_gradients_are_the_reference_s(op):
    torch.manual_seed(0)
    x, expert, gate, gate_up, down = mixed(6, torch.float32)
    q, places, sees = ring(2, 3, torch.float32)
    inputs, call = {
        "linear": ([torch.randn(2, 3, 20), torch.randn(7, 20)], lambda ops, x, w: ops.linear(x, w)),
        "experts": ([x, gate, gate_up, down], lambda ops, x, g, gu, d: ops.experts(x, expert, g, gu, d)),
        "live_attention": ([q, places], lambda ops, q, ring: ops.live_attention(q, ring, mask(sees, torch.float32))),
        "rms_norm": ([torch.randn(3, 4, 20), torch.randn(4, 20)], lambda ops, x, w: ops.rms_norm(x, w, 1e-6)),
        "window_attention": (
            [torch.randn(2, 700, 8, 24), torch.randn(2, 24)], lambda ops, x, sink: ops.window_attention(x, 4, sink, 300, 640)
        ),
        "no sink": ([torch.randn(2, 50, 8, 24)], lambda ops, x: ops.window_attention(x, 4, None, 30, 640)),
        "turned": (
            [torch.randn(2, 5, 8, 32), torch.randn(6, 32)], lambda ops, x, w: ops.turned(x, w, 1e-6, *rope(torch.arange(10).view(2, 5), 32, 99.0))
        ),
        "gated": ([torch.randn(3, 64) * 3], lambda ops, x: ops.gated(x)),
    }[op]
    found = []
    for ops in (fast, reference):
        leaves = [t.clone().requires_grad_() for t in inputs]
        y = call(ops, *leaves)
        y.backward(torch.linspace(-1, 1, y.numel()).view_as(y))
        found.append([leaf.grad for leaf in leaves])
    assert all(close(a, b, torch.float32) for a, b in zip(*found))


@needs_library
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("sink", [True, False])
def test_attention_by_stretches_is_the_reference_s(dtype, sink):
    torch.manual_seed(0)
    inputs, found = [torch.randn(2, 700, 8, 24), torch.randn(2, 24)][: 1 + sink], []
    for op in (fast.tiled_window, reference.window_attention):
        qkv, *rest = leaves = [t.to(dtype, copy=True).requires_grad_() for t in inputs]
        y = op(qkv, 4, rest[0] if sink else None, 300, 640)
        found.append([y.detach(), *torch.autograd.grad((y * torch.linspace(-1, 1, y.numel()).view_as(y)).sum(), leaves)])
    assert all(close(a, b, dtype) for a, b in zip(*found))


@needs_library
def test_a_gradient_is_computed_only_where_it_is_wanted():
    x, expert, gate, gate_up, down = mixed(4, torch.float32)
    down.requires_grad_()
    fast.experts(x, expert, gate, gate_up, down).sum().backward()
    assert down.grad.abs().sum() > 0 and x.grad is None and gate_up.grad is None


@needs_library
def test_an_unknown_dtype_goes_to_the_reference():
    x, weight = torch.randn(3, 8, dtype=torch.float64), torch.randn(5, 8, dtype=torch.float64)
    assert torch.equal(fast.linear(x, weight), reference.linear(x, weight))


def test_without_a_compiler_plain_operations_are_used_and_the_log_says_so(monkeypatch, caplog):
    monkeypatch.setattr(build.shutil, "which", lambda name: None)
    build.library.cache_clear()
    try:
        with caplog.at_level(logging.WARNING):
            assert best() is REFERENCE
        assert len(caplog.records) == 1 and "no C++ compiler" in caplog.text
    finally:
        build.library.cache_clear()


@needs_library
def test_a_failed_build_leaves_no_file(tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        build.build("g++", tmp_path / "x.so", [*build.FLAGS, "--no-such-flag"])
    assert not list(tmp_path.glob("*.so"))


@needs_library
@pytest.mark.slow
def test_a_cpu_without_wide_vectors_computes_the_same(tmp_path, monkeypatch):
    build.build("g++", tmp_path / "plain.so", [f.replace("native", "x86-64") for f in build.FLAGS])
    plain = build.declared(build.ctypes.CDLL(str(tmp_path / "plain.so")))
    monkeypatch.setattr(fast, "library", lambda: plain)
    test_linear((75, 33), torch.bfloat16)
    test_experts(torch.bfloat16)
    test_live_attention(torch.float32)
