"""Sight alone: what is asked of a picture, and that it is learned."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from duologue.config import tiny
from duologue.data import seen
from duologue.data.scenes import stock
from duologue.data.scenes.stage import Prop
from duologue.data.scenes.things import Thing
from duologue.media.patches import cut
from duologue.model.batch import Looks
from duologue.model.interaction import SEEN, InteractionModel
from duologue.model.layout import PATCHES, VIEW
from duologue.train.eyes import eyes, written
from duologue.train.loop import Plan


@pytest.fixture(autouse=True)
def no_packages(monkeypatch):
    """Emoji and photographs that need none; one thread, as the fixtures of the loop."""
    monkeypatch.setattr(stock, "emoji", lambda style, code: Image.new("RGBA", (96, 96), (200, 80, 20, 255)))
    monkeypatch.setattr(stock, "photographs", lambda: {f"{n}.jpg": np.full((240, 320, 3), 90, np.uint8) for n in range(20)})
    torch.set_num_threads(1)


def test_the_head_has_a_place_for_every_answer():
    assert sum(seen.ASPECTS.values()) == SEEN


def test_what_is_wanted_of_one_thing_of_many_and_of_two():
    star, lion = Thing("shape", "star", "red"), Thing("emoji", "lion")
    assert seen.wanted([Prop(star, (0.5, 0.5), 0.4)]) == {"what": seen.NAMES.index("star"), "colour": 0, "many": 0}
    assert seen.wanted([Prop(lion, (x, 0.5), 0.2) for x in (0.2, 0.5, 0.8)]) == {"what": seen.NAMES.index("lion"), "many": 2}
    assert seen.wanted([Prop(Thing("text", "17", "blue"), (0.5, 0.5), 0.4)]) == {"colour": 1, "number": 17}
    assert seen.wanted([Prop(Thing("hand", "3"), (0.5, 0.5), 0.4)]) == {"fingers": 2}
    assert seen.wanted([Prop(Thing("text", "river", "blue"), (0.5, 0.5), 0.4)]) == {"colour": 1}
    both = seen.wanted([Prop(star, (0.7, 0.5), 0.2), Prop(lion, (0.2, 0.5), 0.4)])
    names = {"left": "lion", "right": "star", "bigger": "lion", "smaller": "star"}
    assert both == {"many": 1} | {aspect: seen.NAMES.index(name) for aspect, name in names.items()}


def test_a_look_is_of_its_side_of_the_split_and_repeats():
    for split in ("train", "test"):
        one, same = (seen.look(np.random.default_rng(4), split) for _ in range(2))
        assert one.picture.shape == (120, 160, 3) and one.picture.dtype == np.uint8
        assert np.array_equal(one.picture, same.picture) and np.array_equal(one.wanted_A, same.wanted_A)
        assert (one.wanted_A != seen.UNSEEN).any()


def test_sight_learns_and_nothing_else_changes(tmp_path):
    torch.manual_seed(0)
    fresh = dict(InteractionModel(tiny()).named_parameters())
    learned = eyes(tiny(), Plan(out=tmp_path / "run", steps=60, warmup=1, decay=0.2, rate=3.0), rows=16)
    changed = {n for n, p in learned.named_parameters() if not torch.equal(p, fresh[n])}
    assert {n.split(".")[0] for n in changed} == {"fuse", "seeing"} and all(n.startswith(("fuse.stem", "seeing")) for n in changed)
    assert {n for n in fresh if n.startswith("fuse.stem")} <= changed
    rng = np.random.default_rng(9)
    pictures, wanted = (np.stack(both) for both in zip(*(seen.look(rng, "train") for _ in range(100)), strict=True))
    looks = Looks(torch.from_numpy(np.ascontiguousarray(cut(pictures))), torch.from_numpy(wanted), tuple(seen.ASPECTS.values()), written(seen.WORDS))
    with torch.no_grad():
        before, after = (float(m.eye_loss(looks, torch.float32)["seen"]) for m in (InteractionModel(tiny()), learned))
    assert after < 0.96 * before  # it is a toy


def test_every_position_is_to_point_where_the_words_tokens_do():
    torch.manual_seed(0)
    model, words = InteractionModel(tiny()), written(seen.WORDS)
    vectors = F.embedding(words[:, :1], model.fuse.tokens).sum(1)
    star, red = seen.NAMES.index("star"), 0
    wanted = torch.full((1, len(seen.ASPECTS)), seen.UNSEEN)
    wanted[0, :2] = torch.tensor([star, red])
    patches = torch.zeros(1, PATCHES, 40, 40, 3, dtype=torch.uint8)
    looks = Looks(patches, wanted, tuple(seen.ASPECTS.values()), words)

    def named(positions: torch.Tensor) -> float:
        return float(model._named(positions[None], looks))

    right = (vectors[star] + vectors[len(seen.NAMES) + red]).expand(VIEW, -1)
    wrong = (vectors[star + 1] + vectors[len(seen.NAMES) + red + 1]).expand(VIEW, -1)
    one_wrong = torch.cat([right[1:], wrong[:1]])
    assert named(right) < named(one_wrong) < named(wrong)


def test_the_words_are_the_answers_of_the_first_aspects():
    sizes = list(seen.ASPECTS.values())
    assert len(seen.WORDS) == sum(sizes[:5]) == len(written(seen.WORDS))
    number = sum(sizes[:2])
    assert seen.WORDS[number + 17] == "seventeen"
    assert seen.WORDS[number + 21] == "one" and seen.WORDS[number + 26] == "one"  # fingers; how many there are
