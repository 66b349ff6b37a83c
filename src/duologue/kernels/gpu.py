"""The operations of `reference` in Triton, for one GPU: fixed tiles, sums in one order, nothing split over programs.

The batch decides how many programs run, never what one of them adds up, so a row's bits do not depend on its batch. Source of
the rules: batch_invariant_ops (github.com/thinking-machines-lab/batch_invariant_ops): fixed tiles, no split-K, a fixed split of keys.
"""

# ruff: noqa: PLR0913  (a kernel is told every size)
import torch
import triton
import triton.language as tl

from duologue.kernels import reference
from duologue.kernels.backward import anew, through, through_experts, through_product
from duologue.kernels.reference import Int8, Weight

# Of a tile of a product. Without tensor cores, as fp32 is multiplied, rows of a tile that are not there would cost time.
TILES = {torch.float32: (16, 64, 64), torch.bfloat16: (64, 64, 128)}
QUERIES = 16  # of a tile of attention
PLACES = 64  # of a ring, taken in at once
OUTPUTS, INPUTS = 16, 256  # of a tile of an expert's weight
WIDEN = tl.constexpr(triton.knobs.runtime.interpret)  # the interpreter multiplies bf16 as if it were whole numbers


@triton.jit(do_not_specialize=["rows"])
def _product(x, w, scale, y, rows, n, k, SCALED: tl.constexpr, R: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    r, c = tl.program_id(0) * R + tl.arange(0, R), tl.program_id(1) * N + tl.arange(0, N)
    acc = tl.zeros((R, N), tl.float32)
    for start in range(0, k, K):
        i = start + tl.arange(0, K)
        xs = tl.load(x + r[:, None] * k + i[None, :], (r[:, None] < rows) & (i[None, :] < k), 0.0)
        ws = tl.load(w + c[None, :] * k + i[:, None], (c[None, :] < n) & (i[:, None] < k), 0).to(xs.dtype)
        if WIDEN:
            xs, ws = xs.to(tl.float32), ws.to(tl.float32)
        acc = tl.dot(xs, ws, acc, input_precision="ieee")
    if SCALED:
        acc = acc * tl.load(scale + c, c < n, 0.0)[None, :]
    tl.store(y + r[:, None] * n + c[None, :], acc.to(y.dtype.element_ty), (r[:, None] < rows) & (c[None, :] < n))


@triton.jit
def _norm(x, weight, y, kinds, width, eps, W: tl.constexpr):
    row, i = tl.program_id(0), tl.arange(0, W)
    v = tl.load(x + row * width + i, i < width, 0.0)
    factor = 1.0 / tl.sqrt(tl.sum(v * v) / width + eps)
    w = tl.load(weight + row % kinds * width + i, i < width, 0.0)
    tl.store(y + row * width + i, v * factor * w, i < width)


@triton.jit(do_not_specialize=["n", "lines"])
def _attend(q, ring, rows, mask, y, n, heads, groups, capacity, width, session, lines, factor,
            R: tl.constexpr, P: tl.constexpr, W: tl.constexpr):  # fmt: skip
    b, g = tl.program_id(1) // groups, tl.program_id(1) % groups
    share = heads // groups
    r, d = tl.program_id(0) * R + tl.arange(0, R), tl.arange(0, W)
    there = (r[:, None] < n * share) & (d[None, :] < width)
    at = ((b * n + r // share) * heads + g * share + r % share)[:, None] * width + d[None, :]
    qs = tl.load(q + at, there, 0.0)
    most, total, acc = tl.full((R,), float("-inf"), tl.float32), tl.zeros((R,), tl.float32), tl.zeros((R, W), tl.float32)
    ring += tl.load(rows + b) * session
    for start in range(0, capacity, P):
        p = start + tl.arange(0, P)
        place = ring + p[:, None] * (2 * groups * width) + g * width + d[None, :]
        inside = (p[:, None] < capacity) & (d[None, :] < width)
        k, v = tl.load(place, inside, 0.0), tl.load(place + groups * width, inside, 0.0)
        hidden = tl.load(mask + (b * lines + r[:, None]) * capacity + p[None, :],
                         (r[:, None] < lines) & (p[None, :] < capacity), float("-inf"))  # fmt: skip
        if WIDEN:
            qs, k, v = qs.to(tl.float32), k.to(tl.float32), v.to(tl.float32)
        s = tl.dot(qs, tl.trans(k), input_precision="ieee") * factor + hidden.to(tl.float32)
        now = tl.maximum(most, tl.max(s, 1))
        safe = tl.where(now == float("-inf"), 0.0, now)
        e, fade = tl.exp(s - safe[:, None]), tl.exp(most - safe)
        total = total * fade + tl.sum(e, 1)
        acc = acc * fade[:, None] + tl.dot(e.to(v.dtype), v, input_precision="ieee")
        most = now
    out = acc / tl.where(total == 0.0, 1.0, total)[:, None]
    tl.store(y + at, out.to(y.dtype.element_ty), there)


@triton.jit
def _row(x, w, scale, columns, n, k, SCALED: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    """One row of x with N rows of w."""
    acc = tl.zeros((N,), tl.float32)
    for start in range(0, k, K):
        i = start + tl.arange(0, K)
        xs = tl.load(x + i, i < k, 0.0).to(tl.float32)
        ws = tl.load(w + columns[:, None] * k + i[None, :], (columns[:, None] < n) & (i[None, :] < k), 0).to(tl.float32)
        acc += tl.sum(ws * xs[None, :], 1)
    if SCALED:
        acc = acc * tl.load(scale + columns, columns < n, 0.0)
    return acc


@triton.jit
def _enter(x, expert, w, scale, inner, chosen, width, hidden, SCALED: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    pair, c = tl.program_id(0), tl.program_id(1) * N + tl.arange(0, N)
    e, row = tl.load(expert + pair), x + pair // chosen * width
    up = 2 * e * hidden
    a = _row(row, w + up * width, scale + up, c, hidden, width, SCALED, N, K)
    b = _row(row, w + (up + hidden) * width, scale + up + hidden, c, hidden, width, SCALED, N, K)
    tl.store(inner + pair * hidden + c, (a / (1.0 + tl.exp(-a)) * b).to(inner.dtype.element_ty), c < hidden)


@triton.jit
def _leave(inner, expert, gate, w, scale, y, chosen, width, hidden, SCALED: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    row, c = tl.program_id(0), tl.program_id(1) * N + tl.arange(0, N)
    acc = tl.zeros((N,), tl.float32)
    for j in range(chosen):
        pair = row * chosen + j
        start = tl.load(expert + pair) * width
        one = _row(inner + pair * hidden, w + start * hidden, scale + start, c, width, hidden, SCALED, N, K)
        acc += one * tl.load(gate + pair)
    tl.store(y + row * width + c, acc, c < width)


def _parts(weight: Weight) -> tuple[torch.Tensor, torch.Tensor, bool]:
    """Values, scales (or anything, where there are none) and whether there are scales."""
    if isinstance(weight, Int8):
        return weight.values.contiguous(), weight.scale.contiguous(), True
    return weight.contiguous(), weight, False


def linear(x: torch.Tensor, weight: Weight, packed: torch.Tensor | None = None) -> torch.Tensor:
    """See `reference.linear`; `packed` is not needed here."""
    return _linear(x, weight) if isinstance(weight, Int8) else through_product(_linear, x, weight.to(x.dtype))


def _linear(x: torch.Tensor, weight: Weight) -> torch.Tensor:
    values, scale, scaled = _parts(weight)
    rows, (n, k) = x.reshape(-1, x.shape[-1]).contiguous(), values.shape
    y = torch.empty(len(rows), n, dtype=x.dtype, device=x.device)
    tile = TILES[x.dtype]
    grid = triton.cdiv(len(rows), tile[0]), triton.cdiv(n, tile[1])
    _product[grid](rows, values, scale, y, len(rows), n, k, scaled, *tile)
    return y.view(*x.shape[:-1], n)


def rms_norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    """See `reference.rms_norm`."""
    return through(lambda x, w: _rms_norm(x, w, eps), anew(lambda x, w: reference.rms_norm(x, w, eps)), x, weight)


def _rms_norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    x, weight, width = x.contiguous(), weight.contiguous(), x.shape[-1]
    y = torch.empty_like(x)
    _norm[(x.numel() // width,)](x, weight, y, weight.numel() // width, width, eps, triton.next_power_of_2(width))
    return y


def turned(y_BNJK: torch.Tensor, weight_JK: torch.Tensor, eps: float, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """See `reference.turned`, whose norm is torch's: on a GPU the order of its sums depends on the number of rows."""
    some, rest = y_BNJK.split([len(weight_JK), y_BNJK.shape[2] - len(weight_JK)], 2)
    return torch.cat([reference.rotate(rms_norm(some.float(), weight_JK, eps), cos, sin).to(rest.dtype), rest], 2)


def live_attention(
    q_BNHK: torch.Tensor, ring_BCGK: torch.Tensor, mask_B1RC: torch.Tensor, rows_B: torch.Tensor | None = None
) -> torch.Tensor:
    """See `reference.live_attention`. Keys are taken in PLACES at a time from place 0 on, whatever the number of queries."""
    return through(
        lambda q, ring: _attention(q, ring, mask_B1RC, rows_B),
        anew(lambda q, ring: reference.live_attention(q, ring, mask_B1RC, rows_B)), q_BNHK, ring_BCGK,
    )  # fmt: skip


def _attention(q: torch.Tensor, ring: torch.Tensor, mask: torch.Tensor, rows: torch.Tensor | None) -> torch.Tensor:
    b, n, h, width = q.shape
    q, mask, groups = q.contiguous(), mask.contiguous(), ring.shape[2] // 2
    rows = torch.arange(b, device=q.device) if rows is None else rows
    y = torch.empty(b, n, h * width, dtype=q.dtype, device=q.device)
    grid = triton.cdiv(n * h // groups, QUERIES), b * groups
    shape = n, h, groups, ring.shape[1], width, ring.stride(0), mask.shape[2]
    _attend[grid](q, ring, rows, mask, y, *shape, width**-0.5, QUERIES, PLACES, max(16, triton.next_power_of_2(width)))
    return y


def experts(
    x_RD: torch.Tensor, expert_RK: torch.Tensor, gate_RK: torch.Tensor, gate_up: Weight, down: Weight, packed: tuple | None = None
) -> torch.Tensor:
    """See `reference.experts`: a row reads its chosen experts' weights where they lie, and nothing is sorted or padded."""
    return through_experts(_experts, x_RD, expert_RK, gate_RK, gate_up, down)


def _experts(x: torch.Tensor, expert: torch.Tensor, gate: torch.Tensor, gate_up: Weight, down: Weight) -> torch.Tensor:
    into, into_scale, scaled = _parts(gate_up)
    out_of, out_scale, _ = _parts(down)
    x, expert, gate = x.contiguous(), expert.contiguous(), gate.float().contiguous()
    (rows, width), chosen, hidden = x.shape, expert.shape[1], out_of.shape[2]
    inner = torch.empty(rows * chosen, hidden, dtype=x.dtype, device=x.device)
    y = torch.empty(rows, width, dtype=torch.float32, device=x.device)
    sizes = chosen, width, hidden, scaled, OUTPUTS, INPUTS
    _enter[(rows * chosen, triton.cdiv(hidden, OUTPUTS))](x, expert, into, into_scale, inner, *sizes)
    _leave[(rows, triton.cdiv(width, OUTPUTS))](inner, expert, gate, out_of, out_scale, y, *sizes)
    return y
