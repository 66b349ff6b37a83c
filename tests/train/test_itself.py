"""The own voice in the history of training as the model itself would speak it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from duologue.config import tiny
from duologue.media.dmel import dequantise
from duologue.model.flow import TARGET, normalise
from duologue.model.fuse import OWN_LOOK_BACK
from duologue.model.interaction import InteractionModel
from duologue.train.batches import collate
from duologue.train.itself import heard_itself
from duologue.train.windows import stored
from tests.train.made_shards import make_shard


@pytest.fixture
def batch(tmp_path):
    make_shard(tmp_path / "a.safetensors")
    shards, rng = stored(tmp_path), np.random.default_rng(3)
    return collate([shards.draw(512, rng) for _ in range(3)], 512, None)


@pytest.fixture
def counting(monkeypatch):
    """A model whose n-th position of own sound is level n mod 15 and one more, everywhere."""
    torch.manual_seed(0)
    model = InteractionModel(tiny())

    def sample(condition, noise):
        levels = (torch.arange(len(condition)) % 15 + 1).numpy().astype(np.uint8)
        return normalise(torch.from_numpy(dequantise(levels)))[:, None].expand(-1, TARGET)

    monkeypatch.setattr(model.flow, "sample", sample)
    return model


def test_each_turn_holds_what_was_drawn_for_it_and_the_end_of_the_one_before(counting, batch):
    heard = heard_itself(counting, batch, torch.float32)
    turn = torch.arange(len(batch.own_SFM))
    assert len(turn) > 20
    for place in range(2):
        part = heard.own_SFM[:, OWN_LOOK_BACK + 5 * place : OWN_LOOK_BACK + 5 * place + 5]
        assert (part == ((2 * turn + place) % 15 + 1)[:, None, None]).all()
    first = (batch.own_SFM[:, :OWN_LOOK_BACK] == 0).flatten(1).all(1)  # of what it says, after a quiet turn
    assert 0 < first.sum() < len(turn)
    assert (heard.own_SFM[first, :OWN_LOOK_BACK] == 0).all()
    again = heard.own_SFM[1:, :OWN_LOOK_BACK] == heard.own_SFM[:-1, -OWN_LOOK_BACK:]
    assert again[~first[1:]].float().mean() > 0.95  # all but where a window begins in the middle of what is said


def test_what_was_left_out_of_the_history_stays_out(counting, batch):
    own = batch.own_SFM.clone()
    own[4, OWN_LOOK_BACK:] = own[5, :OWN_LOOK_BACK] = 0
    heard = heard_itself(counting, replace(batch, own_SFM=own), torch.float32)
    assert (heard.own_SFM[4, OWN_LOOK_BACK:] == 0).all()
    assert (heard.own_SFM[5, :OWN_LOOK_BACK] == 0).all()
    assert (heard.own_SFM[6, OWN_LOOK_BACK:] > 0).all()


def test_it_says_the_phonemes_of_the_recording_whatever_it_would_decide_on(counting, batch):
    before = heard_itself(counting, batch, torch.float32)
    torch.nn.init.normal_(counting.pronouncing.each.weight)
    heard = heard_itself(counting, batch, torch.float32)
    assert torch.equal(heard.own_SFM, before.own_SFM) and torch.equal(heard.own_phones_RP, batch.own_phones_RP)


def test_nothing_else_changes_and_nothing_is_learned_in_the_drawing(counting, batch):
    heard = heard_itself(counting, batch, torch.float32)
    assert torch.equal(heard.own_mel_RF, batch.own_mel_RF) and torch.equal(heard.given_BTXC, batch.given_BTXC)
    assert all(p.grad is None for p in counting.parameters())
