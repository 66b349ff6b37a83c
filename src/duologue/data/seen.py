"""Pictures with what there is to see in them, for the eyes alone: things to be asked about as in `see`, several things as in
`watch`, somebody who moves as in `count`, and in training emoji that nobody asks about. Read `look`.

A picture takes a hundredth of a second to draw, and learning from it less: `looks` keeps the last ones and shows each several
times, disturbed.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from duologue.data.families import see
from duologue.data.families.exchange import pick
from duologue.data.families.lexicon import NUMBERS
from duologue.data.families.rule import chance
from duologue.data.families.sight import DOING, REDRAWN, draw_thing, unseen
from duologue.data.scenes import stock
from duologue.data.scenes.figure import Pose
from duologue.data.scenes.stage import Actor, Figure, Motion, Prop, draw_look, draw_stage, place
from duologue.data.scenes.things import COLOURS, EMOJI, SHAPES, TRAINING_LOOKS, Thing, nearest, shade

NAMES, HUES = (*SHAPES, *EMOJI), tuple(COLOURS)
CODES = tuple(f"{code:X}" for codes in stock.ALL_EMOJI for code in codes)
ASPECTS = {
    "what": len(NAMES), "colour": len(HUES), "number": 21, "fingers": 5, "many": 6,
    "left": len(NAMES), "right": len(NAMES), "bigger": len(NAMES), "smaller": len(NAMES), "drawing": len(CODES),
}  # fmt: skip
WORDS = (*NAMES, *HUES, *NUMBERS[:21], *NUMBERS[1:6], *NUMBERS[1:7])  # what answers the first five aspects
THERE = (*NAMES, *HUES, *NUMBERS[:21], *DOING.values())  # what may be somewhere in a picture, whatever else there is
GROUPS = (len(NAMES), len(HUES), 21, len(DOING))  # of THERE, alike in kind
JOINTS = 10  # numbers of a pose
FIRST = 8  # batches' worth of pictures, without repetition, before the first batch
UNSEEN = -1  # of an aspect that a picture does not have
LOOK_S = 10.0  # how long what is shown stays: somewhere within, the picture is taken
FARTHEST = 14  # pixels that a picture is shifted
LARGER = 1.3  # of two things, from where on one is the bigger
STILL, SEVERAL = 0.4, 0.35  # shares of the pictures: of what `see` shows, of several things; the rest are of somebody
DRAWINGS = 0.3  # of the pictures in training: of any emoji, most without a name here
STYLES = 4  # in which a drawing is to be known at least
NAMELESS, FORMLESS = 0.4, 0.3  # of the shapes in training: in a colour that has no name, of a form that has none
PLACES, SMALL = 6, (0.2, 0.36)
RESTS, BROKEN, BESIDE = 0.15, 0.15, 0.3  # of somebody's pictures: standing still, half a move, something beside them
BODY = np.array([0.3, 1, 160, 160, 105, 105, 80, 80, 75, 1], np.float32)  # the farthest of each number of a pose


class Look(NamedTuple):
    """A picture uint8 [120, 160, 3], for each of ASPECTS which it is, or UNSEEN, which of THERE are there, and the pose of the one
    who stands before all, from -1 to 1, NaN where there is nobody."""

    picture: np.ndarray
    wanted_A: np.ndarray
    there_K: np.ndarray
    pose_J: np.ndarray


def look(rng: np.random.Generator, split: str) -> Look:
    """Something shown, as a camera sees it.

    Raises:
        DataError: photographs or emoji are not installed.
    """
    while True:
        stage, at_s = draw_stage(rng, split), rng.uniform(0.2, LOOK_S)
        actors, asked = _drawing(rng) if split == "train" and chance(rng, DRAWINGS) else _actors(rng, split, at_s)
        stage.actors.extend(actors)
        picture = stage.show(at_s)
        if picture is not None:
            return Look(picture, np.array([asked.get(aspect, UNSEEN) for aspect in ASPECTS]), _there(actors, at_s), _posed(actors[-1], at_s))


def _actors(rng: np.random.Generator, split: str, at_s: float) -> tuple[list[Actor], dict[str, int]]:
    """What is in a picture taken at that time, and what is asked of it."""
    kind = rng.random()
    still = kind < STILL
    actors = see.still(rng, split).actors(0.0, LOOK_S) if still else _several(rng, split) if kind < STILL + SEVERAL else _somebody(rng, split, at_s)
    if split == "train":
        actors = [_coloured(rng, actor) for actor in _formless(rng, actors)]
    return actors, wanted(actors) if still else {}


def _drawing(rng: np.random.Generator) -> tuple[list[Actor], dict[str, int]]:
    """Any emoji but those that are asked about, alone: what many hands have drawn shows what a hand may change."""
    code = pick(rng, _drawn())
    thing = Thing("drawing", code, "", TRAINING_LOOKS + int(rng.integers(REDRAWN)))
    return see.alone(thing, rng)(0.0, LOOK_S), {"drawing": CODES.index(code)}


@cache
def _drawn() -> tuple[str, ...]:
    return tuple(code for code in CODES if code not in EMOJI.values() and len(stock.styles_of(code)) >= STYLES)


def _several(rng: np.random.Generator, split: str, most: int = 5) -> list[Actor]:
    """Up to so many things, at places that do not overlap."""
    places = rng.permutation(PLACES)[: rng.integers(1, most + 1)]
    things = [draw_thing(rng, split, pick(rng, ("shape", "shape", "emoji", "emoji", "digit"))) for _ in places]
    return [Prop(thing, place(int(at), PLACES, rng), rng.uniform(*SMALL)) for thing, at in zip(things, places, strict=True)]


def _formless(rng: np.random.Generator, actors: list[Actor]) -> list[Actor]:
    """Perhaps without form, if all are one shape, so that a colour is known on anything."""
    kinds = {(actor.thing.kind, actor.thing.name) for actor in actors if isinstance(actor, Prop)}
    if len(kinds) != 1 or min(kinds)[0] != "shape" or not chance(rng, FORMLESS):
        return actors
    look = int(rng.integers(REDRAWN))
    return [a._replace(thing=Thing("blob", "", a.thing.colour, look)) if isinstance(a, Prop) else a for a in actors]


def _coloured(rng: np.random.Generator, actor: Actor) -> Actor:
    """Perhaps in another colour, so that a shape is known in any, if it is a shape; never in what is nearest to one that only tests show it in."""
    if not isinstance(actor, Prop) or actor.thing.kind != "shape" or not chance(rng, NAMELESS):
        return actor
    while unseen(actor.thing._replace(colour=nearest(shade("", look := int(rng.integers(REDRAWN)))))):
        pass
    return actor._replace(thing=actor.thing._replace(colour="", look=look))


def _somebody(rng: np.random.Generator, split: str, at_s: float) -> list[Actor]:
    """Somebody somewhere in a move at that time, and perhaps a bystander or things behind them."""
    beside = [Figure(draw_look(rng), (0.14, 0.6), 0.3, _moving(rng, at_s))] if chance(rng, BESIDE) else []
    beside += _several(rng, split, 2) if chance(rng, BESIDE) else []
    return [*beside, Figure(draw_look(rng), (rng.uniform(0.25, 0.75), 0.93), rng.uniform(0.5, 0.65), _moving(rng, at_s))]


def _moving(rng: np.random.Generator, at_s: float) -> tuple[Motion, ...]:
    if chance(rng, RESTS):
        return ()
    begin_s = at_s - rng.random()
    return (Motion(pick(rng, tuple(DOING)), begin_s, begin_s + 1, 0.35 if chance(rng, BROKEN) else 1.0),)


def _there(actors: Sequence[Actor], at_s: float) -> np.ndarray:
    """Which of THERE, bool [K]; of moves, those of whoever is not at rest just then."""
    things = [actor.thing for actor in actors if isinstance(actor, Prop)]
    names = {thing.name for thing in things if thing.kind in ("shape", "emoji")} | {thing.colour for thing in things}
    numbers = {NUMBERS[int(thing.name)] for thing in things if thing.kind == "text" and thing.name.isdigit()}
    moves = {DOING[actor.motions[0].action] for actor in actors if isinstance(actor, Figure) and actor.motions and np.abs(_posed(actor, at_s) - AT_REST).max() > 0.15}
    return np.array([word in names | numbers | moves for word in THERE])


def _posed(actor: Actor, at_s: float) -> np.ndarray:
    """Float32 [JOINTS]."""
    return _numbers(actor.pose(at_s)) if isinstance(actor, Figure) else np.full(JOINTS, np.nan, np.float32)


def _numbers(pose: Pose) -> np.ndarray:
    return np.hstack(pose).astype(np.float32) / BODY


AT_REST = _numbers(Pose())


def wanted(props: Sequence[Prop]) -> dict[str, int]:
    """What can be said of one thing, of several like ones, or of two side by side."""
    things = [prop.thing for prop in props]
    if len({(thing.kind, thing.name) for thing in things}) == 2:
        return {"many": 1} | _compared(props)
    found = {"colour": HUES.index(things[0].colour)} if things[0].colour else {}
    if things[0].kind in ("shape", "emoji", "blob"):
        found |= {"many": len(things) - 1}
    if things[0].name in NAMES:
        found |= {"what": NAMES.index(things[0].name)}
    if things[0].name.isdigit():
        found |= {"number": int(things[0].name)} if things[0].kind == "text" else {"fingers": int(things[0].name) - 1}
    return found


def _compared(props: Sequence[Prop]) -> dict[str, int]:
    left, right = sorted(props, key=lambda prop: prop.place[0])
    small, big = sorted(props, key=lambda prop: prop.size)
    told = {"left": left, "right": right} | ({"smaller": small, "bigger": big} if big.size > LARGER * small.size else {})
    return {aspect: NAMES.index(prop.thing.name) for aspect, prop in told.items()}


def looks(rng: np.random.Generator, rows: int, uses: int, kept: int) -> Iterator[tuple[np.ndarray, ...]]:
    """Without end: pictures uint8 [rows, 120, 160, 3], each drawn about `uses` times from the last `kept`, and of each the rest of
    its `Look`."""
    pool = deque((look(rng, "train") for _ in range(FIRST * rows)), kept)
    while True:
        pool.extend(look(rng, "train") for _ in range(max(1, rows // uses)))
        found = [pick(rng, pool) for _ in range(rows)]
        yield np.stack([disturbed(one.picture, rng) for one in found]), *(np.stack(of) for of in list(zip(*found, strict=True))[1:])


def disturbed(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pictures uint8 [..., 120, 160, 3] of one camera: under another light, with another white balance, and looking a little
    elsewhere; what leaves at one side comes in at the other."""
    gain = (rng.uniform(0.85, 1.15) * rng.uniform(0.95, 1.05, 3)).astype(np.float32)
    lit = np.clip(pictures * gain + np.float32(rng.uniform(-15, 15)), 0, 255).astype(np.uint8)
    return np.roll(lit, tuple(rng.integers(-FARTHEST, FARTHEST + 1, 2)), (-3, -2))
