"""The engine on a random model: one output for every input, silence that is silence, and laws 2, 4 and 5."""

import copy
import tracemalloc

import numpy as np
import pytest
import torch

from duologue.engine.engine import TAIL, Engine, Voiced, fast_dtype
from duologue.errors import SessionError
from duologue.live import Conversation, converse
from duologue.media.text import Tokenizer
from duologue.model import checkpoint
from duologue.model.vocoder import Vocoder
from duologue.turn import SAMPLES_PER_TURN, Note, TurnIn, silence


@pytest.fixture(scope="module")
def voiced(model):
    torch.manual_seed(5)
    return Voiced(copy.deepcopy(model).settle(fast_dtype()), Vocoder().eval())


def talk(seed: int, turns: int = 25) -> list[TurnIn]:
    rng = np.random.default_rng(seed)
    typed = ["hello there", "", "", "", ""]
    return [
        TurnIn(k, rng.normal(0, 0.1, SAMPLES_PER_TURN).astype(np.float32), typed=typed[k % 5], missing_ms=20 * (k % 3))
        for k in range(turns)
    ]


def same(a, b) -> bool:
    return a == b if not hasattr(a, "pcm_S") else (
        np.array_equal(a.pcm_S, b.pcm_S) and (a.speak, a.heard, a.said, a.text, a.calls) == (b.speak, b.heard, b.said, b.text, b.calls)
    )  # fmt: skip


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
    engine = Engine(voiced, [0])
    text = " ".join(["river", "seven", "door"] * 6)
    session, ids = engine.sessions[0], Tokenizer().encode(text)
    turn = TurnIn(0, np.zeros(SAMPLES_PER_TURN, np.float32), notes=(Note("tool", text),))
    seen = session.text(turn)
    while more := session.text(silence(1)):
        seen += more
    assert seen == [Tokenizer().marker("tool"), *ids]


def test_a_turn_out_of_order_is_refused_and_changes_nothing(voiced):
    conversation = Conversation(voiced=voiced)
    conversation.step(silence(0))
    with pytest.raises(SessionError, match="turn 5 came when turn 1 was due"):
        conversation.step(silence(5))
    conversation.step(silence(1))


def test_a_long_silence_uses_bounded_memory(voiced):
    """Law 5 in small: the rings have turned over many times, and nothing has grown."""
    conversation = Conversation(voiced=voiced, seed=3)
    shapes, turns = [], 700
    for k in range(turns):
        conversation.step(silence(k))
        if k in (300, turns - 1):
            tracemalloc.start() if k == 300 else None
            shapes.append([t.shape for t in conversation.engine.state.cache.k])
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert shapes[0] == shapes[1] and grown < 300_000
    assert int(conversation.engine.state.cache.count_B) > 2 * 1024


def test_a_picture_is_seen_and_batch_mates_without_one_do_not_change_it(voiced):
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3)).astype(np.uint8)
    plain = talk(1, 6)
    seen = [TurnIn(t.index, t.pcm_S, image if t.index == 2 else None, t.typed, missing_ms=t.missing_ms) for t in plain]
    alone = [outs[0] for outs in converse(voiced, [seen], [7])]
    beside = [outs[0] for outs in converse(voiced, [seen, plain], [7, 7])]
    without = [outs[1] for outs in converse(voiced, [seen, plain], [7, 7])]
    assert all(same(a, b) for a, b in zip(alone, beside, strict=True))
    assert not all(same(a, b) for a, b in zip(alone, without, strict=True))
