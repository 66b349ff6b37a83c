"""The engine on a random model: one output for every input, silence that is silence, and laws 2, 4 and 5."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch

from duologue.engine.engine import TAIL, Engine, Voiced
from duologue.errors import SessionError
from duologue.kernels.ops import fast_dtype
from duologue.live import Conversation, converse
from duologue.media.text import Tokenizer
from duologue.model import checkpoint
from duologue.model.fuse import LAYERS
from duologue.model.ring import RING
from duologue.turn import SAMPLES_PER_TURN, Note, TurnIn, silence
from tests.engine.made import same, talk


def test_every_turn_in_gives_one_turn_out_and_quiet_is_exactly_zero(voiced):
    conversation = Conversation(voiced=voiced, seed=7)
    outs = [conversation.step(turn) for turn in talk(1)]
    assert [o.index for o in outs] == list(range(25))
    assert {o.speak for o in outs} == {True, False}
    for before, now in zip(outs, outs[1:], strict=False):
        if not now.speak:
            assert not now.pcm_S[TAIL if before.speak else 0 :].any()


def test_a_replay_from_the_input_log_has_the_same_bits(voiced):
    one, two = Conversation(voiced=voiced, seed=7), Conversation(voiced=voiced, seed=7)
    assert all(same(one.step(t), two.step(t)) for t in talk(1))


def test_batch_mates_change_no_sample(voiced):
    alone = Conversation(voiced=voiced, seed=7)
    together = converse(voiced, [talk(2), talk(1), talk(3)], seeds=[1, 7, 2])
    assert all(same(alone.step(t), outs[1]) for t, outs in zip(talk(1), together, strict=True))


def test_save_and_load_keep_every_bit(voiced, model, tmp_path):
    checkpoint.save(tmp_path / "m.safetensors", model)
    loaded = Voiced(checkpoint.load(tmp_path / "m.safetensors")[0].settle(fast_dtype()), voiced.vocoder)
    one, two = Conversation(voiced=voiced, seed=7), Conversation(voiced=loaded, seed=7)
    assert all(same(one.step(t), two.step(t)) for t in talk(1, 12))


def test_long_text_queues_into_following_turns_in_order(voiced):
    session = Engine(voiced).open()
    text = " ".join(["river", "seven", "door"] * 6)
    tokenizer, ids = Tokenizer(), Tokenizer().encode(text)
    turn = TurnIn(0, np.zeros(SAMPLES_PER_TURN, np.float32), notes=(Note("tool", text),))
    seen = session.text(turn, tokenizer)
    while more := session.text(silence(1), tokenizer):
        seen += more
    assert seen == [tokenizer.marker("tool"), *ids]


def test_a_turn_out_of_order_is_refused_and_changes_nothing(voiced):
    conversation = Conversation(voiced=voiced)
    conversation.step(silence(0))
    with pytest.raises(SessionError, match="turn 5 came when turn 1 was due"):
        conversation.step(silence(5))
    conversation.step(silence(1))


def test_a_long_silence_uses_bounded_memory(voiced):
    """Law 5 in small: the rings have turned over many times, and nothing has grown."""
    conversation = Conversation(voiced=voiced, seed=3)
    shapes, turns = [], 420
    for k in range(turns):
        conversation.step(silence(k))
        if k in (200, turns - 1):
            tracemalloc.start() if k == 200 else None
            shapes.append(conversation.engine.state.cache.ring_LBCGK.shape)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert shapes[0] == shapes[1] and grown < 300_000
    assert int(conversation.engine.state.cache.count_B) > 1.5 * RING


def test_a_picture_is_seen_and_batch_mates_without_one_do_not_change_it(voiced):
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3)).astype(np.uint8)
    plain = [replace(t, image=None) for t in talk(1, 6)]
    seen = [replace(t, image=image if t.index == 2 else None) for t in plain]
    speaks = -1e9  # the patience of who always speaks, so that whatever is seen is heard
    alone = [outs[0] for outs in converse(voiced, [seen], [7], speaks)]
    beside, without = zip(*converse(voiced, [seen, plain], [7, 7], speaks), strict=True)
    assert all(same(a, b) for a, b in zip(alone, beside, strict=True))
    assert not all(same(a, b) for a, b in zip(alone, without, strict=True))


def test_any_subset_of_rows_has_the_bits_of_a_session_alone(voiced):
    alone = Conversation(voiced=voiced, seed=7)
    engine = Engine(voiced, 5)
    sessions = [engine.open(seed) for seed in (1, 7, 2, 3, 4)]
    given = [talk(seed) for seed in (10, 1, 12, 13, 14)]
    rng = np.random.default_rng(0)
    while sessions[1].next_turn < 25:
        due = [s for s in sessions if rng.random() < 0.6 and s.next_turn < 25]
        k = sessions[1].next_turn
        outs = engine.tick({s: given[s.row][s.next_turn] for s in due}) if due else {}
        if sessions[1] in outs:
            assert same(alone.step(talk(1)[k]), outs[sessions[1]])


def test_a_snapshot_goes_on_with_the_same_bits_in_another_engine(voiced):
    whole, engine = Conversation(voiced=voiced, seed=7), Engine(voiced, 2)
    session = engine.open(7)
    for turn in talk(1, 9):
        assert same(whole.step(turn), engine.tick({session: turn})[session])
    other = Engine(voiced, 3)
    other.open(1)
    moved = other.restore(engine.snapshot(session))
    for turn in talk(1)[9:]:
        assert same(whole.step(turn), other.tick({moved: turn})[moved])


def test_a_full_engine_refuses_and_a_closed_row_is_clean(voiced):
    engine = Engine(voiced, 2)
    first, second = engine.open(1), engine.open(2)
    with pytest.raises(SessionError, match="all 2 sessions are taken"):
        engine.open(3)
    for turn in talk(4, 6):
        engine.tick({first: turn, second: turn})
    engine.close(first)
    silence = voiced.model.fuse.front.quiet(LAYERS, voiced.model.dtype)
    assert not engine.state.cache.ring_LBCGK[:, 0, :RING].any() and torch.equal(engine.state.user_BLKW[:1], silence)
    alone, again = Conversation(voiced=voiced, seed=7), engine.open(7)
    assert again.row == 0 and all(same(alone.step(t), engine.tick({again: t})[again]) for t in talk(1, 8))


BAD = {
    "not numbers": lambda t: replace(t, pcm_S=np.full(SAMPLES_PER_TURN, np.nan, np.float32)),
    "letterbox it": lambda t: replace(t, image=np.zeros((10, 10, 3), np.uint8)),
    "known sources": lambda t: replace(t, notes=(Note("rumour", "x"),)),
    "characters": lambda t: replace(t, typed="a" * 30_000),
    "was due": lambda t: replace(t, index=4),
}


@pytest.mark.parametrize("why", BAD)
def test_a_bad_turn_moves_nobody(voiced, why):
    engine, alone = Engine(voiced, 2), Conversation(voiced=voiced, seed=7)
    good, bad = engine.open(7), engine.open(1)
    turn = talk(1)[0]
    with pytest.raises(SessionError, match=why):
        engine.tick({good: turn, bad: BAD[why](turn)})
    assert same(engine.tick({good: turn})[good], alone.step(turn))


def test_patience_changes_with_the_turn_that_brings_it(voiced):
    conversation = Conversation(voiced=voiced, seed=7)
    outs = [conversation.step(replace(t, patience={5: 1e9, 10: -1e9}.get(t.index))) for t in talk(1, 15)]
    assert not any(o.speak for o in outs[5:10]) and all(o.speak for o in outs[10:])


def test_what_is_no_snapshot_is_refused(voiced):
    engine = Engine(voiced)
    session = engine.open()
    snapshot = engine.snapshot(session)
    engine.close(session)
    with pytest.raises(SessionError, match="not a snapshot"):
        engine.restore(snapshot[: len(snapshot) // 2])
    with pytest.raises(SessionError, match="belongs to weights tiny"):
        Engine(Voiced(voiced.model, voiced.vocoder, "others")).restore(snapshot)
    assert not engine.sessions and engine.restore(snapshot).next_turn == 0
