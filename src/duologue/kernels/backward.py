"""Gradients for operations that torch does not know. They are plain torch: a backward pass need not be invariant."""

from collections.abc import Callable

import torch

from duologue.kernels import reference
from duologue.kernels.reference import Int8, Weight


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


class _Anew(torch.autograd.Function):
    """A fast forward with the plain form's backward, computed anew from the inputs."""

    @staticmethod
    def forward(ctx, fast: Callable, plain: Callable, *inputs: torch.Tensor) -> torch.Tensor:
        ctx.plain = plain
        ctx.save_for_backward(*inputs)
        return fast(*inputs)

    @staticmethod
    def backward(ctx, dy: torch.Tensor):
        wanted = ctx.needs_input_grad[2:]
        inputs = [t.detach().requires_grad_(w) for t, w in zip(ctx.saved_tensors, wanted, strict=True)]
        with torch.enable_grad():
            y = ctx.plain(*inputs)
        grads = iter(torch.autograd.grad(y, [t for t in inputs if t.requires_grad], dy))
        return None, None, *(next(grads) if w else None for w in wanted)


def _wanted(*inputs: torch.Tensor) -> bool:
    return torch.is_grad_enabled() and any(t.requires_grad for t in inputs)


def through_product(product: Callable, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """product(x [..., in], weight [out, in]) of one dtype, with its gradient."""
    return _Product.apply(product, x, weight) if _wanted(x, weight) else product(x, weight)


def through(fast: Callable, plain: Callable, *inputs: torch.Tensor) -> torch.Tensor:
    """fast(*inputs) with the gradient of plain(*inputs)."""
    return _Anew.apply(fast, plain, *inputs) if _wanted(*inputs) else fast(*inputs)


def through_experts(fast: Callable, x: torch.Tensor, expert: torch.Tensor, gate: torch.Tensor, gate_up: Weight, down: Weight) -> torch.Tensor:
    """fast(x, expert, gate, gate_up, down) as `reference.experts`, with its gradient; int8 weights have none."""
    if isinstance(gate_up, Int8):
        return fast(x, expert, gate, gate_up, down)
    return through(
        lambda x, gate, gu, d: fast(x, expert, gate, gu, d),
        lambda x, gate, gu, d: reference.experts(x, expert, gate, gu, d),
        x, gate, gate_up.to(x.dtype), down.to(x.dtype),
    )  # fmt: skip
