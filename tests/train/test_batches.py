import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from duologue.config import tiny
from duologue.data.labels import HEAR_LAG_TURNS
from duologue.errors import DataError
from duologue.media import dmel
from duologue.media.patches import to_patches
from duologue.media.text import Tokenizer
from duologue.model.batch import stretches
from duologue.model.fuse import LOOK_BACK, OWN_LOOK_BACK
from duologue.model.interaction import InteractionModel
from duologue.model.layout import VIEW, A, I, T, V, X
from duologue.train.batches import collate
from duologue.train.disturb import UNASKED, disturb, hurried
from duologue.train.windows import stored
from tests.train.made_shards import colour_of, make_shard

POSITIONS = 256


@pytest.fixture
def shards(tmp_path):
    make_shard(tmp_path / "a.safetensors")
    return stored(tmp_path)


def test_windows_begin_where_conversations_do_as_often_as_asked(shards):
    (shard,), begins = shards.shards, (150, 300, 420)
    shard["offsets"], shard["letters"] = np.array([*begins, 600]), np.repeat(np.arange(600, dtype=np.uint32), 2).reshape(-1, 2)
    found = {whole: [shards.draw(POSITIONS, np.random.default_rng(seed), whole).letters[0, 0] for seed in range(30)] for whole in (0.0, 0.5, 1.0)}
    assert set(found[1.0]) == set(begins)
    assert 5 < sum(first in begins for first in found[0.5]) < 25 and sum(first in begins for first in found[0.0]) < 5


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


def test_a_hurried_window_says_the_same_in_the_same_span(shards):
    window = shards.draw(POSITIONS, np.random.default_rng(1))
    window.user[:] = np.arange(len(window.user))[:, None]  # each frame says when it was
    moved = hurried(window, np.random.default_rng(2)).user[:, 0]
    assert moved[0] == 0 and moved[-1] == pytest.approx(len(moved) - 1) and (np.diff(moved) > 0).all()
    assert np.abs(moved - np.arange(len(moved))).max() > 3


def test_what_is_shown_is_history_and_never_wanted(shards):
    window = shards.draw(POSITIONS, np.random.default_rng(1))
    added = window.given != window.tokens
    assert added[..., 0].any() and not added[..., 1:].any() and not window.tokens[added].any()


def test_each_position_of_own_sound_has_its_phonemes_and_those_around_them(shards):
    rng = np.random.default_rng(3)
    window = next(w for w in (shards.draw(POSITIONS, rng) for _ in range(50)) if 2 < (w.speak != 0).sum() < len(w.speak) - 2)
    found, at = collate([window], POSITIONS, None).own_phones_RP.numpy(), 0
    for turn in np.flatnonzero(window.speak):
        first, second = found[at : at + 2].reshape(2, 4, 5)
        before = window.own_phones[turn - 1] if turn and window.speak[turn - 1] else np.zeros(10)
        assert np.array_equal(first[:2].flatten(), before)
        assert np.array_equal([*first[2], *second[2]], window.own_phones[turn])
        assert np.array_equal(second[:2], first[1:3]) and np.array_equal([*first[3], *second[3]], window.own_ahead[turn])
        at += 2
    assert at == len(found)


def test_what_pronouncing_remembers_of_a_position_is_what_came_before_it(shards):
    rng = np.random.default_rng(3)
    rows = [w for w in (shards.draw(POSITIONS, rng) for _ in range(50)) if 2 < (w.speak != 0).sum() < len(w.speak) - 2][:2]
    batch, at = collate(rows, POSITIONS, None), 0
    for window in rows:
        for turn in np.flatnonzero(window.speak):
            if turn == 0 or not window.speak[turn - 1]:
                began = at
            first, second = batch.spoken_RE[at : at + 2].tolist()
            assert first[5:] == [*window.given[turn, :, 1].tolist(), 0] and second[5:] == [0, 0, 1]
            assert first[:5] == batch.own_phones_RP[at, 5:10].tolist() and second[:5] == window.own_phones[turn, :5].tolist()
            assert batch.begun_R[at : at + 2].tolist() == [began, began]
            at += 2
    assert at == len(batch.spoken_RE)
    places, there = stretches(batch, torch.tensor([began]), 100)
    assert places[0, 0] == began and int(there.sum()) == at - began and places.max() < at


def test_the_letters_to_be_heard_are_those_of_the_words(shards):
    rows = [shards.draw(POSITIONS, np.random.default_rng(seed)) for seed in (1, 2)]
    spelled = collate(rows, POSITIONS, None).spelled_BS
    for row, w in zip(spelled, rows, strict=True):
        text = "".join(Tokenizer().letters(int(i)) for i in w.tokens[2 * HEAR_LAG_TURNS :, :, 0].flatten())
        alphabet = "abcdefghijklmnopqrstuvwxyz'"
        assert "".join(alphabet[n - 1] for n in row if n) == "".join(a for a in text if a in alphabet)


def test_disturbing_changes_what_is_heard_and_never_what_is_wanted(shards):
    rows = [shards.draw(POSITIONS, np.random.default_rng(1))]
    clean, disturbed = collate(rows, POSITIONS, None), collate(rows, POSITIONS, np.random.default_rng(2))
    assert not torch.equal(clean.user_BFM, disturbed.user_BFM)
    assert not torch.equal(clean.own_SFM, disturbed.own_SFM)
    assert torch.equal(clean.own_mel_RF, disturbed.own_mel_RF)
    assert torch.equal(clean.tokens_BTXC[..., 0], disturbed.tokens_BTXC[..., 0])
    assert torch.equal(clean.given_BTXC[..., 1:], clean.tokens_BTXC[..., 1:])


def test_only_heard_words_of_the_history_are_ever_wrong(shards):
    rows = [shards.draw(POSITIONS, np.random.default_rng(1)) for _ in range(8)]
    batch = collate(rows, POSITIONS, np.random.default_rng(2))
    clean = collate(rows, POSITIONS, None)
    wrong = batch.given_BTXC != clean.given_BTXC
    assert wrong[..., 0].any() and not wrong[..., 1:].any()
    assert (batch.tokens_BTXC[wrong] != 0).all()
    misheard = wrong.flatten(1).any(1)
    assert 0 < misheard.sum() < len(rows)
    assert (batch.tokens_BTXC[misheard][..., 1:] == UNASKED).all(), "an answer must follow from the words that are shown"
    assert torch.equal(batch.tokens_BTXC[~misheard], clean.tokens_BTXC[~misheard])


def test_where_nothing_is_asked_a_channel_has_no_loss(shards):
    model = InteractionModel(tiny()).float()
    batch = collate([shards.draw(POSITIONS, np.random.default_rng(seed)) for seed in (1, 2)], POSITIONS, None)
    asked = model.loss(batch, torch.float32)
    batch.tokens_BTXC[0, :, :, 1:] = UNASKED
    half = model.loss(batch, torch.float32)
    batch.tokens_BTXC[1, :, :, 1:] = UNASKED
    none = model.loss(batch, torch.float32)
    assert asked["hear"] == half["hear"] == none["hear"] > 0
    assert asked["say"] > 0 and half["say"] > 0 and asked["say"] != half["say"]
    assert none["say"] == none["text"] == none["act"] == 0


@pytest.fixture
def watched(tmp_path):
    make_shard(tmp_path / "watched" / "a.safetensors", shown=0.4)
    return stored(tmp_path / "watched")


def turn_of(window, shard) -> int:
    """Where in its shard a window begins."""
    first = window.user[LOOK_BACK:][:10]
    return next(k for k, fine in enumerate(shard["user_mel"]) if np.array_equal(dmel.from_fine(fine), first))


def test_a_window_holds_the_pictures_of_its_turns(watched):
    for seed in range(10):
        w = watched.draw(POSITIONS, np.random.default_rng(seed))
        first, sizes = turn_of(w, watched.shards[0]), watched.shards[0]["jpeg_bytes"]
        seen = [k for k in range(len(w.speak)) if sizes[first + k]]
        assert POSITIONS - 26 < len(w.flat.kind_N) <= POSITIONS
        assert w.flat.turn_N[w.flat.kind_N == I].tolist() == [k for k in seen for _ in range(VIEW)]
        wanted = np.stack([colour_of(first + k) for k in seen]).astype(int)
        assert abs(w.pictures - wanted).max() < 20  # JPEG
        assert abs(w.pictures - wanted).mean() < 1


def test_every_picture_is_embedded_at_its_own_positions(watched, model):
    rng = np.random.default_rng(1)
    rows = [watched.draw(POSITIONS, rng) for _ in range(3)]
    batch = collate(rows, POSITIONS, None)
    with torch.no_grad():
        x = model.embed(batch, torch.float32)
        for b, w in enumerate(rows):
            for turn, picture in zip(sorted(set(w.flat.turn_N[w.flat.kind_N == I])), w.pictures, strict=True):
                at = np.flatnonzero((w.flat.kind_N == I) & (w.flat.turn_N == turn))
                alone = model.fuse.picture(torch.from_numpy(to_patches(picture))[None], torch.float32)[0]
                assert torch.allclose(x[b, at], alone, atol=1e-5)


def test_pictures_teach_sight_and_nothing_else_changes_without_them(watched, shards, model):
    rng = np.random.default_rng(1)
    batch = collate([watched.draw(POSITIONS, rng) for _ in range(2)], POSITIONS, rng)
    model.loss(batch, torch.float32)["total"].backward()
    assert model.fuse.stem.steps[0].weight.grad.abs().sum() > 0
    model.zero_grad(set_to_none=True)
    batch = collate([shards.draw(POSITIONS, rng) for _ in range(2)], POSITIONS, rng)
    model.loss(batch, torch.float32)["total"].backward()
    assert model.fuse.stem.steps[0].weight.grad is None
    model.zero_grad(set_to_none=True)


def _no_longer_begun(model) -> None:
    """Layers that pass nothing on yet show nothing of pictures."""
    for block in (*model.trunk.layers, *model.trunk.eyes):
        torch.nn.init.normal_(block.self_attn.o_proj.weight, std=0.1)
        torch.nn.init.normal_(block.mlp.down_proj.weight, std=0.1)


def test_talk_beside_pictures_is_to_go_as_without_them(watched, model):
    """The loss is what pictures change in the states of positions beside unrelated ones, and only that."""
    rng = np.random.default_rng(1)
    _no_longer_begun(model)
    rows = [watched.draw(POSITIONS, rng) for _ in range(3)]
    batch = collate(rows, POSITIONS, None)
    assert [row[: len(w.flat.kind_N)][w.flat.kind_N != I].tolist() for row, w in zip(batch.beside_BN, rows, strict=True)] == [
        (w.beside[w.flat.turn_N] != 0)[w.flat.kind_N != I].tolist() for w in rows
    ]
    assert 0 < batch.beside_BN.sum() < batch.beside_BN.numel() and not batch.beside_BN.view(-1)[batch.seen_R].any()
    wanted, powers = 0.0, 0.0
    with torch.no_grad():
        x, given = model.embed(batch, torch.float32), model.look_loss(batch, torch.float32)["distracted"]
        for b, w in enumerate(rows):
            heard, asked = np.flatnonzero(w.flat.kind_N != I), (w.beside[w.flat.turn_N] != 0)[w.flat.kind_N != I]
            seen_R = torch.from_numpy(np.flatnonzero(w.flat.kind_N == I))
            at = slice(0, len(w.flat.kind_N))
            with_them = model.trunk(x[b : b + 1, at], batch.time_BN[b : b + 1, at], torch.float32, seen_R)[0, heard]
            without = model.trunk(x[b : b + 1, heard], batch.time_BN[b : b + 1, heard], torch.float32)[0]
            wanted += (with_them - without)[asked].square().sum().item()
            powers += without[asked].square().sum().item()
    assert given.item() == pytest.approx(wanted / powers, rel=1e-3) and given > 1e-6


def test_where_nothing_is_beside_the_talk_nothing_distracts(shards, model):
    batch = collate([shards.draw(POSITIONS, np.random.default_rng(1))], POSITIONS, None)
    batch.beside_BN[:] = False
    assert model.look_loss(batch, torch.float32)["distracted"] == 0


def test_disturbing_changes_the_exposure_and_the_view_of_a_whole_window(watched):
    w = watched.draw(POSITIONS, np.random.default_rng(1))
    disturbed = disturb(w, np.random.default_rng(2)).pictures
    assert disturbed.shape == w.pictures.shape and disturbed.dtype == np.uint8
    middle = [p[60, 80].astype(float) for p in w.pictures], [p[60, 80].astype(float) for p in disturbed]  # each of one colour
    gain = np.polyfit(np.array(middle[0])[:, 0], np.array(middle[1])[:, 0], 1)
    assert 0.75 < gain[0] < 1.25 and not np.array_equal(disturbed, w.pictures)


def test_an_empty_folder_says_what_to_do(tmp_path):
    with pytest.raises(DataError, match="make some with"):
        stored(tmp_path)


def test_a_disturbed_window_forgets_none_some_or_all_turns_of_its_own_sound_but_is_asked_for_all(shards):
    drawn = [shards.draw(POSITIONS, np.random.default_rng(seed)) for seed in range(40)]
    shares = []
    for seed, window in enumerate(drawn):
        window.own[:] = 1.0
        turns = disturb(window, np.random.default_rng(seed)).own[OWN_LOOK_BACK:].reshape(len(window.speak), -1)
        gone = (turns == dmel.FLOOR).all(1)
        assert (gone == (turns == dmel.FLOOR).any(1)).all()  # whole turns
        shares.append(gone.mean())
    assert shares.count(0.0) >= 10 and shares.count(1.0) >= 4 and any(0.1 < share < 0.5 for share in shares)
    assert (collate(drawn, POSITIONS, np.random.default_rng(0)).own_mel_RF == collate(drawn, POSITIONS, None).own_mel_RF).all()


def test_a_shard_of_an_older_version_is_told_of(tmp_path):
    path = make_shard(tmp_path / "old.safetensors")
    save_file({name: array for name, array in load_file(path).items() if name != "own_phones"}, path)
    with pytest.raises(DataError, match=r"old.safetensors has no own_phones: an older version made it"):
        stored(tmp_path)
