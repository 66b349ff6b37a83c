"""The operations of `reference` in C++ (`cpp/`): the same functions, another order of sums, other last bits.

Each row is computed alone in one fixed order, so its bits depend neither on the number of rows nor on that of threads. What
the library does not know (another dtype, another device) goes to the reference. Gradients come from `backward`.
"""

import ctypes
import math
from typing import NamedTuple

import torch
import torch.nn.functional as F

from duologue.kernels import reference
from duologue.kernels.backward import (
    anew,
    grouped,
    stretches,
    through,
    through_experts,
    through_product,
    through_window,
)
from duologue.kernels.build import library
from duologue.kernels.reference import Int8, Weight

KINDS = {torch.float32: 0, torch.bfloat16: 1, torch.int8: 2}


def _at(tensor: torch.Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def _known(*tensors: torch.Tensor) -> bool:
    return tensors[0].dtype in KINDS and all(t.is_cpu for t in tensors)


class Panels(NamedTuple):
    """A weight as `products.h` reads it: [..., panel, step, outputs of a panel, numbers of a step]."""

    weight: torch.Tensor


def pack(weight: Weight) -> Panels | None:
    """A weight [..., out, in] laid out for `linear`, or for `experts` (the gates and ups apart: [E, 2, F, D])."""
    values = (weight.values if isinstance(weight, Int8) else weight).detach()
    if not _known(values):
        return None
    (*matrices, wide_out, wide_in), side, step = values.shape, library().panel(), 1 + (values.dtype == torch.bfloat16)
    values, steps, panels = F.pad(values, (0, -wide_in % step)).contiguous(), -(-wide_in // step), -(-wide_out // side)
    packed = values.new_empty(*matrices, panels, steps, side, step)
    library().pack(KINDS[values.dtype], _at(values), _at(packed), math.prod(matrices), wide_out, steps)
    return Panels(packed)


def linear(x: torch.Tensor, weight: Weight, packed: Panels | None = None) -> torch.Tensor:
    """x [..., in] times weight [out, in] in x's dtype. `packed`, from `pack`, is made anew if it is not given."""
    if isinstance(weight, Int8) and _known(x):
        return _linear(x.float(), weight, packed).to(x.dtype)
    if not _known(x, weight):
        return reference.linear(x, weight, packed)
    return through_product(lambda x, weight: _linear(x, weight, packed), x, weight.to(x.dtype))


def _linear(x: torch.Tensor, weight: Weight, packed: Panels | None = None) -> torch.Tensor:
    x, (panels,) = x.contiguous(), packed if isinstance(packed, Panels) else pack(weight)
    scale = weight.scale if isinstance(weight, Int8) else None
    wide_out, wide_in = (weight.values if isinstance(weight, Int8) else weight).shape
    y, kind = x.new_empty(*x.shape[:-1], wide_out), KINDS[panels.dtype]
    library().linear(kind, _at(x), _at(panels), _at(scale), _at(y), kind == 1, y.numel() // wide_out, wide_out, wide_in)
    return y


def experts(
    x_RD: torch.Tensor, expert_RK: torch.Tensor, gate_RK: torch.Tensor, gate_up: Weight, down: Weight, packed: tuple | None = None
) -> torch.Tensor:
    """See `reference.experts`. The chosen experts' weights are read where they lie, once for all rows that chose them.

    `packed`: those of `gate_up` unflattened to [E, 2, F, D] and of `down`, from `pack`.
    """
    if not _known(x_RD, expert_RK, gate_up.values if isinstance(gate_up, Int8) else gate_up):
        return reference.experts(x_RD, expert_RK, gate_RK, gate_up, down, packed)
    if isinstance(gate_up, Int8):
        return _experts(x_RD.float(), expert_RK, gate_RK, gate_up, down, packed)
    return through_experts(lambda *inputs: _experts(*inputs, packed), x_RD, expert_RK, gate_RK, gate_up, down)


def _experts(x: torch.Tensor, expert: torch.Tensor, gate: torch.Tensor, gate_up: Weight, down: Weight, packed) -> torch.Tensor:
    (into,), (out_of,) = packed if packed and isinstance(packed[0], Panels) else (pack(apart(gate_up)), pack(down))
    scales = (gate_up.scale, down.scale) if isinstance(gate_up, Int8) else (None, None)
    x, expert, gate = x.contiguous(), expert.contiguous(), gate.float().contiguous()
    (rows, width), hidden = x.shape, (down.values if isinstance(down, Int8) else down).shape[2]
    y = torch.empty(rows, width, dtype=torch.float32)
    library().experts(
        KINDS[into.dtype], _at(x), _at(expert), _at(gate), _at(into), _at(scales[0]), _at(out_of), _at(scales[1]), _at(y),
        rows, expert.shape[1], into.shape[0], width, hidden,
    )  # fmt: skip
    return y


def apart(gate_up: Weight) -> Weight:
    """[E, 2F, D] as [E, 2, F, D]."""
    if isinstance(gate_up, Int8):
        return Int8(apart(gate_up.values), gate_up.scale)
    return gate_up.unflatten(1, (2, -1))


def live_attention(
    q_BNHK: torch.Tensor, ring_BCGK: torch.Tensor, mask_B1RC: torch.Tensor, rows_B: torch.Tensor | None = None
) -> torch.Tensor:
    """See `reference.live_attention`; the capacity is a multiple of 16. Rings are read where they lie."""
    whole = ring_BCGK.shape[1] % 16 == 0 and ring_BCGK[0].is_contiguous()
    if not (whole and _known(q_BNHK, ring_BCGK, mask_B1RC) and q_BNHK.dtype == ring_BCGK.dtype == mask_B1RC.dtype):
        return reference.live_attention(q_BNHK, ring_BCGK, mask_B1RC, rows_B)
    return through(
        lambda q, ring: _attention(q, ring, mask_B1RC, rows_B),
        anew(lambda q, ring: reference.live_attention(q, ring, mask_B1RC, rows_B)), q_BNHK, ring_BCGK,
    )  # fmt: skip


def _attention(q: torch.Tensor, ring: torch.Tensor, mask: torch.Tensor, rows: torch.Tensor | None) -> torch.Tensor:
    b, n, h, width = q.shape
    q, mask = q.contiguous(), mask.contiguous()
    y = torch.empty(b, n, h * width, dtype=q.dtype)
    shape = b, n, h, ring.shape[2] // 2, ring.shape[1], width, ring.stride(0), mask.shape[2]
    library().attention(KINDS[q.dtype], _at(q), _at(ring), _at(rows), _at(mask), _at(y), *shape)
    return y


class Layers(NamedTuple):
    """What a dense trunk's layers need. Of each: norm, panels of queries, keys and values, their scales, panels of the output,
    second norm, panels of gates and ups, panels of the way down."""

    weights: list[tuple[torch.Tensor, ...]]
    hidden: int
    eps: float


def layers(known: Layers, x_BND: torch.Tensor, angles: tuple, rings: tuple, mask_B1RC: torch.Tensor) -> torch.Tensor:
    """x through all layers over their rings, with the bits of the operations one by one, and no call from Python between them.

    `rings`: those of all layers [L, ...], the new positions' places in one layer's, the sessions' rows or None. The width of a
    head and of the feed-forward layer are multiples of 32.
    """
    ring_LBCGK, place_R, rows_B = rings
    (b, n, width), x, mask = x_BND.shape, x_BND.contiguous().clone(), mask_B1RC.contiguous()
    capacity, both, wide = ring_LBCGK.shape[2:]
    heads = len(known.weights[0][2]) - both // 2
    sizes = len(known.weights), b, n, width, known.hidden, heads, both // 2, wide, capacity, ring_LBCGK.stride(0), mask.shape[2]
    pointers = [_at(part) for layer in known.weights for part in layer]
    library().layers(
        KINDS[ring_LBCGK.dtype], (ctypes.c_void_p * len(pointers))(*pointers), _at(x), known.eps, *map(_at, angles),
        _at(ring_LBCGK), _at(place_R), _at(rows_B), _at(mask), (ctypes.c_long * len(sizes))(*sizes),
    )  # fmt: skip
    return x


class Flow(NamedTuple):
    """What the flow head's draw needs: panels of the way in, of each block its two products and its own share of shift, scale and
    gate [3, W] fp32, panels of the way out."""

    weights: list[torch.Tensor]
    blocks: int


def draw(known: Flow, both_2RW: torch.Tensor, shared: torch.Tensor, noise_RF: torch.Tensor, guidance: float) -> torch.Tensor:
    """`FlowHead.sample` in one call. `both`: the condition of each row, then of each without one; shared [steps, 2 R, 3 W]: what
    `FlowHead.modulate` says of them. W is a multiple of 32. No gradients."""
    both, shared, x, pointers = both_2RW.contiguous(), shared.contiguous(), noise_RF.float().clone(), list(map(_at, known.weights))
    sizes = *x.shape[:1], both.shape[1], x.shape[1], known.blocks, len(shared)
    library().draw(
        KINDS[both.dtype], (ctypes.c_void_p * len(pointers))(*pointers), _at(both), _at(shared), _at(x), guidance,
        (ctypes.c_long * len(sizes))(*sizes),
    )  # fmt: skip
    return x


def window_attention(qkv_BNJK: torch.Tensor, heads: int, sink_GK: torch.Tensor | None, window: int, ring: int) -> torch.Tensor:
    """See `reference.window_attention`; with the bits of `live_attention` over a ring, to which the positions were appended."""
    if not _known(qkv_BNJK):
        return reference.window_attention(qkv_BNJK, heads, sink_GK, window, ring)
    sink = None if sink_GK is None else sink_GK.to(qkv_BNJK.dtype)
    return through_window(lambda qkv, sink: _window(qkv, heads, sink, window, ring), _weights_back, heads, window, qkv_BNJK, sink)


def _window(qkv: torch.Tensor, heads: int, sink: torch.Tensor | None, window: int, ring: int) -> tuple[torch.Tensor, torch.Tensor]:
    qkv, (b, n, j, width) = qkv.contiguous(), qkv.shape
    y, logs = qkv.new_empty(b, n, heads * width), torch.empty(b, n, heads)
    place = None if sink is None else torch.cat([sink, torch.zeros_like(sink)])
    shape = b, n, heads, (j - heads) // 2, width, window, ring
    library().window(KINDS[qkv.dtype], _at(qkv), _at(place), _at(y), _at(logs), *shape)
    return y, logs


def tiled_window(qkv_BNJK: torch.Tensor, heads: int, sink_GK: torch.Tensor | None, window: int, ring: int) -> torch.Tensor:
    """See `reference.window_attention`: products of the CPU's own library, by stretches, and between them one pass over the scores."""
    if not _known(qkv_BNJK):
        return reference.window_attention(qkv_BNJK, heads, sink_GK, window, ring)
    sink = None if sink_GK is None else sink_GK.to(qkv_BNJK.dtype)
    return through_window(lambda qkv, sink: _by_stretches(qkv, heads, sink, window), _weights_back, heads, window, qkv_BNJK, sink)


def _by_stretches(qkv: torch.Tensor, heads: int, sink: torch.Tensor | None, window: int) -> tuple[torch.Tensor, torch.Tensor]:
    b, n, joined, width = qkv.shape
    groups = (joined - heads) // 2
    q, (k, v) = grouped(qkv[:, :, :heads], groups), qkv[:, :, heads:].transpose(1, 2).split(groups, 1)
    y, logs = qkv.new_empty(b, n, heads, width), torch.empty(b, n, heads)
    for here, seen in stretches(n, window):
        qs, ks, vs = (x.reshape(b * groups, -1, width) for x in (q[:, :, here], k[:, :, seen], v[:, :, seen]))
        rest = None if sink is None else torch.bmm(qs, sink.repeat(b, 1)[..., None]).float()
        weights, sums, log = _weights(torch.bmm(qs, ks.mT), rest, (heads // groups, here.start - seen.start, window, width**-0.5))
        for whole, part in ((y, torch.bmm(weights, vs) / sums), (logs[..., None], log)):
            grouped(whole, groups)[:, :, here] = part.view(b, groups, -1, heads // groups, part.shape[-1])
    return y.flatten(2), logs


def _weights(scores_GRC: torch.Tensor, rest_GR1: torch.Tensor | None, how: tuple) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Weights in the scores' place, their sums, and the logarithms of the sums of e^score, both [G, R, 1]. `how` as in `_weights_back`."""
    (*_, rows, columns), kind = scores_GRC.shape, KINDS[scores_GRC.dtype]
    sums, logs = torch.empty(2, *scores_GRC.shape[:-1], 1)
    library().weights(kind, _at(scores_GRC), _at(rest_GR1), _at(sums), _at(logs), sums.numel(), rows, columns, *how)
    return scores_GRC, sums, logs


def _weights_back(scores_GRC: torch.Tensor, grads_GRC: torch.Tensor, log_GR1: torch.Tensor, pulled_GR1: torch.Tensor, how: tuple):
    """e^(score - log) and its share of the gradient, where the two came from. `how`: heads of a position, columns before
    the first row's, how many columns a row sees, the factor of the scores."""
    (*_, rows, columns), log, pulled = scores_GRC.shape, log_GR1.contiguous(), pulled_GR1.contiguous()
    kind, total = KINDS[scores_GRC.dtype], scores_GRC.numel() // columns
    library().weights_back(kind, _at(scores_GRC), _at(grads_GRC), _at(log), _at(pulled), total, rows, columns, *how)
    return scores_GRC, grads_GRC


def rms_norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    """See `reference.rms_norm`, fp32."""
    if not (_known(x, weight) and x.dtype == weight.dtype == torch.float32):
        return reference.rms_norm(x, weight, eps)
    return through(lambda x, w: _norm(x, w, eps), lambda dy, x, w: _norm_back(dy, x, w, eps), x, weight)


def turned(y_BNHK: torch.Tensor, weight_JK: torch.Tensor, eps: float, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """See `reference.turned`; heads of a multiple of 32 numbers, a float32 weight."""
    if not (_known(y_BNHK, weight_JK) and y_BNHK.shape[-1] % 32 == 0 and weight_JK.dtype == torch.float32):
        return reference.turned(y_BNHK, weight_JK, eps, cos, sin)
    angles = cos.contiguous(), sin.contiguous()
    return through(
        lambda y, w: _turned(y, w, eps, *angles), lambda dz, y, w: _turned_back(dz, y, w, eps, *angles), y_BNHK, weight_JK
    )  # fmt: skip


def _turned(y: torch.Tensor, weight: torch.Tensor, eps: float, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    y, weight, (heads, width) = y.contiguous(), weight.contiguous(), y.shape[2:]
    z, shape = torch.empty_like(y), (cos.numel() // width, heads, len(weight), width)
    library().turn(KINDS[y.dtype], _at(y), _at(weight), eps, _at(cos), _at(sin), _at(z), *shape)
    return z


def _turned_back(dz, y, weight, eps: float, cos: torch.Tensor, sin: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    dz, y, weight, (heads, width) = dz.contiguous(), y.contiguous(), weight.contiguous(), y.shape[2:]
    dy, dw, shape = torch.empty_like(y), torch.zeros_like(weight), (cos.numel() // width, heads, len(weight), width)
    library().turn_back(KINDS[y.dtype], _at(y), _at(weight), eps, _at(cos), _at(sin), _at(dz), _at(dy), _at(dw), *shape)
    return dy, dw


def gated(y: torch.Tensor) -> torch.Tensor:
    """See `reference.gated`; the width is a multiple of 16."""
    if not (_known(y) and y.dtype != torch.int8 and y.shape[-1] % 32 == 0):
        return reference.gated(y)
    return through(_gated, _gated_back, y)


def _gated(y: torch.Tensor) -> torch.Tensor:
    y, width = y.contiguous(), y.shape[-1] // 2
    z = y.new_empty(*y.shape[:-1], width)
    library().gate(KINDS[y.dtype], _at(y), _at(z), z.numel() // width, width)
    return z


def _gated_back(dz: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor]:
    dz, y, width = dz.contiguous(), y.contiguous(), y.shape[-1] // 2
    dy = torch.empty_like(y)
    library().gate_back(KINDS[y.dtype], _at(y), _at(dz), _at(dy), dz.numel() // width, width)
    return (dy,)


def _norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    x, weight = x.contiguous(), weight.contiguous()
    y, width = torch.empty_like(x), x.shape[-1]
    library().norm(_at(x), _at(weight), eps, _at(y), x.numel() // width, weight.numel() // width, width)
    return y


def _norm_back(dy: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, eps: float) -> tuple[torch.Tensor, torch.Tensor]:
    dy, x, weight, width = dy.contiguous(), x.contiguous(), weight.contiguous(), x.shape[-1]
    dx, dw = torch.empty_like(x), torch.zeros_like(weight)
    library().norm_back(_at(x), _at(weight), eps, _at(dy), _at(dx), _at(dw), x.numel() // width, weight.numel() // width, width)
    return dx, dw
