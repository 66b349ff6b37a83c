"""The trunk: a Qwen3 decoder (RMSNorm, QK-norm, grouped-query attention, SwiGLU, RoPE), weight for weight.

Source: Qwen3 technical report, arXiv 2505.09388, and its `transformers` implementation, against which it is tested.
What differs: RoPE positions come from time, a sliding window, and a learned sink key a head with value zero (off: Qwen3
exactly), so that attention can rest on nothing when the first positions have left the ring. With `eyes`, pictures' positions have
layers of their own, and all attend to one another: Mixture-of-Transformers (Liang et al., arXiv 2411.04996).
Read `Trunk.forward` (whole sequences, for training) and `Trunk.extend` (positions appended to a ring) first.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from duologue.config import Config
from duologue.kernels import reference
from duologue.kernels.fast import Layers
from duologue.kernels.ops import REFERENCE, Ops, best, training
from duologue.model.moe import Experts
from duologue.model.ring import CAPACITY, SPARE, Cache


class Linear(nn.Linear):
    """No bias; computes in the dtype of its input, keeps its weight in its own.

    Pretraining has many rows and computes with the reference; a live session has few. A trainer that wants the bits of a live
    session gives its model the same operations (`moe.use`).
    """

    ops: Ops = REFERENCE

    def __init__(self, wide_in: int, wide_out: int):
        super().__init__(wide_in, wide_out, bias=False)
        self.packed = None

    def forward(self, x: torch.Tensor, ops: Ops | None = None) -> torch.Tensor:
        return (ops or self.ops).linear(x, self.weight, self.packed)

    def panels(self, dtype: torch.dtype) -> torch.Tensor:
        """The weight as the C++ operations read it."""
        return (self.packed or self.ops.pack(self.weight.to(dtype))).weight

    def settle(self, dtype: torch.dtype, ops: Ops) -> None:
        """For inference: the weight is kept in the dtype that it computes in, and as the operations read it."""
        self.weight.data = self.weight.data.to(dtype)
        self.packed, self.ops = ops.pack(self.weight), ops


class Joined:
    """Several linears of one input as a single product: fewer calls, and the same sums in training as live.

    Not a module: the weights stay where Qwen3 has them.
    """

    def __init__(self, *parts: Linear):
        self.parts, self.weight, self.packed = parts, None, None

    def settle(self, ops: Ops) -> None:
        self.weight = torch.cat([part.weight for part in self.parts])
        self.packed = ops.pack(self.weight)

    def __call__(self, x: torch.Tensor, ops: Ops) -> torch.Tensor:
        weight = torch.cat([part.weight for part in self.parts]) if self.weight is None else self.weight
        return ops.linear(x, weight, self.packed)


class Norm(nn.Module):
    """RMSNorm in fp32."""

    def __init__(self, width: int, eps: float = 1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: torch.Tensor, ops: Ops = REFERENCE) -> torch.Tensor:
        return ops.norm(x.float(), self.weight.float(), self.eps)


def rope(time_BN: torch.Tensor, head_width: int, base: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosine and sine [B, N, 1, K] of integer positions, the sine's first half negated; angles in fp64, since a day has
    7 million positions."""
    rates = base ** (-torch.arange(0, head_width, 2, dtype=torch.float64, device=time_BN.device) / head_width)
    angles = time_BN[:, :, None, None] * torch.cat([-rates, rates])
    return angles.cos().float(), angles.sin().float()


class Attention(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.heads, self.groups, self.width = config.heads, config.kv_heads, config.head_width
        self.q_proj = Linear(config.width, self.heads * self.width)
        self.k_proj = Linear(config.width, self.groups * self.width)
        self.v_proj = Linear(config.width, self.groups * self.width)
        self.o_proj = Linear(self.heads * self.width, config.width)
        self.q_norm, self.k_norm = Norm(self.width, config.norm_eps), Norm(self.width, config.norm_eps)
        self.sink = nn.Parameter(torch.zeros(self.groups, self.width)) if config.sink else None
        self.joined, self.settled = Joined(self.q_proj, self.k_proj, self.v_proj), None

    def heard(self, x: torch.Tensor, turned: tuple, ops: Ops) -> torch.Tensor:
        """Queries, keys, values [B, N, H + 2 G, K] of positions, all but the values normalised and rotated."""
        y_BNJK = self.joined(x, ops).unflatten(-1, (-1, self.width))
        return ops.turned(y_BNJK, self.scales(), self.q_norm.eps, *turned)

    def settle(self, ops: Ops) -> None:
        self.joined.settle(ops)
        self.settled = self.scales().detach()

    def scales(self) -> torch.Tensor:
        """Weights of the norms of all queries, then of all keys [H + G, K]."""
        if self.settled is not None:
            return self.settled
        return torch.cat([self.q_norm.weight.expand(self.heads, -1), self.k_norm.weight.expand(self.groups, -1)])


class GatedMLP(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.gate_proj = Linear(config.width, config.hidden)
        self.up_proj = Linear(config.width, config.hidden)
        self.down_proj = Linear(config.hidden, config.width)
        self.joined = Joined(self.gate_proj, self.up_proj)

    def settle(self, ops: Ops) -> None:
        self.joined.settle(ops)

    def forward(self, x: torch.Tensor, ops: Ops) -> torch.Tensor:
        return self.down_proj(ops.gated(self.joined(x, ops)), ops)


class Block(nn.Module):
    """One layer: each position by itself up to the attention (`begun`) and from there on (`ended`); the residual stream stays fp32."""

    def __init__(self, config: Config):
        super().__init__()
        self.input_layernorm = Norm(config.width, config.norm_eps)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = Norm(config.width, config.norm_eps)
        self.mlp = Experts(config) if config.experts else GatedMLP(config)

    def begun(self, x: torch.Tensor, turned: tuple, dtype: torch.dtype, ops: Ops) -> torch.Tensor:
        """Queries, keys, values [B, N, H + 2 G, K]."""
        return self.self_attn.heard(self.input_layernorm(x, ops).to(dtype), turned, ops)

    def ended(self, x: torch.Tensor, attended: torch.Tensor, ops: Ops) -> torch.Tensor:
        x = x + self.self_attn.o_proj(attended, ops)
        return x + self.mlp(self.post_attention_layernorm(x, ops).to(attended.dtype), ops)

    def parts(self) -> tuple[torch.Tensor, ...]:
        """What one of `fast.Layers` is made of."""
        attention, mlp = self.self_attn, self.mlp
        panels = [p.packed.weight for p in (attention.joined, attention.o_proj, mlp.joined, mlp.down_proj)]
        first, second = (norm.weight.detach() for norm in (self.input_layernorm, self.post_attention_layernorm))
        return first, panels[0], attention.settled, panels[1], second, *panels[2:]


class Apart:
    """Positions of two kinds: pictures' go through other layers than the rest, and the attention puts them together."""

    def __init__(self, seen_R: torch.Tensor, shape: torch.Size):
        seen = torch.zeros(shape, dtype=torch.bool, device=seen_R.device).flatten()
        self.order = (seen.index_fill_(0, seen_R, True)).long().argsort(stable=True)
        self.back, self.shape, self.sizes = self.order.argsort(), shape, [len(seen) - len(seen_R), len(seen_R)]

    def parts(self, x_BN: torch.Tensor) -> list[torch.Tensor]:
        """[B, N, ...] to [1, rest, ...] and [1, seen, ...]."""
        return list(x_BN.flatten(0, 1).index_select(0, self.order)[None].split(self.sizes, 1))

    def whole(self, parts: list[torch.Tensor]) -> torch.Tensor:
        return torch.cat(parts, 1)[0].index_select(0, self.back).unflatten(0, self.shape)


class Trunk(nn.Module):
    """Blocks and a last norm. `dtype` is what the matrix products compute in, `ops` if None the best of the device, in training for many rows.
    `capacity`: places in its rings; `eyes`: pictures' positions have blocks of their own."""

    ops: Ops | None = None

    def __init__(self, config: Config, capacity: int = CAPACITY, eyes: bool = False):
        super().__init__()
        self.config, self.capacity = config, capacity
        self.layers = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.eyes = nn.ModuleList(Block(replace(config, sink=False)) for _ in range(config.layers if eyes else 0))
        self.norm = Norm(config.width, config.norm_eps)
        self.settled: dict[nn.ModuleList, Layers] = {}

    def settle(self, ops: Ops) -> None:
        """For inference, after the linears have settled."""
        self.ops, c = ops, self.config
        if ops.layers and not c.experts and c.head_width % 32 == c.hidden % 32 == 0:
            self.settled = {stack: Layers([layer.parts() for layer in stack], c.hidden, c.norm_eps) for stack in (self.layers, self.eyes)}

    def turned(self, time_BN: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return rope(time_BN, self.config.head_width, self.config.rope_base)

    def forward(
        self, x_BND: torch.Tensor, time_BN: torch.Tensor, dtype: torch.dtype = torch.float32, seen_R: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Whole sequences from their beginning, for training; `seen_R` are flat indices of pictures' positions. Returns fp32 [B, N, D],
        with `exact` operations the bits of `extend`."""
        return self.looking(x_BND, time_BN, dtype, seen_R)[0]

    def looking(
        self, x_BND: torch.Tensor, time_BN: torch.Tensor, dtype: torch.dtype, seen_R: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The same, and what pictures' positions hold halfway through their layers [R, D]."""
        c, ring, ops = self.config, self.capacity - SPARE, self.chosen(x_BND)
        sinks = [layer.self_attn.sink for layer in self.layers]
        return self._through(x_BND, time_BN, seen_R, dtype, ops, lambda n, qkv: ops.window(qkv, c.heads, sinks[n], c.window, ring))

    def _through(
        self, x: torch.Tensor, time: torch.Tensor, seen_R: torch.Tensor | None, dtype: torch.dtype, ops: Ops, attend: Callable
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """All layers and the norm, and pictures' positions [R, D] halfway, where there are other ones beside them. `attend`: a layer's number, queries, keys and values to what the positions have attended to [B, N, H K]."""
        if (stack := self._stack(seen_R, time)) is not None:
            turned = self.turned(time)
            for n, layer in enumerate(stack):
                x = layer.ended(x, attend(n, layer.begun(x, turned, dtype, ops)), ops)
            return self.norm(x), None
        apart, halfway = Apart(seen_R, time.shape), None
        xs, turned = apart.parts(x), [self.turned(part) for part in apart.parts(time)]
        for n, both in enumerate(zip(self.layers, self.eyes, strict=True)):
            begun = [layer.begun(x, t, dtype, ops) for layer, x, t in zip(both, xs, turned, strict=True)]
            attended = apart.parts(attend(n, apart.whole(begun)))
            xs = [layer.ended(x, y, ops) for layer, x, y in zip(both, xs, attended, strict=True)]
            halfway = xs[1] if n == len(self.eyes) // 2 else halfway
        return self.norm(apart.whole(xs)), halfway[0]

    def _stack(self, seen_R: torch.Tensor | None, time_BN: torch.Tensor) -> nn.ModuleList | None:
        """The layers that all these positions go through; None where some are pictures' and some are not."""
        seen = 0 if seen_R is None or not self.eyes else len(seen_R)
        return None if 0 < seen < time_BN.numel() else self.eyes if seen else self.layers

    def chosen(self, x: torch.Tensor) -> Ops:
        return self.ops or (training if self.training else best)(x.device.type)

    def start(self, rows: int, dtype: torch.dtype) -> Cache:
        """An empty cache for `rows` sessions, with every layer's sink in its place."""
        c, device = self.config, self.norm.weight.device
        ring = torch.zeros(c.layers, rows, self.capacity, 2 * c.kv_heads, c.head_width, dtype=dtype, device=device)
        if c.sink:
            sinks_LGK = torch.stack([layer.self_attn.sink for layer in self.layers])
            ring[:, :, self.capacity - SPARE, : c.kv_heads] = sinks_LGK[:, None].to(dtype)
        return Cache(ring, torch.zeros(rows, dtype=torch.int64, device=device))

    def extend(
        self, x_BND: torch.Tensor, time_BN: torch.Tensor, valid_BN: torch.Tensor, cache: Cache, seen_R: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Appends positions to the sessions' rings; rows where `valid` is false change nothing. Returns fp32 [B, N, D].

        At most as many positions at once as the ring has beyond the window, so that no query loses a key it may still see.
        """
        c = self.config
        assert x_BND.shape[1] <= self.capacity - SPARE - c.window, x_BND.shape
        place_R, bias = cache.place(valid_BN, c.window, c.sink)
        mask, ops = reference.spread(bias, c.heads // c.kv_heads), self.chosen(x_BND)
        known = self.settled.get(self._stack(seen_R, time_BN))
        if known and ops.layers and not torch.is_grad_enabled():
            return self.norm(ops.layers(known, x_BND, self.turned(time_BN), (cache.ring_LBCGK, place_R, cache.rows_B), mask))

        def attend(n: int, qkv: torch.Tensor) -> torch.Tensor:
            q, kv = qkv.tensor_split([c.heads], 2)
            ring, rows = cache.write(n, place_R, kv)
            return ops.attention(q, ring, mask, rows)

        return self._through(x_BND, time_BN, seen_R, mask.dtype, ops, attend)[0]
