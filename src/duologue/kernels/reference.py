"""The meaning of every operation in plain PyTorch, in forms whose bits do not depend on who shares the batch.

Measured on AVX512-BF16 CPUs: a matrix product's rows have equal bits for every row count in bf16, and from four rows
up in fp32 with one thread, with two threads at 4, 8 and from 12 up; scaled_dot_product_attention over a cache of constant
capacity from four query rows up. So `linear` pads a few rows to a multiple of four, and `live_attention` is only ever
called on rings of one capacity. Intel's CPUs need a mode of their library for it, which this package's `__init__` sets.
"""

from functools import cache, lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F

MIN_ROWS = 4


class Int8(NamedTuple):
    """A weight [..., out, in] as whole numbers -127..127 and one scale for each row [..., out]."""

    values: torch.Tensor
    scale: torch.Tensor

    def dense(self, dtype: torch.dtype) -> torch.Tensor:
        return (self.values.float() * self.scale[..., None]).to(dtype)


Weight = torch.Tensor | Int8


class Reordered(NamedTuple):
    """A weight as oneDNN wants it."""

    weight: torch.Tensor


def quantise(weight: torch.Tensor) -> Int8:
    """Each row by its largest number. A row of zeros stays zero."""
    scale = weight.detach().float().abs().amax(-1).clamp(min=1e-30) / 127
    return Int8((weight.detach().float() / scale[..., None]).round().to(torch.int8), scale)


def linear(x: torch.Tensor, weight: Weight, packed: Reordered | None = None) -> torch.Tensor:
    """x [..., in] times weight [out, in] in x's dtype; a few rows reach the kernel as a multiple of MIN_ROWS.

    `packed` is the same weight from `pack`: equal bits for any number of rows (tested), and not reordered at each call.
    """
    if isinstance(weight, Int8):
        weight = weight.dense(x.dtype)
    rows = x.reshape(-1, x.shape[-1])
    if isinstance(packed, Reordered) and not torch.is_grad_enabled():
        return torch.ops.mkldnn._linear_pointwise(rows, packed.weight, None, "none", [], "").view(*x.shape[:-1], -1)
    short = max(MIN_ROWS - len(rows), -len(rows) % MIN_ROWS if len(rows) < 3 * MIN_ROWS else 0)
    if short:
        rows = torch.cat([rows, rows.new_zeros(short, rows.shape[-1])])
    y = F.linear(rows, weight.to(x.dtype))
    return (y[:-short] if short else y).reshape(*x.shape[:-1], weight.shape[0])


def rms_norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    """x over the root of its mean square, times weight; `weight` may have axes more than the last.

    sqrt(|x|^2 / n + eps) is the hypotenuse of |x| and sqrt(n eps) over sqrt(n): half the time of `F.rms_norm` on a CPU.
    """
    if x.is_cuda:  # there a sum's order depends on the number of rows, but for torch's own norm: it gives each row a block
        return F.rms_norm(x, x.shape[-1:], None, eps) * weight
    n = x.shape[-1]
    length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return x / torch.hypot(length, _root(n * eps)) * (weight * n**0.5)


@cache
def _root(x: float) -> torch.Tensor:
    return torch.tensor(x**0.5)


def multiplies_bf16() -> bool:
    """Whether oneDNN computes in bf16 on this CPU; elsewhere torch multiplies bf16 in a plain form, and has no layout for it."""
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def rotate(x_BNHK: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Each pair of numbers half a head apart by its angle; the sine's first half is negated."""
    return torch.addcmul(x_BNHK * cos, x_BNHK.roll(x_BNHK.shape[-1] // 2, -1), sin)


def turned(y_BNHK: torch.Tensor, weight_JK: torch.Tensor, eps: float, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """The first J heads (queries and keys) normalised and rotated, the others (values) as they are; cos and sin [B, N, 1, K]."""
    some, rest = y_BNHK.split([len(weight_JK), y_BNHK.shape[2] - len(weight_JK)], 2)
    return torch.cat([rotate(rms_norm(some.float(), weight_JK, eps), cos, sin).to(rest.dtype), rest], 2)


def gated(y: torch.Tensor) -> torch.Tensor:
    """silu(first half) times second half of [..., 2F]."""
    gate, up = y.chunk(2, -1)
    return F.silu(gate) * up


def pack(weight: torch.Tensor) -> Reordered | None:
    """A bf16 weight laid out for the CPU's product of a few rows; None where there is no such layout."""
    if weight.ndim != 2 or weight.dtype != torch.bfloat16 or weight.device.type != "cpu" or not multiplies_bf16():
        return None
    return Reordered(torch.ops.mkldnn._reorder_linear_weight(weight.detach(), MIN_ROWS))


def window_attention(qkv_BNJK: torch.Tensor, heads: int, sink_GK: torch.Tensor | None, window: int, ring: int) -> torch.Tensor:
    """Whole sequences: each position sees `window` positions up to itself, and the sink. The form of training.

    qkv [B, N, H + 2 G, K]: queries of all heads, keys, values; a sink's value is zero. Returns [B, N, H * K]. A ring of `ring`
    places has another order of sums, so the bits are not those of `live_attention`; the C++ has them. Two batched products and a
    softmax: on a CPU this is twice as fast forward and backward as the fused kernel.
    """
    b, n, joined, width = qkv_BNJK.shape
    groups = (joined - heads) // 2
    q, k, v = (x.transpose(1, 2) for x in qkv_BNJK.split([heads, groups, groups], 2))
    if sink_GK is not None:
        sink = sink_GK.to(k.dtype)[None, :, None].expand(b, -1, 1, -1)
        k, v = torch.cat([sink, k], 2), torch.cat([torch.zeros_like(sink), v], 2)
    q, k, v = q.reshape(b * groups, -1, width), k.flatten(0, 1), v.flatten(0, 1)
    bias = unseen(n, window, sink_GK is not None, q.dtype, q.device).repeat(heads // groups, 1).expand(b * groups, -1, -1)
    weights = torch.softmax(torch.baddbmm(bias, q, k.transpose(1, 2), alpha=width**-0.5), -1)
    return torch.bmm(weights, v).view(b, heads, n, width).transpose(1, 2).flatten(2)


@lru_cache(maxsize=2)  # all layers of a step want the same
def unseen(n: int, window: int, sink: bool, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Zero where a position may look, minus infinity elsewhere [N, N]; with a sink, its column comes first."""
    i = torch.arange(n, device=device)
    hidden = (i[None] > i[:, None]) | (i[None] <= i[:, None] - window)
    mask = torch.zeros(n, n, dtype=dtype, device=device).masked_fill_(hidden, float("-inf"))
    return F.pad(mask, (1, 0)) if sink else mask


def experts(
    x_RD: torch.Tensor, expert_RK: torch.Tensor, gate_RK: torch.Tensor, gate_up: Weight, down: Weight, packed: tuple | None = None
) -> torch.Tensor:
    """Each row through its chosen gated feed-forward layers, summed in fp32 in the order of the experts.

    x [R,D]; expert [R,K] indices; gate [R,K]; gate_up [E,2F,D] (gates first, then ups); down [E,D,F]. `packed` is
    not needed here. Returns fp32 [R,D].
    """
    if isinstance(gate_up, Int8):
        gate_up, down = gate_up.dense(x_RD.dtype), down.dense(x_RD.dtype)
    out = torch.zeros_like(x_RD, dtype=torch.float32)
    for e in expert_RK.unique().tolist():
        row, place = torch.where(expert_RK == e)
        left, right = linear(x_RD[row], gate_up[e]).chunk(2, -1)
        y = linear(F.silu(left) * right, down[e]).float()
        out = out.index_add(0, row, y * gate_RK[row, place, None])
    return out


def softmax(x: torch.Tensor) -> torch.Tensor:
    """Over the last dimension, in fp32; row by row alike for any number of rows."""
    return torch.softmax(x.float(), -1)


def sigmoid(x: torch.Tensor) -> torch.Tensor:
    """1 / (1 + e^-x) as a softmax beside zero: `torch.sigmoid` computes the last few numbers of a tensor in another way, so
    that a row's bits would depend on the number of rows."""
    return torch.softmax(torch.stack([x, torch.zeros_like(x)], -1), -1)[..., 0]


def spread(bias_BNC: torch.Tensor, repeat: int) -> torch.Tensor:
    """The mask of `live_attention` [B, 1, R, C]: `repeat` heads of a group are rows, in whole MIN_ROWS."""
    b, n, c = bias_BNC.shape
    rows = bias_BNC[:, :, None].expand(b, n, repeat, c).reshape(b, 1, n * repeat, c)
    return _whole(rows)


def _whole(rows_BGRK: torch.Tensor) -> torch.Tensor:
    """The last row repeated to a multiple of MIN_ROWS: the kernel takes rows in blocks, and none may be shorter."""
    short = -rows_BGRK.shape[2] % MIN_ROWS
    return torch.cat([rows_BGRK, rows_BGRK[:, :, -1:].expand(-1, -1, short, -1)], 2) if short else rows_BGRK


def live_attention(
    q_BNHK: torch.Tensor, ring_BCGK: torch.Tensor, mask_B1RC: torch.Tensor, rows_B: torch.Tensor | None = None
) -> torch.Tensor:
    """The form of the engine, of alignment and of reinforcement learning, over rings of one capacity C.

    q [B, N, H, K]; a ring's place holds the keys of all groups, then their values; the heads of a group become rows. The mask,
    from `spread`, is added to the scores. `rows_B` int64: which rings are meant, if not all in order. Returns [B, N, H * K].
    """
    ring_BCGK = ring_BCGK if rows_B is None else ring_BCGK[rows_B]
    b, n, h, width = q_BNHK.shape
    groups = ring_BCGK.shape[2] // 2
    k, v = ring_BCGK.transpose(1, 2).split(groups, 1)
    rows = q_BNHK.view(b, n, groups, h // groups, width).transpose(1, 2).reshape(b, groups, -1, width)
    out = F.scaled_dot_product_attention(_whole(rows), k, v, attn_mask=mask_B1RC)[:, :, : rows.shape[2]]
    return out.unflatten(2, (n, -1)).transpose(1, 2).reshape(b, n, h * width)
