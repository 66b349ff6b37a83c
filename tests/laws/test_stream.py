"""Law 1: streaming turn by turn equals one whole forward, bit for bit; and the pretraining form agrees closely.
Law 3: trainer and sampler agree to the bit. Law 2: a session's output does not depend on who shares its batch, its row or the order."""

import numpy as np
import pytest
import torch

from duologue.media import dmel
from duologue.media.patches import to_patches
from duologue.model import stream
from duologue.model.fuse import LOOK_BACK, OWN_LOOK_BACK
from duologue.model.layout import CHANNELS, flatten
from duologue.model.state import start
from duologue.train.batches import collate
from duologue.train.windows import Window

TURNS = 30
DTYPES = [torch.float32, torch.bfloat16]


def hear(seed: int) -> list[tuple]:
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 16, (TURNS, 10, 80)).astype(np.uint8)
    text = [rng.integers(10, 90, rng.integers(1, 9)).tolist() if rng.random() < 0.2 else [] for _ in range(TURNS)]
    pictures = [rng.integers(0, 256, (120, 160, 3)).astype(np.uint8) if rng.random() < 0.3 else None for _ in range(TURNS)]
    return [(levels[k], float(rng.random() < 0.2), text[k], pictures[k]) for k in range(TURNS)]


def patches(picture: np.ndarray | None) -> torch.Tensor | None:
    return None if picture is None else torch.from_numpy(to_patches(picture))


def run(model, seeds: list[int], dtype) -> list[stream.Did]:
    """All sessions side by side."""
    state = start(model, len(seeds), dtype)
    sampling = [stream.Sampling(seed=s, token_temperature=1.0, decision_temperature=1.0) for s in seeds]
    inputs = [hear(s) for s in seeds]
    with torch.no_grad():
        return [
            stream.step(
                model,
                state,
                stream.Heard(
                    torch.from_numpy(np.stack([i[k][0] for i in inputs])),
                    torch.tensor([[i[k][1], 0.0] for i in inputs]),
                    [i[k][2] for i in inputs],
                    [patches(i[k][3]) for i in inputs],
                ),
                sampling,
            )
            for k in range(TURNS)
        ]


def equal(a: stream.Did, b: stream.Did, row: int) -> bool:
    return all(
        np.array_equal(getattr(a, n)[0], getattr(b, n)[row]) for n in ("tokens_BXC", "speak_B", "phones_BVP", "mel_BFM", "logprob_B")
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seeds", [[7, 1], [1, 7], [2, 3, 7], [7, 7], [*range(20, 26), 7]])
def test_batch_mates_change_no_bit(model, dtype, seeds):
    alone, together = run(model, [7], dtype), run(model, seeds, dtype)
    assert any(d.speak_B[0] for d in alone) and not all(d.speak_B[0] for d in alone)
    row = seeds.index(7)
    assert all(equal(a, b, row) for a, b in zip(alone, together, strict=True))


def replay_batch(model, seed: int, did: list[stream.Did]):
    """What happened in a live session, as a training batch."""
    rows = hear(seed)
    speak = np.array([d.speak_B[0] for d in did]).astype(np.int64)
    typed = np.zeros((TURNS, 8), np.int64)
    for k, (_, _, text, _) in enumerate(rows):
        typed[k, : len(text)] = text
    pad = np.full((LOOK_BACK, 80), dmel.FLOOR, np.float32)
    user = np.concatenate([pad, dmel.dequantise(np.concatenate([r[0] for r in rows]))])
    own = np.concatenate([pad[:OWN_LOOK_BACK], np.concatenate([d.mel_BFM[0] for d in did])])
    tokens = np.stack([d.tokens_BXC[0] for d in did]).astype(np.int64)
    lost = np.array([[r[1] for r in rows], [0.0] * TURNS])
    flat = flatten(speak, typed, np.array([r[3] is not None for r in rows]))
    pictures = np.stack([r[3] for r in rows if r[3] is not None])
    letters, phones = np.zeros((TURNS, 2), np.uint32), np.concatenate([d.phones_BVP for d in did]).reshape(TURNS, -1)
    window = Window(user, own, tokens, tokens, speak, speak, typed, lost, letters, phones, phones, flat, pictures, np.zeros((len(pictures), 3), np.uint8), np.zeros(TURNS, np.uint8))
    return collate([window], len(flat.kind_N), None)


@pytest.mark.parametrize("dtype", DTYPES)
def test_streaming_equals_one_whole_forward(model, dtype):
    did = run(model, [7], dtype)
    batch = replay_batch(model, 7, did)
    live = torch.from_numpy(np.concatenate([d.logprob_B for d in did]))
    with torch.no_grad():
        x = model.embed(batch, dtype)
        valid = torch.ones_like(batch.time_BN, dtype=torch.bool)
        whole = model.trunk.extend(x, batch.time_BN, valid, model.trunk.start(1, dtype), batch.seen_R)
        gates = model.heads.gate(whole.flatten(0, 1).index_select(0, batch.outputs_R - 1))[1::2, len(CHANNELS)]
        fast = model.trunk(x, batch.time_BN, dtype, batch.seen_R)
    speak = batch.speak_BT[0].float()
    assert torch.equal(torch.nn.functional.logsigmoid((speak * 2 - 1) * gates), live)
    assert (fast - whole).abs().max() < (1e-4 if dtype == torch.float32 else 0.15)


@pytest.mark.parametrize("dtype", DTYPES)
def test_trainer_and_sampler_log_probabilities_have_equal_bits(model, dtype):
    """Law 3: the forward that reinforcement learning differentiates, against what the live session drew from."""
    did = run(model, [7], dtype)
    scored = model.decisions(replay_batch(model, 7, did), dtype)
    assert scored.requires_grad
    assert torch.equal(scored.detach(), torch.from_numpy(np.concatenate([d.logprob_B for d in did])))
    scored.sum().backward()
    assert model.trunk.layers[0].self_attn.q_proj.weight.grad.abs().sum() > 0
    assert model.trunk.layers[0].self_attn.sink.grad.abs().sum() > 0
    model.zero_grad()
