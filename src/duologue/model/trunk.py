"""The trunk: a Qwen3 decoder (RMSNorm, QK-norm, grouped-query attention, SwiGLU, RoPE), weight for weight.

Source: Qwen3 technical report, arXiv 2505.09388, and its `transformers` implementation, against which it is tested.
What differs: RoPE positions come from time, a sliding window, and a learned sink key a head with value zero (off: Qwen3
exactly), so that attention can rest on nothing when the first positions have left the ring.
Read `Trunk.forward` (whole sequences, for training) and `Trunk.extend` (positions appended to a ring) first.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from duologue.config import Config
from duologue.kernels import reference as ops
from duologue.model.moe import Experts

CAPACITY = 1024  # places in a ring; constant, so that every turn has the same shapes and equal bits
RING, SINK, BIN = CAPACITY - 2, CAPACITY - 2, CAPACITY - 1  # positions held; the sink; a bin for padding rows


class Linear(nn.Linear):
    """No bias; computes in the dtype of its input, keeps its weight in its own."""

    def __init__(self, wide_in: int, wide_out: int):
        super().__init__(wide_in, wide_out, bias=False)
        self.packed = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return ops.linear(x, self.weight, self.packed)

    def settle(self, dtype: torch.dtype) -> None:
        """For inference: the weight is kept in the dtype that it computes in, and laid out for few rows."""
        self.weight.data = self.weight.data.to(dtype)
        self.packed = ops.pack(self.weight)


class Norm(nn.Module):
    """RMSNorm in fp32."""

    def __init__(self, width: int, eps: float = 1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x.float(), self.weight.shape, self.weight.float(), self.eps)


def rope(time_BN: torch.Tensor, head_width: int, base: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosine and sine [B, 1, N, K] of integer positions; angles in fp64, since a day has 7 million positions."""
    rates = base ** (-torch.arange(0, head_width, 2, dtype=torch.float64, device=time_BN.device) / head_width)
    angles = time_BN[:, None, :, None].double() * rates
    return torch.cat([angles.cos()] * 2, -1).float(), torch.cat([angles.sin()] * 2, -1).float()


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    left, right = x.chunk(2, -1)
    return x * cos + torch.cat([-right, left], -1) * sin


class Cache:
    """The state of B sessions in the trunk: keys and values [B, G, CAPACITY, K] of each layer, and what lies where."""

    def __init__(self, k: list[torch.Tensor], v: list[torch.Tensor]):
        self.k, self.v = k, v
        rows = len(k[0])
        self.held_BC = torch.full((rows, CAPACITY), -1, dtype=torch.int64, device=k[0].device)
        self.count_B = torch.zeros(rows, dtype=torch.int64, device=k[0].device)

    def place(self, valid_BN: torch.Tensor, window: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Makes room for new positions. Returns their places [B, N] and what each may see [B, N, CAPACITY]."""
        order_BN = self.count_B[:, None] + valid_BN.long().cumsum(1) - 1
        place_BN = torch.where(valid_BN, order_BN % RING, BIN)
        self.held_BC.scatter_(1, place_BN, torch.where(valid_BN, order_BN, -1))
        self.held_BC[:, BIN] = -1
        self.count_B += valid_BN.sum(1)
        held, order = self.held_BC[:, None], order_BN[..., None]
        return place_BN, (held >= 0) & (held <= order) & (held > order - window)

    def write(self, layer: int, place_BN: torch.Tensor, k: torch.Tensor, v: torch.Tensor):
        """Puts keys and values [B, G, N, K] in their places; in place when no gradient is wanted."""
        index = place_BN[:, None, :, None].expand_as(k)
        if torch.is_grad_enabled():
            self.k[layer], self.v[layer] = self.k[layer].scatter(2, index, k), self.v[layer].scatter(2, index, v)
        else:
            self.k[layer].scatter_(2, index, k)
            self.v[layer].scatter_(2, index, v)
        return self.k[layer], self.v[layer]


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

    def project(self, x: torch.Tensor, turned: tuple) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Queries [B,H,N,K], keys and values [B,G,N,K], normalised and rotated."""
        b, n, _ = x.shape
        q = self.q_norm(self.q_proj(x).view(b, n, self.heads, self.width)).transpose(1, 2)
        k = self.k_norm(self.k_proj(x).view(b, n, self.groups, self.width)).transpose(1, 2)
        v = self.v_proj(x).view(b, n, self.groups, self.width).transpose(1, 2)
        return rotate(q, *turned).to(x.dtype), rotate(k, *turned).to(x.dtype), v

    def merge(self, y: torch.Tensor) -> torch.Tensor:
        b, _, n, _ = y.shape
        return self.o_proj(y.transpose(1, 2).reshape(b, n, -1))

    def forward(self, x: torch.Tensor, turned: tuple, mask_NM: torch.Tensor) -> torch.Tensor:
        q, k, v = self.project(x, turned)
        if self.sink is not None:
            sink = self.sink.to(k.dtype)[None, :, None].expand(len(k), -1, 1, -1)
            k, v = torch.cat([sink, k], 2), torch.cat([torch.zeros_like(sink), v], 2)
        return self.merge(ops.causal_attention(q, k, v, mask_NM))

    def extend(self, x: torch.Tensor, turned: tuple, write, sees: torch.Tensor) -> torch.Tensor:
        """`write` puts new keys and values into this layer's ring and returns the ring."""
        q, k, v = self.project(x, turned)
        return self.merge(ops.ring_attention(q, *write(k, v), sees))


class GatedMLP(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.gate_proj = Linear(config.width, config.hidden)
        self.up_proj = Linear(config.width, config.hidden)
        self.down_proj = Linear(config.hidden, config.width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.input_layernorm = Norm(config.width, config.norm_eps)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = Norm(config.width, config.norm_eps)
        self.mlp = Experts(config) if config.experts else GatedMLP(config)

    def forward(self, x: torch.Tensor, attend, dtype: torch.dtype) -> torch.Tensor:
        """`attend` is the attention in whichever form; the residual stream stays fp32."""
        x = x + attend(self.self_attn, self.input_layernorm(x).to(dtype)).float()
        return x + self.mlp(self.post_attention_layernorm(x).to(dtype)).float()


class Trunk(nn.Module):
    """Blocks and a last norm. `dtype` is what the matrix products compute in."""

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = Norm(config.width, config.norm_eps)

    def turned(self, time_BN: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return rope(time_BN, self.config.head_width, self.config.rope_base)

    def forward(self, x_BND: torch.Tensor, time_BN: torch.Tensor, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Whole sequences from their beginning, in the fast form for pretraining. Returns fp32 [B, N, D]."""
        turned, mask = self.turned(time_BN), self.mask(x_BND.shape[1], dtype, x_BND.device)
        for layer in self.layers:
            x_BND = layer(x_BND, lambda attention, y: attention(y, turned, mask), dtype)
        return self.norm(x_BND)

    def mask(self, n: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
        """Zero where a position may look, minus infinity elsewhere; the first column is the sink."""
        i = torch.arange(n, device=device)
        hidden = (i[None] > i[:, None]) | (i[None] <= i[:, None] - self.config.window)
        mask = torch.zeros(n, n, dtype=dtype, device=device).masked_fill_(hidden, float("-inf"))
        return F.pad(mask, (1, 0)) if self.config.sink else mask

    def start(self, rows: int, dtype: torch.dtype) -> Cache:
        """An empty cache for `rows` sessions, with every layer's sink in its place."""
        c = self.config
        empty = torch.zeros(rows, c.kv_heads, CAPACITY, c.head_width, dtype=dtype, device=self.norm.weight.device)
        place = torch.full((rows, c.kv_heads, 1, c.head_width), SINK, device=empty.device)
        sinks = [layer.self_attn.sink for layer in self.layers] if c.sink else []
        k = [empty.scatter(2, place, s.to(dtype)[None, :, None].expand(rows, -1, 1, -1)) for s in sinks]
        return Cache(k or [empty.clone() for _ in self.layers], [empty.clone() for _ in self.layers])

    def extend(self, x_BND: torch.Tensor, time_BN: torch.Tensor, valid_BN: torch.Tensor, cache: Cache) -> torch.Tensor:
        """Appends positions to the sessions' rings; rows where `valid` is false change nothing. Returns fp32 [B, N, D].

        At most RING - window positions at once, so that no query loses a key it may still see.
        """
        assert x_BND.shape[1] <= RING - self.config.window, x_BND.shape
        turned, dtype = self.turned(time_BN), cache.k[0].dtype
        place_BN, sees = cache.place(valid_BN, self.config.window)
        sees[:, :, SINK] = self.config.sink
        for n, layer in enumerate(self.layers):
            write = partial(cache.write, n, place_BN)
            x_BND = layer(x_BND, lambda a, y, write=write: a.extend(y, turned, write, sees), dtype)
        return self.norm(x_BND)
