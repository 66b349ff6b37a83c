import numpy as np
import pytest
import torch

from duologue.errors import DataError
from duologue.media import dmel
from duologue.model.fuse import LOOK_BACK
from duologue.model.layout import A, T, V, X
from duologue.train.batches import Shards, collate
from tests.train.made_shards import make_shard

POSITIONS = 256


@pytest.fixture
def shards(tmp_path):
    make_shard(tmp_path / "a.safetensors")
    return Shards(tmp_path)


def test_a_window_fits_and_holds_whole_turns(shards):
    for seed in range(50):
        w = shards.draw(POSITIONS, np.random.default_rng(seed))
        assert POSITIONS - 14 < len(w.flat.kind_N) <= POSITIONS
        assert (w.flat.kind_N == A).sum() == (w.flat.kind_N == X).sum() == 2 * len(w.speak)
        assert (w.flat.kind_N == V).sum() == 2 * (w.speak != 0).sum()
        assert (w.flat.kind_N == T).sum() == (w.typed != 0).sum()
        assert (np.diff(w.flat.time_N) > 0).all()
        assert w.user.shape == (LOOK_BACK + 10 * len(w.speak), dmel.MELS)


def test_every_pointer_of_a_batch_leads_to_its_own_content(shards):
    rng = np.random.default_rng(1)
    rows = [shards.draw(POSITIONS, rng) for _ in range(3)]
    batch = collate(rows, POSITIONS, None)
    turns = batch.tokens_BTXC.shape[1]
    flat_tokens = batch.tokens_BTXC.flatten(0, 2)
    x_base = 1 + 3 * turns * 2 + len(batch.own_SFM) * 2 + len(batch.text_R)
    at = 0
    for b, w in enumerate(rows):
        for n in np.flatnonzero(w.flat.kind_N == X):
            here = batch.outputs_R[at]
            assert here == b * POSITIONS + n
            wanted = w.tokens[w.flat.turn_N[n], w.flat.place_N[n]]
            assert flat_tokens[batch.output_of_R[at]].tolist() == wanted.tolist()
            assert batch.source_BN.flatten()[here] == x_base + batch.output_of_R[at]
            at += 1
    assert at == len(batch.outputs_R)
    assert len(batch.sounds_R) == len(batch.own_mel_RF) == 2 * len(batch.own_SFM)
    assert int(batch.source_BN.max()) < x_base + 3 * turns * 2


def test_disturbing_changes_what_is_heard_and_never_what_is_wanted(shards):
    rows = [shards.draw(POSITIONS, np.random.default_rng(1))]
    clean, disturbed = collate(rows, POSITIONS, None), collate(rows, POSITIONS, np.random.default_rng(2))
    assert not torch.equal(clean.user_BFM, disturbed.user_BFM)
    assert not torch.equal(clean.own_SFM, disturbed.own_SFM)
    assert torch.equal(clean.own_mel_RF, disturbed.own_mel_RF)
    assert torch.equal(clean.tokens_BTXC, disturbed.tokens_BTXC)
    assert torch.equal(clean.given_BTXC, clean.tokens_BTXC)


def test_only_heard_words_of_the_history_are_ever_wrong(shards):
    rows = [shards.draw(POSITIONS, np.random.default_rng(1)) for _ in range(8)]
    batch = collate(rows, POSITIONS, np.random.default_rng(2))
    wrong = batch.given_BTXC != batch.tokens_BTXC
    assert wrong[..., 0].any() and not wrong[..., 1:].any()
    assert (batch.tokens_BTXC[wrong] != 0).all()


def test_an_empty_folder_says_what_to_do(tmp_path):
    with pytest.raises(DataError, match="make some with"):
        Shards(tmp_path)
