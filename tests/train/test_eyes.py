"""Sight alone: what is asked of a picture, and that it is learned."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from duologue.config import tiny
from duologue.data import seen
from duologue.data.families.sight import unseen
from duologue.data.scenes import stock
from duologue.data.scenes.stage import Figure, Motion, Prop, draw_look
from duologue.data.scenes.things import COLOURS, SHAPES, Thing, nearest, shade
from duologue.media.patches import cut
from duologue.model.batch import Looks
from duologue.model.eyes import called as called_loss
from duologue.model.eyes import eye_loss
from duologue.model.eyes import named as named_loss
from duologue.model.interaction import KNOWN, SEEN, InteractionModel
from duologue.model.layout import PATCHES, VIEW
from duologue.train.eyes import eyes, written
from duologue.train.loop import Plan

WORDS = [written(of) for of in (seen.WORDS, seen.THERE)]


@pytest.fixture(autouse=True)
def no_packages(monkeypatch):
    """Emoji and photographs that need none; one thread, as the fixtures of the loop."""
    monkeypatch.setattr(stock, "emoji", lambda style, code: Image.new("RGBA", (96, 96), (200, 80, 20, 255)))
    monkeypatch.setattr(stock, "styles_of", lambda code: stock.TRAINING_STYLES)
    monkeypatch.setattr(seen, "_drawn", lambda: seen.CODES[:50])
    monkeypatch.setattr(stock, "photographs", lambda: {f"{n}.jpg": np.full((240, 320, 3), 90, np.uint8) for n in range(20)})
    torch.set_num_threads(1)


def looks_of(patches: torch.Tensor, wanted_A=None, there=()) -> Looks:
    """One kind of picture of which this is known."""
    wanted_A = torch.full((len(seen.ASPECTS),), seen.UNSEEN) if wanted_A is None else wanted_A
    there_K = torch.tensor([word in there for word in seen.THERE])
    about = (of.expand(len(patches), -1) for of in (wanted_A, there_K, torch.full((seen.JOINTS,), torch.nan)))
    return Looks(patches, *about, *WORDS, tuple(seen.ASPECTS.values()), seen.GROUPS)


def test_the_heads_have_a_place_for_every_answer():
    assert list(seen.ASPECTS.values())[-1] == seen.ASPECTS["drawing"] == len(seen.CODES) == KNOWN
    assert sum(seen.ASPECTS.values()) - KNOWN + len(seen.THERE) + seen.JOINTS == SEEN and sum(seen.GROUPS) == len(seen.THERE)


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


def test_all_that_is_there_is_told_and_how_somebody_stands():
    def there(*actors) -> set[str]:
        return {word for word, is_there in zip(seen.THERE, seen._there(actors, 1.0), strict=True) if is_there}

    star, lion, seven = Thing("shape", "star", "red"), Thing("emoji", "lion"), Thing("text", "7", "blue")
    props = [Prop(thing, (x, 0.5), 0.2) for thing, x in ((star, 0.2), (lion, 0.5), (seven, 0.8))]
    assert there(*props) == {"star", "red", "lion", "seven", "blue"}
    bowing, ends = (Figure(draw_look(np.random.default_rng(0)), (0.5, 0.9), 0.5, (Motion("bow", t, t + 1),)) for t in (0.5, 0.001))
    assert there(props[0], bowing) == {"star", "red", "bowing"}
    assert there(ends) == set()  # all but upright
    assert seen._posed(bowing, 1.0)[8] == pytest.approx(1) and np.isnan(seen._posed(props[0], 1.0)).all()


def test_a_look_is_of_its_side_of_the_split_and_repeats():
    for split in ("train", "test"):
        looks = [[seen.look(np.random.default_rng(n), split) for n in range(20)] for _ in range(2)]
        for one, same in zip(*looks, strict=True):
            assert one.picture.shape == (120, 160, 3) and one.picture.dtype == np.uint8
            assert all(np.array_equal(a, b, equal_nan=a.dtype == np.float32) for a, b in zip(one, same, strict=True))
        assert any((one.wanted_A != seen.UNSEEN).any() for one in looks[0])
        assert any(one.there_K.sum() > 2 for one in looks[0]) and any(not np.isnan(one.pose_J).any() for one in looks[0])


def test_a_shape_comes_in_any_colour_but_near_those_of_the_tests():
    rng = np.random.default_rng(0)
    props = [Prop(Thing("shape", shape, colour), (0.5, 0.5), 0.4) for shape in SHAPES for colour in COLOURS if not unseen(Thing("shape", shape, colour))]
    made = [seen._coloured(rng, prop) for prop in props for _ in range(5)]
    nameless = [prop.thing for prop in made if not prop.thing.colour]
    assert 0.3 < len(nameless) / len(made) < 0.5
    near = [thing._replace(colour=nearest(shade("", thing.look))) for thing in nameless]
    assert not any(map(unseen, near)) and len({thing.colour for thing in near}) == len(COLOURS)
    assert all(nearest(shade(colour, look)) == colour for colour in COLOURS for look in range(20))
    blobs = [seen._formless(rng, [prop])[0].thing for prop in props for _ in range(5)]
    formless = [thing for thing in blobs if thing.kind == "blob"]
    assert 0.2 < len(formless) / len(blobs) < 0.4 and {thing.colour for thing in formless} == set(COLOURS)
    assert seen.wanted([Prop(formless[0], (0.5, 0.5), 0.4)]) == {"colour": seen.HUES.index(formless[0].colour), "many": 0}
    assert seen._formless(rng, [props[0], props[-1]]) == [props[0], props[-1]]
    assert seen._coloured(rng, lion := Prop(Thing("emoji", "lion"), (0.5, 0.5), 0.4)) == lion
    assert "colour" not in seen.wanted([Prop(nameless[0], (0.5, 0.5), 0.4)])


def test_a_drawing_is_asked_for_by_its_code_point_and_tests_have_none():
    asked = [seen._drawing(np.random.default_rng(n)) for n in range(60)]
    assert all(of == {"drawing": seen.CODES.index(actor.thing.name)} for (actor,), of in asked)
    assert {actor.thing.style for (actor,), _ in asked} == set(stock.TRAINING_STYLES)
    shown = {split: [seen.look(np.random.default_rng(n), split).wanted_A[-1] for n in range(40)] for split in ("train", "test")}
    assert 4 < sum(code != seen.UNSEEN for code in shown["train"]) < 24 and set(shown["test"]) == {seen.UNSEEN}


def test_sight_learns_and_nothing_else_changes(tmp_path):
    torch.manual_seed(0)
    fresh = dict(InteractionModel(tiny()).named_parameters())
    learned = eyes(tiny(), Plan(out=tmp_path / "run", steps=60, warmup=1, decay=0.2, rate=3.0), rows=16)
    changed = {n for n, p in learned.named_parameters() if not torch.equal(p, fresh[n])}
    assert all(n.startswith(("fuse.stem", "seeing", "knowing")) for n in changed) and {"seeing.weight", "knowing.weight"} <= changed
    assert {n for n in fresh if n.startswith("fuse.stem")} <= changed
    rng = np.random.default_rng(9)
    pictures, *about = (np.stack(of) for of in zip(*(seen.look(rng, "train") for _ in range(100)), strict=True))
    looks = Looks(torch.from_numpy(np.ascontiguousarray(cut(pictures))), *map(torch.from_numpy, about), *WORDS, tuple(seen.ASPECTS.values()), seen.GROUPS)
    with torch.no_grad():
        before, after = ({k: float(v) for k, v in eye_loss(m, looks, torch.float32).items()} for m in (InteractionModel(tiny()), learned))
    assert all(after[name] < 0.98 * before[name] for name in ("seen", "there", "pose")), (before, after)  # it is a toy


def test_every_position_is_to_point_where_the_words_tokens_do():
    torch.manual_seed(0)
    model = InteractionModel(tiny())
    vectors = F.embedding(WORDS[0][:, :1], model.fuse.tokens).sum(1)
    star, red = seen.NAMES.index("star"), 0
    wanted = torch.full((len(seen.ASPECTS),), seen.UNSEEN)
    wanted[:2] = torch.tensor([star, red])
    looks = looks_of(torch.zeros(1, PATCHES, 40, 40, 3, dtype=torch.uint8), wanted, {"star", "red"})
    right = (vectors[star] + vectors[len(seen.NAMES) + red]).expand(VIEW, -1)
    wrong = (vectors[star + 1] + vectors[len(seen.NAMES) + red + 1]).expand(VIEW, -1)
    one_wrong, one_right = torch.cat([right[1:], wrong[:1]]), torch.cat([wrong[1:], right[:1]])
    named, called = ([loss(model, x[None], looks).item() for x in (right, one_wrong, one_right, wrong)] for loss in (named_loss, called_loss))
    assert named == sorted(named) and called == sorted(called)
    assert called[2] - called[0] < 0.75 * (called[3] - called[0])  # one that is right says it


def test_the_words_are_the_answers_of_the_first_aspects():
    sizes = list(seen.ASPECTS.values())
    assert len(seen.WORDS) == sum(sizes[:5]) == len(WORDS[0])
    number = sum(sizes[:2])
    assert seen.WORDS[number + 17] == "seventeen"
    assert seen.WORDS[number + 21] == "one" and seen.WORDS[number + 26] == "one"  # fingers; how many there are
