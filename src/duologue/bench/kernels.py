"""`duologue bench kernels`: every operation of ours against the reference, torch's own and naive forms, by rows. Read `kernels`.

Ours are in C++ on a CPU, in Triton on a GPU. All forms of a case take turns within one run, so that a busy machine slows them alike. Bytes are what must be read at least
once (weights that are used, keys and values), against the memory's speed measured in the same run. The last cases are the whole
trunk, live and in a training step; there `torch` is the fastest form of plain PyTorch, which
promises nothing about bits, and `reference` goes over a ring.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F

from duologue.bench.figures import Figures, machine
from duologue.bench.timing import Place, as_it_is, on_cpu, on_gpu
from duologue.config import nano
from duologue.device import CPU, chosen
from duologue.kernels import fast, reference
from duologue.kernels.ops import CPP, REFERENCE, Ops, fast_dtype
from duologue.kernels.reference import Int8, Reordered, Weight
from duologue.model.interaction import InteractionModel
from duologue.model.moe import use
from duologue.model.ring import CAPACITY, Cache

ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
COUNTS = (*range(1, 33), 64, 128, 256)  # numbers of rows whose first row must have the same bits
FEW = 32  # rows up to which naive forms are asked
MOST_COPIED = 1 << 27  # bytes of experts that the naive form, which copies them, is asked for
SLOW_S = 0.1  # a form that takes longer is not asked with more rows, where torch multiplies bf16 without the CPU's help
ROUNDS, ROUND_S = 7, 2e-3
FORMS = ("ours", "reference", "torch", "naive")

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
    """One operation at one size, in some of FORMS. `bytes_of` says what a number of rows must read; `waits` are forms that ask the
    device for a value, so that no graph holds them: a GPU's time for them is that of their launches."""

    name: str
    forms: dict[str, Call]
    bytes_of: Callable[[int], int]
    rows: tuple[int, ...] = ()  # other than ROWS
    counts: tuple[int, ...] = ()  # other than COUNTS
    waits: tuple[str, ...] = ()


def kernels(threads: tuple[int, ...] = (1, 2), device: str = "cpu") -> Figures:
    """Every case at every number of rows, and on a CPU of threads. Raises ConfigError where ours cannot be built or run."""
    rows, about = _on_cpu(threads) if chosen(device) == CPU else _on_gpu(on_gpu(chosen(device)))
    return Figures("operations: microseconds, and how many times longer other forms take", rows, draw, machine() | about)


def _on_cpu(threads: tuple[int, ...]) -> tuple[list[dict], dict]:
    place, before, rows, speeds = on_cpu(), torch.get_num_threads(), [], {}
    try:
        for count in threads:
            torch.set_num_threads(count)
            memory = place.memory_speed()
            speeds[f"GB/s, threads {count}"] = round(memory / 1e9, 1)
            rows += [{"threads": count} | row for case in cases(place) for row in _rows(place, case, memory)]
    finally:
        torch.set_num_threads(before)
    return rows, speeds


def _on_gpu(place: Place) -> tuple[list[dict], dict]:
    memory = place.memory_speed()
    rows = [row for case in cases(place) for row in _rows(place, case, memory)]
    return rows, {"GPU": torch.cuda.get_device_name(place.device), "GB/s": round(memory / 1e9, 1)}


def _rows(place: Place, case: Case, memory: float) -> Iterator[dict]:
    asked = {name: _most(place, name, case) for name in case.forms}
    bits = " ".join(_equal(case.forms[name], case.counts or COUNTS, asked[name]) if name in asked else "-" for name in FORMS)
    for rows in case.rows or ROWS:
        timed = [name for name in case.forms if rows <= asked[name] or name == "ours"]
        times = _alternating(place, {name: partial(case.forms[name], rows) for name in timed}, case.waits)
        taken = dict(zip(timed, times, strict=True))
        ours = taken.pop("ours")
        others = {f"{name} x": round(taken[name] / ours, 2) if name in taken else "" for name in FORMS[1:]}
        share = float(f"{case.bytes_of(rows) / ours / memory:.3g}")
        yield {"case": case.name, "rows": rows, "ours us": round(ours * 1e6, 1), **others, "of memory": share, "equal bits": bits}


def _most(place: Place, name: str, case: Case) -> int:
    """How many rows a form is asked for: what a CPU does in SLOW_S, naive ones a FEW, whole trunks all."""
    most, form = FEW if name == "naive" else ROWS[-1], case.forms[name]
    form(1)
    while place.device == CPU and not case.rows and most > 1 and place.seconds(partial(form, max(1, most // 4)), 1) > SLOW_S / 4:
        most //= 4
    return most


def _equal(form: Call, counts: tuple[int, ...], most: int) -> str:
    """For how many of `counts` the first row has the bits that it has alone, of those that the form is asked for."""
    alone, counts = form(1)[:1], [count for count in counts if count <= most]
    return f"{sum(torch.equal(form(count)[:1], alone) for count in counts)}/{len(counts)}"


def _alternating(place: Place, forms: dict[str, Callable[[], object]], waits: tuple[str, ...] = ()) -> list[float]:
    """Median seconds of each form, the forms taking turns."""
    ready = [as_it_is(call) if name in waits else place.ready(call) for name, call in forms.items()]
    repeats = [max(1, int(ROUND_S / place.seconds(call, 1))) for call, _ in ready]
    rounds = [[place.seconds(call, n) / calls for (call, calls), n in zip(ready, repeats, strict=True)] for _ in range(ROUNDS)]
    return np.median(rounds, 0).tolist()


def cases(place: Place) -> Iterator[Case]:
    """Sizes of `nano` live, small experts, and a product and experts of which one row reads more than the caches hold."""
    c = nano()
    for dtype in (torch.bfloat16, torch.float32):
        yield _linear(place, c.width, 2 * c.hidden, dtype)
        yield _linear(place, c.hidden, c.width, dtype)
        yield _linear(place, 4096, 8192, dtype)  # beyond most caches
        yield _attention(place, dtype)
    yield _norm(place)
    for dtype in (torch.bfloat16, torch.float32, torch.int8):
        yield _experts(place, 32, 4, 256, 256, dtype)
        yield _experts(place, 16, 2, 384, 512, dtype)
        yield _experts(place, 8, 2, 2048, 4096, dtype)
    yield from _whole(place)


def _random(place: Place, *shape: int) -> torch.Tensor:
    return torch.randn(shape, device=place.device)


def _name(dtype: torch.dtype) -> str:
    return {torch.bfloat16: "bf16", torch.float32: "fp32", torch.int8: "int8"}[dtype]


def _linear(place: Place, wide_in: int, wide_out: int, dtype: torch.dtype) -> Case:
    torch.manual_seed(0)
    x, weight = _random(place, ROWS[-1], wide_in).to(dtype), _random(place, wide_out, wide_in).to(dtype)
    packed, panels = reference.pack(weight), place.ours.pack(weight)
    forms = {
        "ours": lambda r: place.ours.linear(x[:r], weight, panels),
        "reference": lambda r: reference.linear(x[:r], weight, packed),
        "torch": lambda r: F.linear(x[:r], weight),
        "naive": lambda r: torch.stack([(row * weight).sum(-1) for row in x[:r]]),
    }
    return Case(f"linear {wide_in}x{wide_out} {_name(dtype)}", forms, lambda r: weight.nbytes)


def _norm(place: Place) -> Case:
    torch.manual_seed(0)
    x, weight = _random(place, ROWS[-1], nano().width), _random(place, nano().width)
    forms = {
        "ours": lambda r: place.ours.norm(x[:r], weight, 1e-6),
        "reference": lambda r: reference.rms_norm(x[:r], weight, 1e-6),
        "torch": lambda r: F.rms_norm(x[:r], weight.shape, weight, 1e-6),
        "naive": lambda r: x[:r] * (x[:r].square().mean(-1, keepdim=True) + 1e-6).rsqrt() * weight,
    }
    return Case(f"norm {nano().width} fp32", forms, lambda r: weight.nbytes + x[:r].nbytes)


def _attention(place: Place, dtype: torch.dtype) -> Case:
    """Positions of one session over its ring, each seeing the window."""
    c = nano()
    torch.manual_seed(0)
    q = _random(place, 1, ROWS[-1], c.heads, c.head_width).to(dtype)
    ring = _random(place, 1, CAPACITY, 2 * c.kv_heads, c.head_width).to(dtype)
    hidden = torch.full((1, ROWS[-1], CAPACITY), float("-inf"), dtype=dtype, device=place.device)
    hidden[:, :, 100 : 100 + c.window] = 0
    masks = {r: reference.spread(hidden[:, :r], c.heads // c.kv_heads) for r in {*COUNTS, *ROWS}}
    forms = {
        "ours": lambda r: place.ours.attention(q[:, :r], ring, masks[r])[0],
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


def _experts(place: Place, count: int, chosen: int, width: int, hidden: int, dtype: torch.dtype) -> Case:
    """Rows choose at random."""
    torch.manual_seed(0)
    gate_up, down = _random(place, count, 2 * hidden, width) * width**-0.5, _random(place, count, width, hidden) * hidden**-0.5
    x = _random(place, ROWS[-1], width).to(torch.float32 if dtype == torch.int8 else dtype)
    gate, expert = torch.rand(ROWS[-1], count, device=place.device).topk(chosen)
    weights = [reference.quantise(w) if dtype == torch.int8 else w.to(dtype) for w in (gate_up, down)]
    panels = (fast.pack(fast.apart(weights[0])), fast.pack(weights[1])) if place.ours is CPP else None
    forms = {"ours": lambda r: place.ours.experts(x[:r], expert[:r], gate[:r], *weights, panels)}
    if dtype != torch.int8:
        forms["reference"] = lambda r: reference.experts(x[:r], expert[:r], gate[:r], *weights)
    if dtype != torch.int8 and sum(map(_bytes, weights)) < MOST_COPIED:
        forms["naive"] = lambda r: _copied(x[:r], expert[:r], gate[:r], *weights)
    size = sum(_bytes(w) for w in weights) // count
    return Case(f"experts {chosen}/{count} {width}x{hidden} {_name(dtype)}", forms, lambda r: size * len(expert[:r].unique()), waits=("reference",))


def _whole(place: Place) -> Iterator[Case]:
    """The trunk in a turn of live sessions that speak, and in a training step on 512 positions of each: rows are sessions."""
    model, sets = InteractionModel(nano()).to(place.device), {"ours": place.ours, "reference": REFERENCE, "torch": FREE}
    settled = {name: copy.deepcopy(model).settle(torch.bfloat16, ops) for name, ops in sets.items()}
    caches = {r: model.trunk.start(r, torch.bfloat16) for r in (1, 2, 3, 4, 16)}
    forms = {name: lambda r, model=one: _turn(model, caches[r]) for name, one in settled.items()}
    size = sum(p.nbytes for p in settled["ours"].trunk.parameters())
    yield Case("trunk, live turn bf16", forms, lambda r: 4 * size, (1, 4, 16), tuple(caches))
    dtype, ringed = fast_dtype(place.device.type), _ringed(sets.values())
    yield _training(f"trunk, training step {_name(dtype)}", model, sets, dtype, ringed)
    if place.ours in ringed:
        yield _training(f"trunk, training step {_name(dtype)}, no ring", model, sets, dtype, [])


def _training(name: str, model: InteractionModel, sets: dict[str, Ops], dtype: torch.dtype, ringed: list[Ops]) -> Case:
    steps = {form: lambda r, ops=ops: _step(use(model, ops), r, dtype, ops in ringed) for form, ops in sets.items()}
    size = 3 * sum(p.numel() for p in model.trunk.parameters()) * dtype.itemsize
    return Case(name, steps, lambda r: size, (1, 4), (1, 2, 4), tuple(steps))


def _ringed(sets: Iterable[Ops]) -> list[Ops]:
    """Those that have equal bits in training over a ring alone; FREE has them nowhere."""
    return [ops for ops in sets if not ops.exact and ops is not FREE]


@torch.no_grad()
def _turn(model: InteractionModel, cache: Cache) -> torch.Tensor:
    """The passes through the trunk of a first turn, as `stream.step` makes them: three positions, then one, one and one."""
    sessions, device = len(cache.count_B.zero_()), model.device
    for n in (3, 1, 1, 1):
        x = torch.ones(sessions, n, model.config.width, device=device)
        valid, time = torch.ones(sessions, n, dtype=torch.bool, device=device), torch.arange(n, device=device)
        hidden = model.trunk.extend(x, time.expand(sessions, -1), valid, cache)
    return hidden[:, -1]


def _step(model: InteractionModel, sessions: int, dtype: torch.dtype, ringed: bool) -> torch.Tensor:
    """Forward and backward of the trunk, over whole sequences or over a ring."""
    torch.manual_seed(0)
    device = model.device
    x = torch.randn(1, 512, model.config.width, device=device).expand(sessions, -1, -1)
    time = torch.arange(512, device=device).expand(sessions, -1)
    if ringed:
        cache, valid = model.trunk.start(sessions, dtype), torch.ones(sessions, 256, dtype=torch.bool, device=device)
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
    """How many times faster than the reference, by rows, a line a case; on a CPU with one thread."""
    rows = [row for row in rows if row.get("threads") == rows[0].get("threads") and row["reference x"]]
    for case in dict.fromkeys(row["case"] for row in rows):
        points = [(row["rows"], row["reference x"]) for row in rows if row["case"] == case]
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=case)
    axes.axhline(1, color="black", linewidth=0.5)
    axes.set(xscale="log", yscale="log", xlabel="rows", ylabel="time of the reference over ours")
    axes.legend(fontsize=6, frameon=False)
