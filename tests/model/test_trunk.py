"""The trunk is Qwen3 and Qwen3-MoE, weight for weight."""

from dataclasses import replace

import pytest
import torch

from duologue.config import tiny
from duologue.model.trunk import Trunk, rope

transformers = pytest.importorskip("transformers")


def shared(config) -> dict:
    return dict(
        hidden_size=config.width, num_hidden_layers=config.layers, num_attention_heads=config.heads,
        num_key_value_heads=config.kv_heads, head_dim=config.head_width, rms_norm_eps=config.norm_eps,
        vocab_size=64, tie_word_embeddings=False, attn_implementation="eager",
        rope_parameters={"rope_type": "default", "rope_theta": config.rope_base},
    )  # fmt: skip


def compare(config, theirs) -> float:
    """Largest difference of the last hidden states after loading their weights into our trunk."""
    torch.manual_seed(0)
    theirs = theirs.eval()
    for p in theirs.parameters():
        p.data.normal_(0, 0.3)
    ours = Trunk(config).eval()
    weights = {k.replace("mlp.experts.", "mlp.").replace("mlp.gate.weight", "mlp.gate"): v for k, v in theirs.state_dict().items()}
    weights.pop("embed_tokens.weight")
    ours.load_state_dict(weights)
    x, time = torch.randn(2, 24, config.width), torch.arange(24).expand(2, -1)
    with torch.no_grad():
        wanted = theirs(inputs_embeds=x, position_ids=time).last_hidden_state
        whole = ours(x, time)
        streamed = ours.extend(x, time, torch.ones_like(time, dtype=torch.bool), ours.start(2, torch.float32))
    assert (streamed - wanted).abs().max() < 1e-4
    return float((whole - wanted).abs().max())


def test_dense_trunk_is_qwen3():
    config = replace(tiny(), sink=False, rope_base=1e6, kv_heads=1)
    theirs = transformers.Qwen3Config(**shared(config), intermediate_size=config.hidden)
    assert compare(config, transformers.Qwen3Model(theirs)) < 1e-4


def test_moe_trunk_is_qwen3_moe():
    config = replace(tiny(), sink=False, rope_base=1e6, experts=4, experts_active=2)
    theirs = transformers.Qwen3MoeConfig(
        **shared(config), intermediate_size=config.hidden, moe_intermediate_size=config.hidden, num_experts=4,
        num_experts_per_tok=2, norm_topk_prob=True, decoder_sparse_step=1,
    )  # fmt: skip
    assert compare(config, transformers.Qwen3MoeModel(theirs)) < 1e-4


def test_sink_takes_attention_away_and_its_absence_is_plain():
    torch.manual_seed(0)
    config = tiny()
    with_sink, without = Trunk(config), Trunk(replace(config, sink=False))
    without.load_state_dict({k: v for k, v in with_sink.state_dict().items() if "sink" not in k})
    x, time = torch.randn(1, 8, config.width), torch.arange(8)[None]
    assert (with_sink(x, time) - without(x, time)).abs().max() > 1e-3


def test_rope_depends_on_time_differences_only_even_after_days():
    q, k = torch.randn(16), torch.randn(16)
    from duologue.kernels.reference import rotate

    def score(at: int) -> float:
        cos, sin = rope(torch.tensor([[at, at + 40]]), 16, 10_000.0)
        return float(rotate(q, cos[0, 0, 0], sin[0, 0, 0]) @ rotate(k, cos[0, 1, 0], sin[0, 1, 0]))

    assert abs(score(0) - score(16 * 5 * 86_400 * 3)) < 1e-4


@pytest.fixture
def looking():
    torch.manual_seed(0)
    trunk = Trunk(tiny(), eyes=True).eval()
    for p in trunk.parameters():
        p.data.normal_(0, 0.3)
    return trunk


def test_pictures_go_through_their_own_layers_and_the_rest_does_not(looking):
    x, time = torch.randn(2, 24, tiny().width), torch.arange(24).expand(2, -1)
    seen = torch.tensor([3, 4, 30])  # two positions of the first row, one of the second
    with torch.no_grad():
        plain, before = looking(x, time), looking(x, time, seen_R=seen)
        for p in looking.eyes.parameters():
            p.data.mul_(1.5)
        after, still = looking(x, time, seen_R=seen), looking(x, time)
    assert torch.equal(still, plain), "without pictures, no bit hangs on their layers"
    changed = (before != after).any(-1)
    assert not changed[0, :3].any() and not changed[1, :6].any(), "what came before a picture knows nothing of it"
    assert changed[0, 3:].all() and changed[1, 6:].all(), "what comes after attends to it"


def test_with_equal_layers_a_picture_is_like_any_position(looking):
    looking.eyes.load_state_dict({n: w for n, w in looking.layers.state_dict().items() if "sink" not in n})
    x, time = torch.randn(2, 24, tiny().width), torch.arange(24).expand(2, -1)
    with torch.no_grad():
        assert torch.allclose(looking(x, time, seen_R=torch.tensor([3, 4, 30])), looking(x, time), atol=1e-5)


@pytest.mark.parametrize("stretch", [24, 5])
def test_over_a_ring_pictures_are_what_they_are_in_whole_sequences(looking, stretch):
    x, time = torch.randn(2, 24, tiny().width), torch.arange(24).expand(2, -1)
    seen, valid = torch.zeros(2, 24, dtype=torch.bool), torch.ones(2, 24, dtype=torch.bool)
    seen[0, 3:5] = seen[1, 6] = True
    cache = looking.start(2, torch.float32)
    with torch.no_grad():
        parts = [t.split(stretch, 1) for t in (x, time, valid, seen)]
        ringed = torch.cat([looking.extend(*part, cache, s.flatten().nonzero()[:, 0]) for *part, s in zip(*parts, strict=True)], 1)
        assert torch.equal(ringed, looking(x, time, seen_R=seen.flatten().nonzero()[:, 0]))
