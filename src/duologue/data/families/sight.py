"""What the families share that are about pictures: things to show, with a held-out part, and how they are called.

Read `draw_thing` and `called` first.
"""

from dataclasses import replace

import numpy as np

from duologue.data.families.exchange import held_out, pick
from duologue.data.families.lexicon import NUMBERS, WORDS, a
from duologue.data.families.timing import Scene
from duologue.data.scenes.camera import Camera
from duologue.data.scenes.figure import ACTIONS
from duologue.data.scenes.ground import Ground
from duologue.data.scenes.stage import Figure, Prop, Stage, draw_look, draw_stage, place, repetitions
from duologue.data.scenes.stock import STYLES
from duologue.data.scenes.things import COLOURS, EMOJI, FONTS, SHAPES, TRAINING_LOOKS, Thing
from duologue.data.script import View

SHAPE_SHARE, EMOJI_SHARE, TEXT_SHARE = 15, 25, 15  # percent that only tests see
FAMILIAR = 0.1  # of what tests show
DRAWN_OTHERWISE = 0.7  # of the emoji and the texts in training: by other hands, in other fonts
REDRAWN = 100_000  # ways in which emoji are bent and coloured
CALM, COVERED = 0.4, 0.3  # of the scenes beside talk in training: nothing comes or goes, nobody moves, as before most cameras; of these: nothing is seen at all
COMES_S, STAYS_S, PERIOD_S = (0.5, 3.0), (1.5, 6.0), 1.1
PLACES = 4
READABLE = tuple(word for word in WORDS if 2 <= len(word) <= 7)  # written large enough to be read
DOING = {
    "jump": "jumping", "squat": "squatting", "wave": "waving", "clap": "clapping", "turn": "turning",
    "bow": "bowing", "kick": "kicking", "stretch": "stretching",
}  # fmt: skip


def unseen(thing: Thing) -> bool:
    """Whether only tests show this: a shape in this colour, an emoji in this style, a text in this font or this word."""
    if thing.kind == "shape":
        return held_out("shape", thing.name, thing.colour, share=SHAPE_SHARE)
    if thing.kind == "emoji":
        return thing.style in STYLES and held_out("emoji", thing.name, thing.style, share=EMOJI_SHARE)
    if thing.kind == "text" and thing.name.isalpha():
        return held_out("word", thing.name, share=TEXT_SHARE)
    if thing.kind == "text" and thing.look >= TRAINING_LOOKS:
        return False
    return held_out(thing.kind, thing.name, thing.look % len(FONTS), share=TEXT_SHARE)


def draw_thing(rng: np.random.Generator, split: str, kind: str) -> Thing:
    """Something of a kind ("shape", "emoji", "digit", "word" or "hand"), of the right side of the split."""
    wanted = split == "test" and rng.random() >= FAMILIAR
    while unseen(thing := _any_thing(rng, kind)) != wanted:
        pass
    if split == "train" and thing.kind in ("emoji", "text") and rng.random() < DRAWN_OTHERWISE:
        return thing._replace(look=TRAINING_LOOKS + int(rng.integers(REDRAWN)))
    return thing


def _any_thing(rng: np.random.Generator, kind: str) -> Thing:
    look, colour = int(rng.integers(1000)), pick(rng, tuple(COLOURS))
    return {
        "shape": Thing("shape", pick(rng, SHAPES), colour, look),
        "emoji": Thing("emoji", pick(rng, tuple(EMOJI)), "", look),
        "digit": Thing("text", str(rng.integers(21)), colour, look),
        "word": Thing("text", pick(rng, READABLE), colour, look),
        "hand": Thing("hand", str(rng.integers(1, 6)), "", look),
    }[kind]


def called(thing: Thing) -> str:
    """How one says what it is: "a red ball", "an apple", "the number five", "the word river"."""
    if thing.kind == "text":
        return f"the number {NUMBERS[int(thing.name)]}" if thing.name.isdigit() else f"the word {thing.name}"
    return a(f"{thing.colour} {thing.name}".strip())


def every_call() -> list[str]:
    """How all shapes and emoji are called."""
    shapes = [a(f"{colour} {shape}") for colour in COLOURS for shape in SHAPES]
    return [*shapes, *(a(shape) for shape in SHAPES), *(a(name) for name in EMOJI)]


def open_stage(scene: Scene, swift: bool = False) -> Stage:
    """An empty stage of the scene's split; for `swift` motion, a camera that sends nearly every picture."""
    stage = draw_stage(scene.rng, scene.split)
    return replace(stage, camera=stage.camera._replace(each=1, lost=min(stage.camera.lost, 0.03))) if swift else stage


def shows(scene: Scene, stage: Stage, events_s: list[float]) -> None:
    """The camera runs from the script's begin to its end; `events_s` is what the model reacts to."""
    scene.script.views.append(View(0.0, scene.script.length_s, stage.show, tuple(sorted(events_s)), stage))


def unrelated(rng: np.random.Generator, split: str, until_s: float) -> Stage:
    """What a camera may see while people talk of something else: things come and go, somebody moves; or all is still."""
    stage = draw_stage(rng, split)
    calm = split == "train" and rng.random() < CALM
    if calm and rng.random() < COVERED:
        return _covered(rng)
    stage.actors.extend(_still(rng, split) if calm else [_somebody(rng, until_s), *_passing(rng, split, until_s)])
    return stage


def _covered(rng: np.random.Generator) -> Stage:
    """A lens that is covered: one shade, most often a dark one."""
    return Stage(Ground("plain", int(rng.integers(1 << 31)), "train"), Camera(gain=(rng.random() ** 2,) * 3))


def _still(rng: np.random.Generator, split: str) -> list[Prop | Figure]:
    """Up to three things, or somebody who only stands there."""
    if rng.random() < 0.5:
        return [replace(_somebody(rng, 0.0), motions=())]
    kinds = [pick(rng, ("shape", "emoji", "digit", "hand")) for _ in range(rng.integers(4))]
    return [Prop(draw_thing(rng, split, kind), place(n, PLACES, rng), rng.uniform(0.2, 0.4)) for n, kind in enumerate(kinds)]


def _passing(rng: np.random.Generator, split: str, until_s: float) -> list[Prop]:
    props, now_s = [], 0.0
    while now_s < until_s:
        thing = draw_thing(rng, split, pick(rng, ("shape", "digit", "hand")))
        where, stays_s = place(int(rng.integers(PLACES)), PLACES, rng), rng.uniform(*STAYS_S)
        props.append(Prop(thing, where, rng.uniform(0.2, 0.4), now_s, now_s + stays_s))
        now_s += rng.uniform(*COMES_S)
    return props


def _somebody(rng: np.random.Generator, until_s: float) -> Figure:
    ends_s = np.arange(PERIOD_S, until_s, PERIOD_S)
    motions = repetitions(pick(rng, ACTIONS), ends_s, PERIOD_S, 0.0)
    return Figure(draw_look(rng), (rng.uniform(0.3, 0.7), 0.93), rng.uniform(0.4, 0.6), motions)
