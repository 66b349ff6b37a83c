"""The meaning of every operation in plain PyTorch, in forms whose bits do not depend on who shares the batch.

Measured on AVX512-BF16 CPUs: a matrix product's rows have equal bits for every row count in bf16, and from four rows
up in fp32 with one thread; scaled_dot_product_attention over a cache of constant capacity from four query rows up.
So `linear` pads fewer rows to four, and `ring_attention` is only ever called on rings of one capacity.
"""

import torch
import torch.nn.functional as F

MIN_ROWS = 4


def linear(x: torch.Tensor, weight: torch.Tensor, packed: torch.Tensor | None = None) -> torch.Tensor:
    """x [..., in] times weight [out, in] in x's dtype; never fewer than MIN_ROWS rows reach the kernel.

    `packed` is the same weight from `pack`: equal bits (tested), and at few rows not reordered anew at each call.
    """
    rows = x.reshape(-1, x.shape[-1])
    short = MIN_ROWS - len(rows)
    if short > 0:
        rows = torch.cat([rows, rows.new_zeros(short, rows.shape[-1])])
    if packed is not None and not torch.is_grad_enabled():
        y = torch.ops.mkldnn._linear_pointwise(rows, packed, None, "none", [], "")
    else:
        y = F.linear(rows, weight.to(x.dtype))
    return (y[:-short] if short > 0 else y).reshape(*x.shape[:-1], weight.shape[0])


def pack(weight: torch.Tensor) -> torch.Tensor | None:
    """A bf16 weight laid out for the CPU's product of a few rows; None where there is no such layout."""
    if weight.dtype != torch.bfloat16 or weight.device.type != "cpu" or not hasattr(torch.ops.mkldnn, "_reorder_linear_weight"):
        return None
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach(), MIN_ROWS)


def causal_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask_NM: torch.Tensor) -> torch.Tensor:
    """The fast form for pretraining. q [B,H,N,K]; k, v [B,G,M,K]; mask [N,M] added to the scores. Returns [B,H,N,K].

    Two batched products and a softmax: on the CPU this is twice as fast forward and backward as the fused kernel.
    """
    b, h, n, width = q.shape
    groups = k.shape[1]
    q = q.reshape(b * groups, (h // groups) * n, width)
    k, v = k.flatten(0, 1), v.flatten(0, 1)
    bias = mask_NM.repeat(h // groups, 1).expand(b * groups, -1, -1)
    weights = torch.softmax(torch.baddbmm(bias, q, k.transpose(1, 2), alpha=width**-0.5), -1)
    return torch.bmm(weights, v).reshape(b, h, n, width)


def ring_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask_BNC: torch.Tensor) -> torch.Tensor:
    """The form of the engine, of alignment and of reinforcement learning: a cache of constant capacity C.

    q [B,H,N,K]; k, v [B,G,C,K]; mask [B,N,C] true where a query may look. The heads of a group become rows.
    """
    b, h, n, width = q.shape
    groups = k.shape[1]
    short = max(0, MIN_ROWS - n)
    if short:
        q = torch.cat([q, q.new_zeros(b, h, short, width)], 2)
        mask_BNC = torch.cat([mask_BNC, mask_BNC[:, -1:].expand(-1, short, -1)], 1)
    rows = q.reshape(b, groups, (h // groups) * (n + short), width)
    mask = mask_BNC.repeat(1, h // groups, 1)[:, None]
    out = F.scaled_dot_product_attention(rows, k, v, attn_mask=mask)
    return out.reshape(b, h, n + short, width)[:, :, :n]
