"""What the camera sees: things look like what they are called, and nothing is asked before it can be seen."""

import io
import json
import sys
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from duologue.data.families.sight import draw_thing
from duologue.data.scenes import stock
from duologue.data.scenes.camera import CANVAS, Camera, arrives, draw_camera, photograph, seen_at
from duologue.data.scenes.figure import ACTIONS, Pose, pose
from duologue.data.scenes.ground import KINDS, Ground, for_tests, paint
from duologue.data.scenes.stage import FOREVER_S, Figure, Motion, Prop, Stage, draw_look, filmed_again, repetitions
from duologue.data.scenes.things import COLOURS, FONTS, SHAPES, TRAINING_FONTS, TRAINING_LOOKS, Thing, font_of, sprite
from duologue.data.script import reply_at
from duologue.errors import DataError
from duologue.turn import TURN_MS

PLAIN = Ground("plain", 3, "train")
TURN_S = TURN_MS / 1000


def seen(thing: Thing) -> np.ndarray:
    """RGBA of a thing, 60 pixels high."""
    return np.asarray(sprite(thing, 60)).astype(float)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_shape_has_the_colour_that_it_is_called_by(colour):
    for look in range(0, 40, 4):  # without a border
        rgba = seen(Thing("shape", "square", colour, look))
        mean = rgba[rgba[..., 3] > 250][:, :3].mean(0)
        nearest = min(COLOURS, key=lambda name: np.abs(np.array(COLOURS[name]) - mean).sum())
        assert nearest == colour, (look, mean)


def test_no_two_shapes_digits_or_hands_look_alike():
    shapes = [Thing("shape", name, "red", 0) for name in SHAPES if name != "ball"]
    digits = [Thing("text", str(n), "black", 0) for n in range(10)]
    hands = [Thing("hand", str(n), "", 0) for n in range(6)]
    for group in (shapes, digits, hands):
        looks = [np.asarray(sprite(thing, 60).resize((60, 60))).astype(float).mean(-1) for thing in group]
        assert min(np.abs(a - b).mean() for a, b in combinations(looks, 2)) > 1.5
    ball, disc = (seen(Thing("shape", name, "red", 0)) for name in ("ball", "circle"))
    assert ball[ball[..., 3] > 250].std(0).max() > 5 * disc[disc[..., 3] > 250].std(0).max()


def test_training_has_a_drawing_bent_mirrored_and_in_other_colours_and_tests_have_it_as_it_is(monkeypatch):
    drawn = Image.new("RGBA", (96, 96))
    drawn.paste((200, 80, 20, 255), (10, 10, 40, 90))
    monkeypatch.setattr(stock, "emoji", lambda style, code: drawn)
    as_it_is, again = (seen(Thing("emoji", "apple", "", look)) for look in (7, 8))
    assert np.array_equal(as_it_is, again)
    others = [seen(Thing("emoji", "apple", "", TRAINING_LOOKS + n)) for n in range(30)]
    assert all((np.abs(a - b) > 40).any() for a, b in combinations([as_it_is, *others], 2))
    sides = [other[..., 3].sum(0)[:30].sum() > other[..., 3].sum(0)[30:].sum() for other in others]
    assert 5 < sum(sides) < 25
    assert all(0.1 * as_it_is[..., 3].sum() < other[..., 3].sum() < 2 * as_it_is[..., 3].sum() for other in others)


def test_training_reads_more_fonts_than_tests():
    fonts = {split: {font_of(draw_thing(np.random.default_rng(n), split, "digit")) for n in range(200)} for split in ("train", "test")}
    assert fonts == {"train": {*FONTS, *TRAINING_FONTS}, "test": set(FONTS)} and not {*FONTS} & {*TRAINING_FONTS}
    pictures = {sprite(Thing("text", "17", "red", TRAINING_LOOKS + k), 60).tobytes() for k in range(len(TRAINING_FONTS))}
    assert len(pictures) == len(TRAINING_FONTS)


def test_a_blob_is_like_no_other_and_fills_its_place():
    blobs = [np.asarray(sprite(Thing("blob", "", "red", look), 60))[..., 3] > 128 for look in range(20)]
    assert all((a != b).mean() > 0.03 for k, a in enumerate(blobs) for b in blobs[:k])
    assert all(np.ptp(np.flatnonzero(blob.any(axis))) > 50 for blob in blobs for axis in (0, 1))


def test_every_action_moves_comes_back_and_is_like_no_other():
    for action in ACTIONS:
        flat = {p: np.hstack([np.ravel(x) for x in pose(action, p)]) for p in (0, 0.25, 0.5, 1)}
        assert np.abs(flat[1] - flat[0]).max() < 1e-6
        assert np.abs(flat[0.5] - flat[0]).max() > 0.1 or np.abs(flat[0.25] - flat[0]).max() > 0.1
    middle = [np.hstack([np.ravel(x) for x in pose(action, 0.3)]) for action in ACTIONS]
    assert min(np.abs(a - b).max() for a, b in combinations(middle, 2)) > 0.2


def test_a_motion_that_is_broken_off_turns_back_half_way():
    whole, half = Motion("squat", 0.0, 1.0), Motion("squat", 0.0, 1.0, part=0.35)
    deepest = [max(m.pose(t).crouch for t in np.linspace(0, 0.999, 50)) for m in (whole, half)]
    assert deepest[0] > 0.99 and 0.2 < deepest[1] < 0.6
    assert half.pose(0.0).crouch == pytest.approx(half.pose(1.0).crouch, abs=0.01)


def test_repetitions_end_when_they_are_told_to_and_do_not_overlap():
    found = repetitions("jump", [2.0, 3.0, 3.5], 0.8, 1.0)
    assert [m.end_s for m in found] == [2.0, 3.0, 3.5]
    assert [m.begin_s for m in found] == pytest.approx([1.2, 2.2, 3.0])
    figure = Figure(draw_look(np.random.default_rng(0)), (0.5, 0.9), 0.6, found)
    assert figure.pose(2.1) == Pose() != figure.pose(2.6)


def test_a_thing_is_there_from_its_begin_to_its_end_and_changes_when_it_should():
    red, blue = Thing("shape", "square", "red"), Thing("shape", "square", "blue")
    stage = Stage(PLAIN, Camera(), [Prop(red, (0.5, 0.5), 0.5, 1.0, 3.0, becomes_s=2.0, then=blue)])
    middle = {t: stage.show(t)[60, 80].astype(int) for t in (0.9, 1.3, 1.9, 2.1, 2.9, 3.1)}
    assert np.array_equal(middle[0.9], middle[3.1])
    assert all(middle[t][0] > middle[t][2] + 80 for t in (1.3, 1.9))
    assert all(middle[t][2] > middle[t][0] + 80 for t in (2.1, 2.9))


def test_what_drifts_stays_in_the_picture():
    prop = Prop(Thing("shape", "square", "red", 0), (0.3, 0.6), 0.3, 0.0, FOREVER_S, (0.31, -0.17))
    for seconds in np.linspace(0, 40, 60):
        canvas = Image.new("RGB", CANVAS, (0, 0, 255))
        prop.paint(canvas, seconds)
        reds = (np.asarray(canvas)[..., 0] > 128).sum()
        assert reds > 0.8 * (0.3 * CANVAS[1]) ** 2 * 0.92**2


def test_a_stage_shows_the_same_whenever_it_is_asked():
    rng = np.random.default_rng(1)
    stage = Stage(Ground("cloudy", 5, "train"), draw_camera(rng)._replace(lost=0.2, noise=5.0, shake=2.0, each=1))
    first, again = ([stage.show(t) for t in times] for times in (np.arange(20) * 0.2, np.arange(20)[::-1] * 0.2))
    assert sum(image is None for image in first) in range(1, 12)
    for a, b in zip(first, again[::-1]):
        assert (a is None and b is None) or np.array_equal(a, b)
        assert a is None or (a.shape == (120, 160, 3) and a.dtype == np.uint8)


def test_a_perfect_camera_changes_nothing():
    canvas = paint(Ground("checks", 2, "test"), CANVAS)
    half = canvas.resize((160, 120), Image.Resampling.BILINEAR)
    assert np.abs(photograph(Camera(), canvas, 0.0).astype(int) - np.asarray(half)).mean() < 4


def test_a_hand_that_shakes_shows_nothing_beyond_the_scene():
    bright = Image.new("RGB", CANVAS, (200, 200, 200))
    shaken = [photograph(Camera(seed, shake=6.0), bright, t / 5) for seed in range(4) for t in range(10)]
    assert min(image.min() for image in shaken) == 200
    marked = bright.copy()
    marked.paste((0, 0, 0), (150, 100, 170, 140))
    first, later = (photograph(Camera(1, shake=6.0), marked, t).astype(int) for t in (0.0, 0.6))
    assert np.abs(first - later).max() > 50  # it does shake


def test_a_screen_filmed_again_is_another_picture_of_the_same():
    stage = Stage(Ground("graded", 2, "test"), Camera(7), [Prop(Thing("shape", "star", "red", 0), (0.5, 0.5), 0.5)])
    plain, again = stage.show(0.0).astype(int), filmed_again(stage).show(0.0).astype(int)
    assert np.abs(plain - again).mean() > 10
    assert again[60, 80, 0] > again[60, 80, 2] + 40  # the star is still red, and there


@pytest.mark.parametrize("seed", range(40))
def test_nobody_reacts_to_what_no_picture_has_shown(seed):
    """Wherever the turns' borders lie: before the reaction begins, a picture taken after the event has come."""
    rng = np.random.default_rng(seed)
    camera, view_s, event_s = draw_camera(rng), rng.uniform(0, 5), rng.uniform(0, 10)
    own_s = reply_at(view_s + seen_at(camera, event_s))
    ends = [t for t in np.arange(1, 120) * TURN_S if t - 0.001 >= view_s + event_s and t <= own_s + 1e-9]
    assert any(arrives(camera, int((t - 0.001 - view_s) / TURN_S)) for t in ends)
    assert own_s - view_s - event_s < 3.0


def test_an_event_before_a_perfect_camera_is_seen_at_once():
    assert seen_at(Camera(), 3.21) == 3.21


@pytest.mark.parametrize("kind", sorted({*KINDS["train"], *KINDS["test"]} - {"photograph"}))
def test_grounds_are_pictures_and_follow_from_their_seed(kind):
    one, two, other = (np.asarray(paint(Ground(kind, seed, "train"), (160, 120))) for seed in (1, 1, 2))
    assert one.shape == (120, 160, 3) and np.array_equal(one, two) and not np.array_equal(one, other)
    assert (one.std() < 80) if kind == "plain" else (one.reshape(-1, 3).std(0).max() > 2)


@pytest.fixture
def wallpapers(tmp_path, monkeypatch):
    """Forty photographs, each of one grey."""
    monkeypatch.setenv("DUOLOGUE_PHOTOGRAPHS", str(tmp_path / "walls"))
    monkeypatch.setenv("DUOLOGUE_CACHE", str(tmp_path))
    stock._photographs.cache_clear()
    (tmp_path / "walls").mkdir()
    for n in range(40):
        Image.new("RGB", (400, 300), (n * 6,) * 3).save(tmp_path / "walls" / f"{n}.png")
    yield
    stock._photographs.cache_clear()


def test_training_never_sees_the_photographs_of_the_tests(wallpapers):
    greys = {
        split: {round(np.asarray(paint(Ground("photograph", seed, split), (40, 30))).mean()) for seed in range(80)}
        for split in ("train", "test")
    }
    assert len(greys["train"]) > 20 and len(greys["test"]) > 3
    sides = [for_tests(f"{n}.png") for n in range(40)]
    assert 4 < sum(sides) < 20


def test_training_has_photographs_mirrored_turned_over_and_in_other_colours_and_tests_as_they_are(monkeypatch):
    slope = np.stack([np.mgrid[0:240, 0:320][k] * 0.5 + 40 for k in (0, 1)] + [np.full((240, 320), 30.0)], -1).astype(np.uint8)
    monkeypatch.setattr(stock, "photographs", lambda: {f"{n}.jpg": slope for n in range(20)})

    def slopes(split: str) -> set[tuple[bool, bool]]:
        pictures = [np.asarray(paint(Ground("photograph", seed, split), (40, 30))).sum(2).astype(int) for seed in range(60)]
        return {(bool(of[:10].sum() < of[-10:].sum()), bool(of[:, :10].sum() < of[:, -10:].sum())) for of in pictures}

    assert slopes("test") == {(True, True)} and len(slopes("train")) == 4
    blue = {split: [np.asarray(paint(Ground("photograph", seed, split), (40, 30)))[..., 2].mean() for seed in range(60)] for split in ("train", "test")}
    assert max(blue["test"]) <= 30 < np.mean(blue["train"])


def test_a_split_without_photographs_says_so(wallpapers, tmp_path):
    for path in (tmp_path / "walls").iterdir():
        if for_tests(path.name):
            path.unlink()
    with pytest.raises(DataError, match="is for test"):
        paint(Ground("photograph", 1, "test"), (40, 30))


def test_photographs_are_kept_and_made_anew_when_there_are_others(wallpapers, tmp_path):
    first = stock.photographs()
    assert len(first) == 40 and first["7.png"].shape == (240, 320, 3) and (first["7.png"] == 42).all()
    (tmp_path / "walls" / "7.png").unlink()
    stock._photographs.cache_clear()
    assert len(stock.photographs()) == 39


def test_what_is_not_installed_is_a_data_error_that_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("DUOLOGUE_PHOTOGRAPHS", str(tmp_path))
    with pytest.raises(DataError, match="apt install lomiri"):
        stock.photographs()
    monkeypatch.setattr(stock, "NOTO_FONT", tmp_path / "none.ttf")
    with pytest.raises(DataError, match="fonts-noto-color-emoji"):
        stock._noto("1F34E")
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(DataError, match="pip install 'duologue"):
        stock._drawn("openmoji", "1F34E")
    monkeypatch.setenv("DUOLOGUE_CACHE", str(tmp_path))
    (tmp_path / "openmoji").mkdir()
    (tmp_path / "openmoji" / "openmoji-17.0.0.tgz").write_bytes(b"something else")
    stock.drawings.cache_clear()
    with pytest.raises(DataError, match="wrong sha256"):
        stock.drawings("openmoji")


def test_a_style_has_an_emoji_by_its_code_point_or_by_one_of_its_names(tmp_path, monkeypatch):
    monkeypatch.setattr(stock, "drawings", lambda style: tmp_path)
    for name in ("lion", "ear-of-corn", "banana", "redapple", "1f43b"):
        (tmp_path / f"{name}.svg").touch()
    found = [stock._file("some", code) for code in ("1F981", "1F33D", "1F34C", "1F34E", "1F43B", "1F989")]
    assert [path and path.stem for path in found] == ["lion", "ear-of-corn", "banana", "redapple", "1f43b", None]


def test_any_emoji_can_be_shown_in_every_style_that_has_it(tmp_path, monkeypatch):
    monkeypatch.setattr(stock, "drawings", lambda style: tmp_path / style)
    stock.styles_of.cache_clear()
    for style, name in (("twemoji", "1f98a"), ("fluent", "fox"), ("openmoji", "1F98A")):
        (tmp_path / style).mkdir()
        (tmp_path / style / f"{name}.svg").write_text("<svg/>")
    assert set(stock.styles_of("1F98A")) == {"twemoji", "fluent", "openmoji"}
    assert {Thing("drawing", "1F98A", "", look).style for look in range(6)} == {"twemoji", "fluent", "openmoji"}
    assert stock.styles_of("1FAFF") == ()
    stock.styles_of.cache_clear()


def test_one_file_of_many_icons_becomes_one_each(tmp_path):
    resvg_py = pytest.importorskip("resvg_py")
    body = '<circle cx="8" cy="8" r="8" fill="#f00"/>'
    (tmp_path / "icons.json").write_text(json.dumps({"icons": {"dot": {"body": body}}, "width": 16, "height": 16}))
    folder = stock._each(tmp_path / "icons.json")
    assert [path.name for path in folder.iterdir()] == ["dot.svg"]
    drawn = resvg_py.svg_to_bytes(svg_string=(folder / "dot.svg").read_text(), width=32)
    with Image.open(io.BytesIO(bytes(drawn))) as image:
        assert image.size == (32, 32) and image.convert("RGBA").getpixel((16, 16)) == (255, 0, 0, 255)


def test_what_a_picture_shows_that_the_one_before_it_did_not():
    star = Thing("shape", "star", "red")
    figure = Figure(draw_look(np.random.default_rng(0)), (0.5, 0.9), 0.5, (Motion("bow", 1.0, 2.0), Motion("kick", 2.5, 3.0, part=0.35)))
    stage = Stage(PLAIN, Camera(0), [Prop(star, (0.2, 0.2), 0.2, 1.5, 2.9), figure])
    bow, kick = 1 + ACTIONS.index("bow"), 1 + ACTIONS.index("kick")
    happened = [stage.happened(t - 0.2, t) for t in (0.8, 1.2, 1.6, 2.0, 2.2, 2.6, 3.0)]
    assert happened == [(0, 0, 0), (0, bow, 0), (0, bow, 1), (bow, 0, 0), (0, 0, 0), (0, kick, 0), (0, 0, 2)]  # half a kick is none
