"""Pictures with what there is to see in them, for the eyes alone: all that `see` asks, without anybody who asks. Read `look`.

A picture takes a hundredth of a second to draw, and learning from it less: `looks` keeps the last ones and shows each several
times, disturbed.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from duologue.data.families import see
from duologue.data.families.exchange import pick
from duologue.data.families.lexicon import NUMBERS
from duologue.data.scenes.stage import Prop, draw_stage
from duologue.data.scenes.things import COLOURS, EMOJI, SHAPES

NAMES, HUES = (*SHAPES, *EMOJI), tuple(COLOURS)
ASPECTS = {
    "what": len(NAMES), "colour": len(HUES), "number": 21, "fingers": 5, "many": 6,
    "left": len(NAMES), "right": len(NAMES), "bigger": len(NAMES), "smaller": len(NAMES),
}  # fmt: skip
WORDS = (*NAMES, *HUES, *NUMBERS[:21], *NUMBERS[1:6], *NUMBERS[1:7])  # what answers the first five aspects
FIRST = 8  # batches' worth of pictures, without repetition, before the first batch
UNSEEN = -1  # of an aspect that a picture does not have
LOOK_S = 10.0  # how long what is shown stays: somewhere within, the picture is taken
FARTHEST = 14  # pixels that a picture is shifted
LARGER = 1.3  # of two things, from where on one is the bigger


class Look(NamedTuple):
    """A picture uint8 [120, 160, 3], and for each of ASPECTS which it is, or UNSEEN."""

    picture: np.ndarray
    wanted_A: np.ndarray


def look(rng: np.random.Generator, split: str) -> Look:
    """Something shown, as a camera sees it.

    Raises:
        DataError: photographs or emoji are not installed.
    """
    while True:
        stage, props = draw_stage(rng, split), see.still(rng, split).actors(0.0, LOOK_S)
        stage.actors.extend(props)
        picture = stage.show(rng.uniform(0.2, LOOK_S))
        if picture is not None:
            return Look(picture, np.array([wanted(props).get(aspect, UNSEEN) for aspect in ASPECTS]))


def wanted(props: Sequence[Prop]) -> dict[str, int]:
    """What can be said of one thing, of several like ones, or of two side by side."""
    things = [prop.thing for prop in props]
    if len({(thing.kind, thing.name) for thing in things}) == 2:
        return {"many": 1} | _compared(props)
    found = {"colour": HUES.index(things[0].colour)} if things[0].colour else {}
    if things[0].kind in ("shape", "emoji"):
        found |= {"what": NAMES.index(things[0].name), "many": len(things) - 1}
    if things[0].name.isdigit():
        found |= {"number": int(things[0].name)} if things[0].kind == "text" else {"fingers": int(things[0].name) - 1}
    return found


def _compared(props: Sequence[Prop]) -> dict[str, int]:
    left, right = sorted(props, key=lambda prop: prop.place[0])
    small, big = sorted(props, key=lambda prop: prop.size)
    told = {"left": left, "right": right} | ({"smaller": small, "bigger": big} if big.size > LARGER * small.size else {})
    return {aspect: NAMES.index(prop.thing.name) for aspect, prop in told.items()}


def looks(rng: np.random.Generator, rows: int, uses: int, kept: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Without end: pictures uint8 [rows, 120, 160, 3], each drawn about `uses` times from the last `kept`, and what is wanted of
    each [rows, ASPECTS]."""
    pool = deque((look(rng, "train") for _ in range(FIRST * rows)), kept)
    while True:
        pool.extend(look(rng, "train") for _ in range(max(1, rows // uses)))
        found = [pick(rng, pool) for _ in range(rows)]
        yield np.stack([disturbed(one.picture, rng) for one in found]), np.stack([one.wanted_A for one in found])


def disturbed(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pictures uint8 [..., 120, 160, 3] of one camera: under another light, with another white balance, and looking a little
    elsewhere; what leaves at one side comes in at the other."""
    gain = (rng.uniform(0.85, 1.15) * rng.uniform(0.95, 1.05, 3)).astype(np.float32)
    lit = np.clip(pictures * gain + np.float32(rng.uniform(-15, 15)), 0, 255).astype(np.uint8)
    return np.roll(lit, tuple(rng.integers(-FARTHEST, FARTHEST + 1, 2)), (-3, -2))
