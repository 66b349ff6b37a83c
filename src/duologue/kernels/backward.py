"""Gradients for operations that torch does not know. They are plain torch: a backward pass need not be invariant."""

from collections.abc import Callable, Iterator

import torch

from duologue.kernels import reference
from duologue.kernels.reference import Int8, Weight

STRETCH = 256  # queries of a step through attention


class _Product(torch.autograd.Function):
    """A product forward; two plain products backward."""

    @staticmethod
    def forward(ctx, product: Callable, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        return product(x, weight)

    @staticmethod
    def backward(ctx, dy: torch.Tensor):
        x, weight = ctx.saved_tensors
        dx = dy @ weight if ctx.needs_input_grad[1] else None
        dw = dy.flatten(0, -2).T @ x.flatten(0, -2) if ctx.needs_input_grad[2] else None
        return None, dx, dw


class _Through(torch.autograd.Function):
    """A fast forward; `back(dy, *inputs)` gives the gradients of all inputs."""

    @staticmethod
    def forward(ctx, fast: Callable, back: Callable, *inputs: torch.Tensor) -> torch.Tensor:
        ctx.back = back
        ctx.save_for_backward(*inputs)
        return fast(*inputs)

    @staticmethod
    def backward(ctx, dy: torch.Tensor):
        return None, None, *ctx.back(dy, *ctx.saved_tensors)


def anew(plain: Callable) -> Callable:
    """The gradients of the plain form, computed anew from the inputs."""

    def back(dy: torch.Tensor, *inputs: torch.Tensor) -> Iterator[torch.Tensor]:
        with torch.enable_grad():
            known = [t.detach().requires_grad_(t.is_floating_point()) for t in inputs]
            y = plain(*known)
        return torch.autograd.grad(y, known, dy)

    return back


def stretches(n: int, window: int) -> Iterator[tuple[slice, slice]]:
    """Queries of a step through attention, and the keys that they see."""
    for i in range(0, n, STRETCH):
        end = min(n, i + STRETCH)
        yield slice(i, end), slice(max(0, i - window + 1), end)


def grouped(x: torch.Tensor, groups: int) -> torch.Tensor:
    """[B, N, H, ...] as [B, G, N, H / G, ...]."""
    return x.unflatten(2, (groups, -1)).transpose(1, 2)


class _Window(torch.autograd.Function):
    """Attention of whole sequences; backward by stretches of queries, each beside the keys that it sees."""

    @staticmethod
    def forward(ctx, fast: Callable, back: Callable, sizes: tuple[int, int], qkv: torch.Tensor, sink: torch.Tensor) -> torch.Tensor:
        ctx.back, ctx.sizes = back, sizes
        y, logs = fast(qkv, sink)
        ctx.save_for_backward(qkv, sink, y, logs)
        return y

    @staticmethod
    def backward(ctx, dy: torch.Tensor):
        return None, None, None, *_window_back(dy, ctx.saved_tensors, ctx.back, *ctx.sizes)


def _window_back(dy, saved: tuple, back: Callable, heads: int, window: int) -> tuple[torch.Tensor, torch.Tensor | None]:
    """p = e^(q k - log of the sum); dv = p dy; ds = p (dy v - dy y); dq = ds k; dk = ds q (Dao, arXiv 2205.14135, appendix B)."""
    qkv_BNJK, sink_GK, y, logs_BNH = saved
    (b, n, j, width), dtype = qkv_BNJK.shape, qkv_BNJK.dtype
    groups, grad = (j - heads) // 2, torch.empty_like(qkv_BNJK)
    share = heads // groups
    q, (k, v) = grouped(qkv_BNJK[:, :, :heads], groups), qkv_BNJK[:, :, heads:].transpose(1, 2).split(groups, 1)
    dy, y = dy.unflatten(-1, (heads, width)), y.unflatten(-1, (heads, width))
    pull, logs, dy = (grouped(x, groups) for x in ((dy * y).float().sum(-1), logs_BNH, dy))
    dk, dv = torch.zeros_like(k, dtype=torch.float32), torch.zeros_like(v, dtype=torch.float32)
    dsink = None if sink_GK is None else torch.zeros_like(sink_GK, dtype=torch.float32)
    for here, seen in stretches(n, window):
        qs, dys = (x[:, :, here].reshape(b * groups, -1, width) for x in (q, dy))
        ks, vs = (x[:, :, seen].reshape(b * groups, -1, width) for x in (k, v))
        pulled, log = (x[:, :, here].reshape(b * groups, -1, 1) for x in (pull, logs))
        p, ds = back(torch.bmm(qs, ks.mT), torch.bmm(dys, vs.mT), log, pulled, (share, here.start - seen.start, window, width**-0.5))
        dv[:, :, seen] += torch.bmm(p.mT, dys).unflatten(0, (b, groups))
        dk[:, :, seen] += torch.bmm(ds.mT, qs).unflatten(0, (b, groups))
        dq = torch.bmm(ds, ks)
        if sink_GK is not None:
            sinks = sink_GK.to(dtype).repeat(b, 1)[:, :, None]
            down = torch.bmm(qs, sinks).float().mul_(width**-0.5).sub_(log).exp_().mul_(-pulled).mul_(width**-0.5)
            dq += down.to(dtype) * sinks.mT
            dsink += torch.bmm(qs.mT.float(), down).view(b, groups, width).sum(0)
        grad[:, here, :heads] = dq.view(b, groups, -1, share, width).transpose(1, 2).flatten(2, 3)
    grad[:, :, heads:] = torch.cat([dk, dv], 1).transpose(1, 2)
    return grad, dsink


def _wanted(*inputs: torch.Tensor) -> bool:
    return torch.is_grad_enabled() and any(t.requires_grad for t in inputs)


def through_product(product: Callable, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """product(x [..., in], weight [out, in]) of one dtype, with its gradient."""
    return _Product.apply(product, x, weight) if _wanted(x, weight) else product(x, weight)


def through(fast: Callable, back: Callable, *inputs: torch.Tensor) -> torch.Tensor:
    """fast(*inputs) with the gradients that back(dy, *inputs) gives, such as `anew` of the plain form."""
    return _Through.apply(fast, back, *inputs) if _wanted(*inputs) else fast(*inputs)


def through_window(
    fast: Callable, back: Callable, heads: int, window: int, qkv: torch.Tensor, sink: torch.Tensor | None
) -> torch.Tensor:
    """The first of fast(qkv, sink), which gives attention's result and the logarithms of its sums; see `reference.window_attention`.

    `back` makes of a stretch's scores and the gradients of its weights the weights and the gradients of its scores.
    """
    wanted = _wanted(qkv) or (sink is not None and _wanted(sink))
    return _Window.apply(fast, back, (heads, window), qkv, sink) if wanted else fast(qkv, sink)[0]


def through_experts(fast: Callable, x: torch.Tensor, expert: torch.Tensor, gate: torch.Tensor, gate_up: Weight, down: Weight) -> torch.Tensor:
    """fast(x, expert, gate, gate_up, down) as `reference.experts`, with its gradient; int8 weights have none."""
    if not isinstance(gate_up, Int8):
        gate_up, down = (weight if weight.dtype == x.dtype else weight.to(x.dtype) for weight in (gate_up, down))
    if isinstance(gate_up, Int8) or not _wanted(x, gate, gate_up, down):
        return fast(x, expert, gate, gate_up, down)
    return through(
        lambda x, gate, gu, d: fast(x, expert, gate, gu, d),
        anew(lambda x, gate, gu, d: reference.experts(x, expert, gate, gu, d)), x, gate, gate_up, down,
    )  # fmt: skip
