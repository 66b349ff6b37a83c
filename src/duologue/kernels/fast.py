"""The operations of `reference` in C++ (`cpu.cpp`): the same functions, another order of sums, other last bits.

Each row is computed alone in one fixed order, so its bits depend neither on the number of rows nor on that of threads. What
the library does not know (another dtype, another device) goes to the reference. Gradients come from `backward`.
"""

import torch

from duologue.kernels import reference
from duologue.kernels.backward import through, through_experts, through_product
from duologue.kernels.build import library
from duologue.kernels.reference import Int8, Weight

KINDS = {torch.float32: 0, torch.bfloat16: 1, torch.int8: 2}


def _at(tensor: torch.Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def _known(*tensors: torch.Tensor) -> bool:
    return tensors[0].dtype in KINDS and all(t.is_cpu for t in tensors)


def _fitting(x: torch.Tensor, weight: Weight) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """x, the weight (in x's dtype if it is not int8) and its scales as the library wants them; x becomes fp32 for int8."""
    if isinstance(weight, Int8):
        return x.float().contiguous(), weight.values, weight.scale
    return x.contiguous(), weight.contiguous(), None


def linear(x: torch.Tensor, weight: Weight, packed: torch.Tensor | None = None) -> torch.Tensor:
    """x [..., in] times weight [out, in] in x's dtype. `packed` is not needed here."""
    if not _known(x, weight.values if isinstance(weight, Int8) else weight):
        return reference.linear(x, weight, packed)
    return _linear(x, weight) if isinstance(weight, Int8) else through_product(_linear, x, weight.to(x.dtype))


def _linear(x: torch.Tensor, weight: Weight) -> torch.Tensor:
    rows, values, scale = _fitting(x, weight)
    wide_out, wide_in = values.shape
    y, kind = rows.new_empty(*x.shape[:-1], wide_out), KINDS[values.dtype]
    library().linear(kind, _at(rows), _at(values), _at(scale), _at(y), kind == 1, y.numel() // wide_out, wide_out, wide_in)
    return y.to(x.dtype) if scale is not None else y


def experts(x_RD: torch.Tensor, expert_RK: torch.Tensor, gate_RK: torch.Tensor, gate_up: Weight, down: Weight) -> torch.Tensor:
    """See `reference.experts`. The chosen experts' weights are read where they lie, once for all rows that chose them."""
    if not _known(x_RD, expert_RK, gate_up[0]):
        return reference.experts(x_RD, expert_RK, gate_RK, gate_up, down)
    return through_experts(_experts, x_RD, expert_RK, gate_RK, gate_up, down)


def _experts(x: torch.Tensor, expert: torch.Tensor, gate: torch.Tensor, gate_up: Weight, down: Weight) -> torch.Tensor:
    rows, into, into_scale = _fitting(x, gate_up)
    _, out_of, out_scale = _fitting(x, down)
    expert, gate = expert.contiguous(), gate.float().contiguous()
    y = torch.empty(len(x), x.shape[1], dtype=torch.float32)
    library().experts(
        KINDS[into.dtype], _at(rows), _at(expert), _at(gate), _at(into), _at(into_scale), _at(out_of), _at(out_scale),
        _at(y), len(x), expert.shape[1], len(into), x.shape[1], out_of.shape[2],
    )  # fmt: skip
    return y


def live_attention(
    q_BNHK: torch.Tensor, ring_BCGK: torch.Tensor, mask_B1RC: torch.Tensor, rows_B: torch.Tensor | None = None
) -> torch.Tensor:
    """See `reference.live_attention`; the capacity is a multiple of 16. Rings are read where they lie."""
    whole = ring_BCGK.shape[1] % 16 == 0 and ring_BCGK[0].is_contiguous()
    if not (whole and _known(q_BNHK, ring_BCGK, mask_B1RC) and q_BNHK.dtype == ring_BCGK.dtype == mask_B1RC.dtype):
        return reference.live_attention(q_BNHK, ring_BCGK, mask_B1RC, rows_B)
    return through(
        lambda q, ring: _attention(q, ring, mask_B1RC, rows_B),
        lambda q, ring: reference.live_attention(q, ring, mask_B1RC, rows_B), q_BNHK, ring_BCGK,
    )  # fmt: skip


def _attention(q: torch.Tensor, ring: torch.Tensor, mask: torch.Tensor, rows: torch.Tensor | None) -> torch.Tensor:
    b, n, h, width = q.shape
    q, mask = q.contiguous(), mask.contiguous()
    y = torch.empty(b, n, h * width, dtype=q.dtype)
    shape = b, n, h, ring.shape[2] // 2, ring.shape[1], width, ring.stride(0), mask.shape[2]
    library().attention(KINDS[q.dtype], _at(q), _at(ring), _at(rows), _at(mask), _at(y), *shape)
    return y


def rms_norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    """See `reference.rms_norm`, fp32."""
    if not (_known(x, weight) and x.dtype == weight.dtype == torch.float32):
        return reference.rms_norm(x, weight, eps)
    return through(lambda x, w: _norm(x, w, eps), lambda x, w: reference.rms_norm(x, w, eps), x, weight)


def turned(y_BNHK: torch.Tensor, weight_JK: torch.Tensor, eps: float, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """See `reference.turned`; heads of a multiple of 32 numbers, a float32 weight."""
    if not (_known(y_BNHK, weight_JK) and y_BNHK.shape[-1] % 32 == 0 and weight_JK.dtype == torch.float32):
        return reference.turned(y_BNHK, weight_JK, eps, cos, sin)
    return through(
        lambda y, w: _turned(y, w, eps, cos, sin), lambda y, w: reference.turned(y, w, eps, cos, sin), y_BNHK, weight_JK
    )  # fmt: skip


def _turned(y: torch.Tensor, weight: torch.Tensor, eps: float, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    y, weight, (heads, width) = y.contiguous(), weight.contiguous(), y.shape[2:]
    z, shape = torch.empty_like(y), (cos.numel() // width, heads, len(weight), width)
    library().turn(KINDS[y.dtype], _at(y), _at(weight), eps, _at(cos.contiguous()), _at(sin.contiguous()), _at(z), *shape)
    return z


def gated(y: torch.Tensor) -> torch.Tensor:
    """See `reference.gated`; the width is a multiple of 16."""
    if not (_known(y) and y.dtype != torch.int8 and y.shape[-1] % 32 == 0):
        return reference.gated(y)
    return through(_gated, reference.gated, y)


def _gated(y: torch.Tensor) -> torch.Tensor:
    y, width = y.contiguous(), y.shape[-1] // 2
    z = y.new_empty(*y.shape[:-1], width)
    library().gate(KINDS[y.dtype], _at(y), _at(z), z.numel() // width, width)
    return z


def _norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    x, weight = x.contiguous(), weight.contiguous()
    y, width = torch.empty_like(x), x.shape[-1]
    library().norm(_at(x), _at(weight), eps, _at(y), x.numel() // width, weight.numel() // width, width)
    return y
