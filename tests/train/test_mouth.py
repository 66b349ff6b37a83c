"""The own voice alone: what a sentence without sound is to it, and that it is learned."""

from itertools import cycle

import numpy as np
import pytest
import torch

from duologue.config import tiny
from duologue.data.unspoken import Sentence
from duologue.model import checkpoint
from duologue.model.interaction import UNSURE, InteractionModel
from duologue.model.layout import BEFORE, NOW
from duologue.train import mouth
from duologue.train.batches import collate
from duologue.train.loop import Plan
from duologue.train.windows import stored
from tests.train.made_shards import make_shard


def made(rng: np.random.Generator, turns: int) -> Sentence:
    phones, ahead = rng.integers(1, 42, (2, turns, 10)).astype(np.uint8)
    return Sentence(rng.integers(1, 4000, (turns, 2)).astype(np.int16), phones, ahead)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def test_a_sentence_is_remembered_as_the_same_speech_in_a_conversation(tmp_path):
    make_shard(tmp_path / "a.safetensors")
    (window,) = (stored(tmp_path).draw(256, np.random.default_rng(3)) for _ in range(1))
    batch, speaks = collate([window], 256, None), window.speak != 0
    first = int(np.flatnonzero(np.diff(speaks, prepend=False) & speaks)[0])
    last = first + int(np.argmin(np.append(speaks[first:], False)))
    own = Sentence(window.given[first:last, :, 1], window.own_phones[first:last], window.own_ahead[first:last])
    at = 2 * int(speaks[:first].sum())
    rows = slice(at, at + 2 * (last - first))
    entries, wanted = mouth.as_positions(own)
    told = batch.own_phones_RP[rows].numpy()
    begins = slice(1, None) if at else slice(None)  # in a conversation the position before the first is that of the speech before
    assert np.array_equal(entries[begins], batch.spoken_RE[rows].numpy()[begins])
    assert np.array_equal(wanted[:, 1:], np.concatenate([told[:, NOW], told[:, NOW.stop :]], 1))
    assert np.array_equal(wanted[begins, 0], told[begins, BEFORE.stop - 1])


def test_of_a_long_sentence_a_stretch_is_read_and_what_began_before_it_is_not_asked():
    rng = np.random.default_rng(0)
    short, long = made(rng, 5), made(rng, 60)
    begins = set()
    for seed in range(20):
        read = mouth.stretched([short, long], np.random.default_rng(seed))
        assert read.spoken_SNE.shape[:2] == (2, mouth.LONGEST) and read.asked_SN[0].tolist() == [k < 10 for k in range(mouth.LONGEST)]
        assert torch.equal(read.spoken_SNE[0, 1:10, :5], read.phones_SNP[0, :9, 1:6])
        first = int(mouth.LONGEST - read.asked_SN[1].sum())
        assert first in (0, UNSURE)
        begins.add(first)
    assert UNSURE in begins


def test_what_it_follows_may_be_what_it_would_have_said_and_what_it_is_to_say_stays():
    torch.manual_seed(0)
    model = InteractionModel(tiny())
    torch.nn.init.normal_(model.pronouncing.bias)  # so it would say something
    given = mouth.stretched([made(np.random.default_rng(k), 30) for k in range(8)], np.random.default_rng(0))
    read = mouth.said_itself(model, given, torch.float32)
    changed = (read.spoken_SNE != given.spoken_SNE).any(-1)
    assert 0.2 < changed[:, 1:].float().mean() < 0.8 and not changed[:, 0].any()
    assert torch.equal(read.spoken_SNE[..., 5:], given.spoken_SNE[..., 5:]) and torch.equal(read.phones_SNP[..., 1:], given.phones_SNP[..., 1:])
    assert torch.equal(read.phones_SNP[:, 1:, 0], read.spoken_SNE[:, 1:, 4])
    with torch.no_grad():
        states = model.pronouncing.read(given.spoken_SNE, torch.float32)[0, :-1]
        would = model.pronouncing.decide(states, torch.zeros(len(states), tiny().width), given.phones_SNP[0, :-1, 0], torch.float32)
    assert torch.equal(read.spoken_SNE[0, 1:][changed[0, 1:], :5], would[changed[0, 1:], :5])


def test_the_mouth_learns_and_nothing_else_changes(tmp_path, monkeypatch):
    torch.manual_seed(0)
    model = InteractionModel(tiny())
    checkpoint.save(tmp_path / "init.safetensors", model)
    make_shard(tmp_path / "shards" / "a.safetensors")
    few = [made(np.random.default_rng(k), 6) for k in range(3)]
    monkeypatch.setattr(mouth, "sentences", lambda rng: cycle(few))
    learned = mouth.mouth(tmp_path / "shards", Plan(out=tmp_path / "run", steps=30, warmup=1, rate=2.0), 2, tmp_path / "init.safetensors")
    fresh = dict(model.named_parameters())
    changed = {n for n, p in learned.named_parameters() if not torch.equal(p, fresh[n])}
    assert {n.split(".")[0] for n in changed} == {"flow", "pronouncing"}
    read = mouth.stretched(few, np.random.default_rng(0))
    unknown = torch.zeros(3, mouth.LONGEST, tiny().width)
    with torch.no_grad():
        before, after = (
            torch.nn.functional.cross_entropy(
                m.pronouncing(read.spoken_SNE, unknown, read.phones_SNP, torch.float32)[read.asked_SN].flatten(0, 1),
                read.phones_SNP[read.asked_SN][:, 1:].flatten(),
            )
            for m in (model, learned)
        )
    assert after < 0.9 * before
