"""`duologue train align`: live sessions, gone through again as the trainer does, must give equal bits. Read `align`.

The sampler is the settled model, a turn at a time; the trainer is the model with its weights as they are trained and the
sampler's operations, whole sessions at a time with gradients on. Compared are the log-probability of every decision, every
token, and the sound that the flow head drew.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product, zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from duologue import config
from duologue.engine.log import inputs
from duologue.engine.session import Session
from duologue.errors import DataError
from duologue.kernels.ops import best
from duologue.media import dmel, recording
from duologue.media.patches import to_patches
from duologue.media.text import Tokenizer
from duologue.model import checkpoint, stream
from duologue.model.batch import Batch, sound_before, stretches
from duologue.model.drawn import voice_noise
from duologue.model.flow import denormalise
from duologue.model.fuse import LOOK_BACK, OWN_LOOK_BACK
from duologue.model.heads import DECISION
from duologue.model.interaction import InteractionModel
from duologue.model.layout import AUDIO, CHANNELS, NOW, PHONED, TEXT, flatten
from duologue.model.moe import use
from duologue.model.state import start
from duologue.train.batches import collate
from duologue.train.windows import Window
from duologue.turn import PICTURE_HEIGHT, PICTURE_WIDTH, SAMPLES_PER_TURN, TurnIn, silence

TAIL = 25  # silent turns after a recording, for the answer
QUICK_TURNS = 12
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class Moment(NamedTuple):
    """One turn of one session, as the sampler met it and what it did."""

    levels_FM: np.ndarray
    lost_2: np.ndarray
    text: list[int]
    image: np.ndarray | None
    tokens_XC: np.ndarray
    speak: bool
    mel_FM: np.ndarray
    phones_VP: np.ndarray
    logprob: np.float32


class Traced(NamedTuple):
    """What is compared, for one session of T turns."""

    logprob_T: np.ndarray
    tokens_TXC: np.ndarray
    mel_TFM: np.ndarray
    phones_TVP: np.ndarray


@dataclass(frozen=True, slots=True)
class Way:
    """One way for the trainer to go through sessions."""

    name: str
    stretch: int | None  # positions appended at once; None: whole sessions
    alone: bool  # each session a batch of its own
    gradients: bool


WAYS = (
    Way("all in one batch, whole, gradients", None, False, True),
    Way("each alone, whole", None, True, False),
    Way("each alone, 61 positions at once", 61, True, False),
    Way("all in one batch, 7 positions at once", 7, False, False),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table."""

    model: str
    dtype: str
    threads: int
    way: str
    turns: int
    bits: int


def align(
    sessions: list[list[TurnIn]], models: dict[str, InteractionModel], threads: Iterable[int] = (1, 2)
) -> Iterator[Finding]:
    """Lives the sessions side by side and goes through them again in every way, for each model, dtype and thread count."""
    before = torch.get_num_threads()
    try:
        for (name, model), dtype, count in product(models.items(), DTYPES, threads):
            torch.set_num_threads(count)
            for way, turns, bits in _compared(model, sessions, DTYPES[dtype]):
                yield Finding(name, dtype, count, way, turns, bits)
    finally:
        torch.set_num_threads(before)


def _compared(model: InteractionModel, sessions: list[list[TurnIn]], dtype: torch.dtype) -> Iterator[tuple[str, int, int]]:
    """Way, turns, differing bits: the sampler against itself with other batch mates, then the trainer against it."""
    sampler = copy.deepcopy(model).settle(dtype)
    seeds = list(range(len(sessions)))
    lived = live(sampler, sessions, seeds, dtype)
    turns, wanted = sum(map(len, lived)), [traced(one) for one in lived]
    backwards = live(sampler, sessions[::-1], seeds[::-1], dtype)[::-1]
    yield "sampler, rows reversed", turns, differing(wanted, [traced(one) for one in backwards])
    alone = live(sampler, sessions[:1], seeds[:1], dtype)
    yield "sampler, first session alone", len(alone[0]), differing(wanted[:1], [traced(one) for one in alone])
    trainer = use(copy.deepcopy(model), best())
    for way in WAYS:
        yield way.name, turns, differing(wanted, gone_through(trainer, lived, dtype, way))


def differing(wanted: list[Traced], found: list[Traced]) -> int:
    """How many bits are not the same."""
    pairs = [(a, b) for one, other in zip(wanted, found, strict=True) for a, b in zip(one, other, strict=True)]
    assert all(a.shape == b.shape and a.dtype == b.dtype for a, b in pairs)
    views = [(np.ascontiguousarray(a).view(np.uint8), np.ascontiguousarray(b).view(np.uint8)) for a, b in pairs]
    return sum(int(np.unpackbits(a ^ b).sum()) for a, b in views)


def live(model: InteractionModel, sessions: list[list[TurnIn]], seeds: list[int], dtype: torch.dtype) -> list[list[Moment]]:
    """All sessions side by side through the sampler, with decisions drawn at temperature one; the shorter wait in silence."""
    minds, tokenizer = [Session(row, seed) for row, seed in enumerate(seeds)], Tokenizer()
    sampling = [stream.Sampling(seed=seed, decision_temperature=1.0) for seed in seeds]
    state = start(model, len(seeds), dtype)
    lived: list[list[Moment]] = [[] for _ in seeds]
    with torch.no_grad():
        for k in range(max(map(len, sessions))):
            turns = [session[k] if k < len(session) else silence(k) for session in sessions]
            heard, images = _heard(minds, turns, tokenizer)
            did = _did(stream.step(model, state, heard, sampling), heard, images)
            for moments, session, moment in zip(lived, sessions, did, strict=True):
                if k < len(session):
                    moments.append(moment)
    return lived


def _heard(minds: list[Session], turns: list[TurnIn], tokenizer: Tokenizer) -> tuple[stream.Heard, list]:
    pairs, images = list(zip(minds, turns, strict=True)), [turn.image for turn in turns]
    levels = np.stack([mind.levels(turn) for mind, turn in pairs])
    lost, text = torch.tensor([mind.lost(turn) for mind, turn in pairs]), [mind.text(turn, tokenizer) for mind, turn in pairs]
    patches = [None if image is None else torch.from_numpy(to_patches(image)) for image in images]
    return stream.Heard(torch.from_numpy(levels), lost, text, patches), images


def _did(did: stream.Did, heard: stream.Heard, images: list) -> list[Moment]:
    heard_rows = heard.levels_BFM.numpy(), heard.lost_B2.numpy(), heard.text, images
    rows = zip(*heard_rows, did.tokens_BXC, did.speak_B, did.mel_BFM, did.phones_BVP, did.logprob_B, strict=True)
    return [Moment(*row) for row in rows]


def traced(moments: list[Moment]) -> Traced:
    mel, phones = (np.stack([getattr(m, name) for m in moments]) for name in ("mel_FM", "phones_VP"))
    return Traced(np.array([m.logprob for m in moments]), np.stack([m.tokens_XC for m in moments]).astype(np.int64), mel, phones)


def gone_through(model: InteractionModel, lived: list[list[Moment]], dtype: torch.dtype, way: Way) -> list[Traced]:
    """The trainer's bits of the same sessions."""
    groups = [[(seed, one)] for seed, one in enumerate(lived)] if way.alone else [list(enumerate(lived))]
    with torch.set_grad_enabled(way.gradients):
        return [one for group in groups for one in _trained(model, group, dtype, way.stretch)]


def _trained(model: InteractionModel, group: list[tuple[int, list[Moment]]], dtype: torch.dtype, stretch: int | None) -> list[Traced]:
    """What the trainer computes for sessions (with their seeds) in one batch."""
    sessions = [moments for _, moments in group]
    batch = batch_of(sessions)
    hidden = model.appended(batch, dtype, stretch)
    logprob = model.decided(hidden, batch).detach().numpy()
    tokens = _tokens(model, hidden.index_select(0, batch.outputs_R - 1), dtype)
    sounds = iter(_sounds(model, hidden.index_select(0, batch.sounds_R - 1), batch, group, dtype))
    found = []
    for moments in sessions:
        quiet = np.full((dmel.FRAMES_PER_TURN, dmel.MELS), dmel.FLOOR, np.float32), np.zeros((AUDIO, PHONED), np.int64)
        mel, phones = map(np.stack, zip(*(next(sounds) if m.speak else quiet for m in moments), strict=True))
        now, logprob = logprob[: len(moments)], logprob[len(moments) :]
        said, tokens = tokens[: 2 * len(moments)], tokens[2 * len(moments) :]
        found.append(Traced(now, said.reshape(len(moments), 2, -1), mel, phones))
    return found


def _tokens(model: InteractionModel, before: torch.Tensor, dtype: torch.dtype) -> np.ndarray:
    """The likeliest token of every channel at each output position, as the sampler takes it at temperature zero."""
    gates = model.heads.gate(before)
    chosen = [
        torch.where(gates[:, c] + stream.UNWEIGHTED > 0, 1 + model.heads.logits(c, before, model.fuse.tokens, dtype)[:, 1:].argmax(1), 0)
        for c in range(len(CHANNELS))
    ]
    return torch.stack(chosen, 1).numpy()


def _sounds(
    model: InteractionModel, before: torch.Tensor, batch: Batch, group: list[tuple[int, list[Moment]]], dtype: torch.dtype
) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """Of every speaking turn log-mel [10, MELS], drawn again from the same noise, and phonemes [2, PHONED]; all positions at once."""
    spoken = [(seed, turn) for seed, moments in group for turn, m in enumerate(moments) if m.speak]
    if not spoken:
        return ()
    found = _pronounced(model, before, batch, dtype)
    told, phones = torch.cat([batch.own_phones_RP[:, : NOW.start], found], 1), found[:, :PHONED]
    condition = model.flow.conditioned(before, told, sound_before(batch), dtype)
    drawn = denormalise(model.flow.sample(condition, voice_noise(spoken).flatten(0, 1))).detach().numpy()
    return zip(drawn.reshape(-1, dmel.FRAMES_PER_TURN, dmel.MELS), phones.numpy().reshape(-1, AUDIO, PHONED), strict=True)


def _pronounced(model: InteractionModel, before: torch.Tensor, batch: Batch, dtype: torch.dtype) -> torch.Tensor:
    """The phonemes that the sampler decides on at every position of own sound [R, FRAMES]."""
    begins, sizes = batch.begun_R.unique_consecutive(return_counts=True)
    at_WN, there_WN = stretches(batch, begins, int(sizes.max()))
    read_RW = model.pronouncing.read(batch.spoken_RE[at_WN], dtype)[there_WN]
    return model.pronouncing.decide(read_RW, before, batch.own_phones_RP[:, NOW.start - 1], dtype)


def batch_of(sessions: list[list[Moment]]) -> Batch:
    """Lived sessions as a training batch, each from its first turn."""
    windows = [_window(moments) for moments in sessions]
    return collate(windows, max(len(w.flat.kind_N) for w in windows), None)


def _window(moments: list[Moment]) -> Window:
    turns = len(moments)
    before = np.full((LOOK_BACK, dmel.MELS), dmel.FLOOR, np.float32)
    typed = np.zeros((turns, TEXT), np.int64)
    for k, moment in enumerate(moments):
        typed[k, : len(moment.text)] = moment.text
    speak = np.array([m.speak for m in moments]).astype(np.int64)
    tokens = np.stack([m.tokens_XC for m in moments]).astype(np.int64)
    images = [m.image for m in moments if m.image is not None]
    return Window(
        user=np.concatenate([before, dmel.dequantise(np.concatenate([m.levels_FM for m in moments]))]),
        own=np.concatenate([before[:OWN_LOOK_BACK], *(m.mel_FM for m in moments)]),
        tokens=tokens, given=tokens, speak=speak, important=speak, typed=typed,
        lost=np.array([m.lost_2 for m in moments]).T,
        letters=np.zeros((turns, AUDIO), np.uint32),
        own_phones=(phones := np.stack([m.phones_VP for m in moments]).reshape(turns, -1).astype(np.uint8)),
        own_ahead=phones,
        flat=flatten(speak, typed, np.array([m.image is not None for m in moments])),
        pictures=np.stack(images) if images else np.zeros((0, PICTURE_HEIGHT, PICTURE_WIDTH, 3), np.uint8),
        moved=np.zeros((len(images), 3), np.uint8), beside=np.zeros(turns, np.uint8),  # not asked here
    )  # fmt: skip


def turns_of(path: Path, most: int | None = None) -> list[TurnIn]:
    """The input of a session: its log, or a recording and some silence for the answer. Raises DataError."""
    turns = list(inputs(path)) if path.suffix == ".jsonl" else _recorded(path)
    if not turns or turns[0].index:
        raise DataError(f"{path} holds no session from its first turn on; give the log of a whole session, or a recording")
    return turns[:most]


def _recorded(path: Path) -> list[TurnIn]:
    quiet = np.zeros(SAMPLES_PER_TURN, np.float32)
    pairs = zip_longest(recording.turn_sound(path), recording.turn_pictures(path))
    turns = [TurnIn(k, quiet if pcm is None else pcm, image) for k, (pcm, image) in enumerate(pairs)]
    return turns + [silence(k) for k in range(len(turns), len(turns) + TAIL)]


def noise(turns: int, seed: int) -> list[TurnIn]:
    """Noise, now and then a picture, typed text and loss: everything that a turn can carry."""
    rng = np.random.default_rng(seed)

    def turn(k: int) -> TurnIn:
        pcm_S = (rng.standard_normal(SAMPLES_PER_TURN) * rng.choice([0.001, 0.1])).astype(np.float32)
        image = rng.integers(0, 256, (PICTURE_HEIGHT, PICTURE_WIDTH, 3)).astype(np.uint8) if rng.random() < 0.1 else None
        typed = "what is that over there" if rng.random() < 0.1 else ""
        return TurnIn(k, pcm_S, image, typed, missing_ms=int(rng.choice([0, 0, 0, 40])))

    return [turn(k) for k in range(turns)]


def restless(shape: config.Config, seed: int = 5) -> InteractionModel:
    """A model of random weights, none of them zero, that speaks and writes about half of the time."""
    torch.manual_seed(seed)
    model = InteractionModel(shape).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.randn_like(p) * 0.08)
        model.heads.gates.bias[:DECISION] = -stream.UNWEIGHTED
        model.heads.gates.bias[DECISION:] = 0
    return model


def models(weights: Path, quick: bool) -> dict[str, InteractionModel]:
    """A dense one and one with experts: toys if `quick`, else the given weights and random ones of nano_moe's shape."""
    if quick:
        moe = replace(config.tiny(), experts=8, hidden=32, balanced=True)
        return {"dense": restless(config.tiny()), "experts": restless(moe)}
    return {"dense": checkpoint.load(weights)[0], "experts": restless(config.nano_moe())}


def run(paths: list[Path], weights: Path, quick: bool, show: Callable[[Finding], None]) -> tuple[int, int]:
    """Turns (each counted once for each model, dtype and thread count) and differing bits, over all ways."""
    most = QUICK_TURNS if quick else None
    sessions = [turns_of(path, most) for path in paths] or [noise(turns, turns) for turns in (QUICK_TURNS, QUICK_TURNS // 2)]
    turns = bits = 0
    for finding in align(sessions, models(weights, quick)):
        show(finding)
        turns += finding.turns if finding.way == WAYS[0].name else 0
        bits += finding.bits
    return turns, bits
