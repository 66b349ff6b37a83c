"""Laws 2 and 3 as a user checks them, in small: `duologue train align --quick`."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from duologue.config import tiny
from duologue.engine.log import to_json
from duologue.errors import DataError
from duologue.train import align


def test_trainer_and_sampler_have_equal_bits(tmp_path):
    found = []
    turns, bits = align.run([], tmp_path, True, found.append)
    assert bits == 0 and turns == (12 + 6) * 8
    assert {(f.model, f.dtype, f.threads) for f in found} == {
        (m, d, t) for m in ("dense", "experts") for d in ("fp32", "bf16") for t in (1, 2)
    }


@pytest.fixture(scope="module")
def lived():
    torch.set_num_threads(1)
    model = align.restless(tiny())
    sessions = [align.noise(8, 1), align.noise(5, 2)]
    return model, align.live(model, sessions, [0, 1], torch.float32)


def test_what_is_compared_is_alive(lived):
    model, moments = lived
    one = align.traced(moments[0])
    spoke = np.array([m.speak for m in moments[0]])
    assert spoke.any() and not spoke.all() and one.tokens_TXC.any()
    assert (one.mel_TFM[spoke] != one.mel_TFM[~spoke][0]).any() and len(set(one.logprob_T)) == 8
    assert any(m.text for m in moments[0] + moments[1]) and any(m.image is not None for m in moments[0] + moments[1])


def test_a_changed_weight_is_found(lived):
    model, moments = lived
    with torch.no_grad():
        weight = model.trunk.layers[0].mlp.down_proj.weight
        weight[0, 0] += 1e-4
        found = align.gone_through(model, moments, torch.float32, align.WAYS[1])
        weight[0, 0] -= 1e-4
    assert align.differing([align.traced(one) for one in moments], found) > 0


def test_one_bit_is_counted_as_one(lived):
    one = align.traced(lived[1][0])
    other = one._replace(logprob_T=one.logprob_T.copy())
    other.logprob_T.view(np.int32)[3] ^= 1
    assert align.differing([one], [one]) == 0 and align.differing([one], [other]) == 1


def test_a_session_s_log_is_its_input(tmp_path):
    turns = align.noise(4, 1)
    path = tmp_path / "session.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in [{"format": "x"}, *({"in": to_json(turn)} for turn in turns)]))
    again = align.turns_of(path)
    assert all(np.array_equal(a.pcm_S, b.pcm_S) and (a.image is None) == (b.image is None) for a, b in zip(turns, again))
    path.write_text(json.dumps({"in": to_json(replace(turns[0], index=7))}))
    with pytest.raises(DataError, match="whole session"):
        align.turns_of(path)
