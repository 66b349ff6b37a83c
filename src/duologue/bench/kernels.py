"""`duologue bench kernels`: every operation in C++ against the reference, torch's own and naive forms, by rows. Read `kernels`.

All forms of a case take turns within one run, so that a busy machine slows them alike. Bytes are what must be read at least
once (weights that are used, keys and values), against the memory's speed measured in the same run. The last cases are the whole
trunk, live and in a training step; there `torch` is the fastest form of plain PyTorch, which
promises nothing about bits, and `reference` goes over a ring.
"""

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F

from duologue.bench.figures import Figures, machine
from duologue.config import nano
from duologue.errors import ConfigError
from duologue.kernels import build, fast, reference
from duologue.kernels.ops import REFERENCE, Ops, best, fast_dtype
from duologue.kernels.reference import Int8, Reordered, Weight
from duologue.model.interaction import InteractionModel
from duologue.model.moe import use
from duologue.model.trunk import CAPACITY, Cache

ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
COUNTS = (*range(1, 33), 64, 128, 256)  # numbers of rows whose first row must have the same bits
FEW = 32  # rows up to which naive forms are asked
MOST_COPIED = 1 << 27  # bytes of experts that the naive form, which copies them, is asked for
SLOW_S = 0.1  # a form that takes longer is not asked with more rows, where torch multiplies bf16 without the CPU's help
ROUNDS, ROUND_S = 7, 2e-3
FORMS = ("ours", "reference", "torch", "naive")
BEYOND_CACHE = 1 << 26  # numbers that no cache holds

Call = Callable[[int], torch.Tensor]  # rows -> result, a line for each row


def _free_linear(x: torch.Tensor, weight: torch.Tensor, packed: Reordered | None = None) -> torch.Tensor:
    if packed is None or torch.is_grad_enabled():
        return F.linear(x, weight.to(x.dtype))
    return torch.ops.mkldnn._linear_pointwise(x, packed.weight, None, "none", [], "")


def _free_attention(q: torch.Tensor, ring: torch.Tensor, mask_B1RC: torch.Tensor, rows: torch.Tensor | None) -> torch.Tensor:
    """No row is padded; the heads of a group share the first's line of the mask, which is the same."""
    ring = ring if rows is None else ring[rows]
    (n, h), groups = q.shape[1:3], ring.shape[2] // 2
    k, v = ring.transpose(1, 2).split(groups, 1)
    mask = mask_B1RC[:, :, : n * h // groups : h // groups]
    return F.scaled_dot_product_attention(q.transpose(1, 2), k, v, mask, enable_gqa=True).transpose(1, 2).flatten(2)


FREE = Ops(
    name="free", pack=reference.pack, linear=_free_linear, norm=lambda x, weight, eps: F.rms_norm(x, x.shape[-1:], None, eps) * weight,
    turned=reference.turned, gated=reference.gated, attention=_free_attention, window=reference.window_attention,
    exact=False, experts=reference.experts,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """One operation at one size, in some of FORMS. `bytes_of` says what a number of rows must read."""

    name: str
    forms: dict[str, Call]
    bytes_of: Callable[[int], int]
    rows: tuple[int, ...] = ()  # other than ROWS
    counts: tuple[int, ...] = ()  # other than COUNTS


def kernels(threads: tuple[int, ...] = (1, 2)) -> Figures:
    """Every case at every number of rows and threads. Raises ConfigError where the C++ operations cannot be built."""
    if build.library() is None:
        raise ConfigError("there is nothing to measure without the C++ operations: install g++ and run again")
    before, rows, speeds = torch.get_num_threads(), [], {}
    try:
        for count in threads:
            torch.set_num_threads(count)
            memory = memory_speed()
            speeds[f"GB/s, threads {count}"] = round(memory / 1e9, 1)
            rows += [{"threads": count} | row for case in cases() for row in _rows(case, memory)]
    finally:
        torch.set_num_threads(before)
    return Figures("operations: microseconds, and how many times longer other forms take", rows, draw, machine() | speeds)


def memory_speed() -> float:
    """Bytes a second that can be read from beyond the caches, the best of several."""
    block = torch.ones(BEYOND_CACHE)
    return block.nbytes / min(_seconds(lambda: build.library().total(block.data_ptr(), BEYOND_CACHE), 1) for _ in range(5))


def _rows(case: Case, memory: float) -> Iterator[dict]:
    asked = {name: _most(name, case) for name in case.forms}
    bits = " ".join(_equal(case.forms[name], case.counts or COUNTS, asked[name]) if name in asked else "-" for name in FORMS)
    for rows in case.rows or ROWS:
        timed = [name for name in case.forms if rows <= asked[name] or name == "ours"]
        times = _alternating([lambda form=case.forms[name], rows=rows: form(rows) for name in timed])
        taken = dict(zip(timed, times, strict=True))
        ours = taken.pop("ours")
        others = {f"{name} x": round(taken[name] / ours, 2) if name in taken else "" for name in FORMS[1:]}
        share = float(f"{case.bytes_of(rows) / ours / memory:.3g}")
        yield {"case": case.name, "rows": rows, "ours us": round(ours * 1e6, 1), **others, "of memory": share, "equal bits": bits}


def _most(name: str, case: Case) -> int:
    """How many rows a form is asked for: what it does in SLOW_S, naive ones a FEW, whole trunks all."""
    most, form = FEW if name == "naive" else ROWS[-1], case.forms[name]
    form(1)
    while not case.rows and most > 1 and _seconds(partial(form, max(1, most // 4)), 1) > SLOW_S / 4:
        most //= 4
    return most


def _equal(form: Call, counts: tuple[int, ...], most: int) -> str:
    """For how many of `counts` the first row has the bits that it has alone, of those that the form is asked for."""
    alone, counts = form(1)[:1], [count for count in counts if count <= most]
    return f"{sum(torch.equal(form(count)[:1], alone) for count in counts)}/{len(counts)}"


def _alternating(calls: list[Callable[[], object]]) -> list[float]:
    """Median seconds of each call, the calls taking turns."""
    repeats = [max(1, int(ROUND_S / _seconds(call, 1))) for call in calls]
    rounds = [[_seconds(call, count) for call, count in zip(calls, repeats, strict=True)] for _ in range(ROUNDS)]
    return np.median(rounds, 0).tolist()


def _seconds(call: Callable[[], object], repeats: int) -> float:
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - began) / repeats


def cases() -> Iterator[Case]:
    """Sizes of `nano` live, small experts, and a product and experts of which one row reads more than the caches hold."""
    c = nano()
    for dtype in (torch.bfloat16, torch.float32):
        yield _linear(c.width, 2 * c.hidden, dtype)
        yield _linear(c.hidden, c.width, dtype)
        yield _linear(4096, 8192, dtype)  # beyond most caches
        yield _attention(dtype)
    yield _norm()
    for dtype in (torch.bfloat16, torch.float32, torch.int8):
        yield _experts(32, 4, 256, 256, dtype)
        yield _experts(16, 2, 384, 512, dtype)
        yield _experts(8, 2, 2048, 4096, dtype)
    yield from _whole()


def _name(dtype: torch.dtype) -> str:
    return {torch.bfloat16: "bf16", torch.float32: "fp32", torch.int8: "int8"}[dtype]


def _linear(wide_in: int, wide_out: int, dtype: torch.dtype) -> Case:
    torch.manual_seed(0)
    x, weight = torch.randn(ROWS[-1], wide_in).to(dtype), torch.randn(wide_out, wide_in).to(dtype)
    packed, panels = reference.pack(weight), fast.pack(weight)
    forms = {
        "ours": lambda r: fast.linear(x[:r], weight, panels),
        "reference": lambda r: reference.linear(x[:r], weight, packed),
        "torch": lambda r: F.linear(x[:r], weight),
        "naive": lambda r: torch.stack([(row * weight).sum(-1) for row in x[:r]]),
    }
    return Case(f"linear {wide_in}x{wide_out} {_name(dtype)}", forms, lambda r: weight.nbytes)


def _norm() -> Case:
    torch.manual_seed(0)
    x, weight = torch.randn(ROWS[-1], nano().width), torch.randn(nano().width)
    forms = {
        "ours": lambda r: fast.rms_norm(x[:r], weight, 1e-6),
        "reference": lambda r: reference.rms_norm(x[:r], weight, 1e-6),
        "torch": lambda r: F.rms_norm(x[:r], weight.shape, weight, 1e-6),
        "naive": lambda r: x[:r] * (x[:r].square().mean(-1, keepdim=True) + 1e-6).rsqrt() * weight,
    }
    return Case(f"norm {nano().width} fp32", forms, lambda r: weight.nbytes + x[:r].nbytes)


def _attention(dtype: torch.dtype) -> Case:
    """Positions of one session over its ring, each seeing the window."""
    c = nano()
    torch.manual_seed(0)
    q = torch.randn(1, ROWS[-1], c.heads, c.head_width).to(dtype)
    ring = torch.randn(1, CAPACITY, 2 * c.kv_heads, c.head_width).to(dtype)
    hidden = torch.full((1, ROWS[-1], CAPACITY), float("-inf"), dtype=dtype)
    hidden[:, :, 100 : 100 + c.window] = 0
    masks = {r: reference.spread(hidden[:, :r], c.heads // c.kv_heads) for r in {*COUNTS, *ROWS}}
    forms = {
        "ours": lambda r: fast.live_attention(q[:, :r], ring, masks[r])[0],
        "reference": lambda r: reference.live_attention(q[:, :r], ring, masks[r])[0],
        "torch": lambda r: _torch_attention(q[:, :r], ring, hidden[:, None, :r]),
        "naive": lambda r: _plain_attention(q[:, :r], ring, hidden[:, None, :r]),
    }
    return Case(f"attention ring {CAPACITY} {_name(dtype)}", forms, lambda r: ring.nbytes * c.window // CAPACITY)


def _torch_attention(q: torch.Tensor, ring: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    k, v = ring.transpose(1, 2).chunk(2, 1)
    y = F.scaled_dot_product_attention(q.transpose(1, 2), k, v, attn_mask=hidden, enable_gqa=True)
    return y.transpose(1, 2).flatten(2)[0]


def _plain_attention(q: torch.Tensor, ring: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    k, v = (t.repeat_interleave(q.shape[2] // t.shape[2], 2).transpose(1, 2) for t in ring.chunk(2, 2))
    weights = torch.softmax(q.transpose(1, 2) @ k.transpose(2, 3) * q.shape[-1] ** -0.5 + hidden, -1)
    return (weights @ v).transpose(1, 2).flatten(2)[0]


def _experts(count: int, chosen: int, width: int, hidden: int, dtype: torch.dtype) -> Case:
    """Rows choose at random."""
    torch.manual_seed(0)
    gate_up, down = torch.randn(count, 2 * hidden, width) * width**-0.5, torch.randn(count, width, hidden) * hidden**-0.5
    x = torch.randn(ROWS[-1], width).to(torch.float32 if dtype == torch.int8 else dtype)
    gate, expert = torch.rand(ROWS[-1], count).topk(chosen)
    weights = [reference.quantise(w) if dtype == torch.int8 else w.to(dtype) for w in (gate_up, down)]
    panels = fast.pack(fast.apart(weights[0])), fast.pack(weights[1])
    forms = {"ours": lambda r: fast.experts(x[:r], expert[:r], gate[:r], *weights, panels)}
    if dtype != torch.int8:
        forms["reference"] = lambda r: reference.experts(x[:r], expert[:r], gate[:r], *weights)
    if dtype != torch.int8 and sum(map(_bytes, weights)) < MOST_COPIED:
        forms["naive"] = lambda r: _copied(x[:r], expert[:r], gate[:r], *weights)
    size = sum(_bytes(w) for w in weights) // count
    return Case(f"experts {chosen}/{count} {width}x{hidden} {_name(dtype)}", forms, lambda r: size * len(expert[:r].unique()))


def _whole() -> Iterator[Case]:
    """The trunk in a turn of live sessions that speak, and in a training step on 512 positions of each: rows are sessions."""
    model, sets = InteractionModel(nano()), {"ours": best(), "reference": REFERENCE, "torch": FREE}
    settled = {name: copy.deepcopy(model).settle(torch.bfloat16, ops) for name, ops in sets.items()}
    caches = {r: model.trunk.start(r, torch.bfloat16) for r in (1, 2, 3, 4, 16)}
    forms = {name: lambda r, model=one: _turn(model, caches[r]) for name, one in settled.items()}
    size = sum(p.nbytes for p in settled["ours"].trunk.parameters())
    yield Case("trunk, live turn bf16", forms, lambda r: 4 * size, (1, 4, 16), tuple(caches))
    dtype = fast_dtype()
    steps = {name: lambda r, ops=ops: _step(use(model, ops), r, dtype, exact=ops is REFERENCE) for name, ops in sets.items()}
    size = 3 * sum(p.numel() for p in model.trunk.parameters()) * dtype.itemsize
    yield Case(f"trunk, training step {_name(dtype)}", steps, lambda r: size, (1, 4), (1, 2, 4))


@torch.no_grad()
def _turn(model: InteractionModel, cache: Cache) -> torch.Tensor:
    """The passes through the trunk of a first turn, as `stream.step` makes them: three positions, then one, one and one."""
    sessions = len(cache.count_B.zero_())
    for n in (3, 1, 1, 1):
        x, valid = torch.ones(sessions, n, model.config.width), torch.ones(sessions, n, dtype=torch.bool)
        hidden = model.trunk.extend(x, torch.arange(n).expand(sessions, -1), valid, cache)
    return hidden[:, -1]


def _step(model: InteractionModel, sessions: int, dtype: torch.dtype, exact: bool) -> torch.Tensor:
    """Forward and backward of the trunk; `exact` over a ring, for operations that have its bits in no other way."""
    torch.manual_seed(0)
    x, time = torch.randn(1, 512, model.config.width).expand(sessions, -1, -1), torch.arange(512).expand(sessions, -1)
    if exact:
        cache, valid = model.trunk.start(sessions, dtype), torch.ones(sessions, 256, dtype=torch.bool)
        hidden = torch.cat([model.trunk.extend(a, b, valid, cache) for a, b in zip(x.split(256, 1), time.split(256, 1), strict=True)], 1)
    else:
        hidden = model.trunk(x, time, dtype)
    hidden.square().sum().backward()
    model.zero_grad()
    return hidden.detach()[:, -1]


def _bytes(weight: Weight) -> int:
    return weight.values.nbytes + weight.scale.nbytes if isinstance(weight, Int8) else weight.nbytes


def _copied(x: torch.Tensor, expert: torch.Tensor, gate: torch.Tensor, gate_up: torch.Tensor, down: torch.Tensor) -> torch.Tensor:
    rows = x.repeat_interleave(expert.shape[1], 0)[..., None]
    left, right = torch.bmm(gate_up[expert.flatten()], rows).chunk(2, 1)
    y = torch.bmm(down[expert.flatten()], F.silu(left) * right)[..., 0]
    return (y.view(*expert.shape, -1).float() * gate[..., None]).sum(1)


def draw(axes, rows: list[dict]) -> None:
    """How many times faster than the reference, by rows, a line a case; one thread."""
    rows = [row for row in rows if row["threads"] == rows[0]["threads"] and row["reference x"]]
    for case in dict.fromkeys(row["case"] for row in rows):
        points = [(row["rows"], row["reference x"]) for row in rows if row["case"] == case]
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=case)
    axes.axhline(1, color="black", linewidth=0.5)
    axes.set(xscale="log", yscale="log", xlabel="rows", ylabel="time of the reference over ours")
    axes.legend(fontsize=6, frameon=False)
