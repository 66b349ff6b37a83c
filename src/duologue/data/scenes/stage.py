"""A stage: actors on a ground before a camera. Read `Stage.show` first.

Places are shares of the canvas (0, 0 the upper left corner, 1, 1 the lower right); sizes are shares of its height; times
are seconds from the view's begin.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from PIL import Image, ImageDraw

from duologue.data.scenes.camera import CANVAS, Camera, draw_camera, photograph, seen_at
from duologue.data.scenes.figure import ACTIONS, Look, Pose, draw, pose
from duologue.data.scenes.ground import Ground, draw_ground, paint
from duologue.data.scenes.things import COLOURS, SKIN, Thing, sprite

FOREVER_S = 1e9
APPEARS_S = 0.15  # how long a thing takes to be all there


class Actor(Protocol):
    """Anything that paints itself onto the canvas."""

    def paint(self, canvas: Image.Image, seconds: float) -> None: ...


class Prop(NamedTuple):
    """A thing that is there from `begin_s` to `end_s`. It moves in a line by `speed` (shares a second) from `place`, bouncing
    off the borders; at `becomes_s` it turns into `then`."""

    thing: Thing
    place: tuple[float, float]
    size: float
    begin_s: float = 0.0
    end_s: float = FOREVER_S
    speed: tuple[float, float] = (0.0, 0.0)
    becomes_s: float = FOREVER_S
    then: Thing | None = None

    def paint(self, canvas: Image.Image, seconds: float) -> None:
        if not self.begin_s <= seconds < self.end_s:
            return
        grown = min(1.0, 0.4 + (seconds - self.begin_s) / APPEARS_S) if self.begin_s > 0 else 1.0
        thing = self.then if self.then and seconds >= self.becomes_s else self.thing
        image = sprite(thing, max(4, round(self.size * grown * CANVAS[1])))
        x, y = (_bounced(p + v * (seconds - self.begin_s), self.size / 2) for p, v in zip(self.place, self.speed, strict=True))
        canvas.paste(image, (round(x * CANVAS[0] - image.width / 2), round(y * CANVAS[1] - image.height / 2)), image)


def _bounced(at: float, margin: float) -> float:
    """A coordinate between the margins, reflected at them."""
    room = 1 - 2 * margin
    if room <= 0 or 0 <= at - margin <= room:
        return at
    return margin + room - abs((at - margin) % (2 * room) - room)


class Motion(NamedTuple):
    """One repetition of an action; `part` of it before it turns back, less than one where it is broken off."""

    action: str
    begin_s: float
    end_s: float
    part: float = 1.0

    def pose(self, seconds: float) -> Pose:
        phase = (seconds - self.begin_s) / (self.end_s - self.begin_s)
        half = 0.5 * self.part
        return pose(self.action, phase if self.part == 1 else half * (1 - abs(2 * phase - 1)))


@dataclass(frozen=True)
class Figure:
    """Somebody who moves, and between motions stands still."""

    look: Look
    place: tuple[float, float]  # of the feet
    height: float
    motions: tuple[Motion, ...] = ()
    begin_s: float = 0.0
    end_s: float = FOREVER_S

    def paint(self, canvas: Image.Image, seconds: float) -> None:
        if self.begin_s <= seconds < self.end_s:
            feet = self.place[0] * CANVAS[0], self.place[1] * CANVAS[1]
            draw(ImageDraw.Draw(canvas), self.pose(seconds), self.look, feet, self.height * CANVAS[1])

    def pose(self, seconds: float) -> Pose:
        now = next((m for m in self.motions if m.begin_s <= seconds < m.end_s), None)
        return now.pose(seconds) if now else Pose()


@dataclass(frozen=True)
class Stage:
    """What there is to see."""

    ground: Ground
    camera: Camera
    actors: list[Actor] = field(default_factory=list)

    def show(self, seconds: float) -> np.ndarray | None:
        """The picture so many seconds after the view began, uint8 [120, 160, 3]; None when the camera loses it.

        Raises:
            DataError: photographs or emoji are not installed (see `stock`).
        """
        canvas = self._painted.copy()
        for actor in self.actors:
            actor.paint(canvas, seconds)
        return photograph(self.camera, canvas, seconds)

    def seen_at(self, event_s: float) -> float:
        """From when something that happens can be seen: later than `event_s` where pictures are lost."""
        return seen_at(self.camera, event_s)

    def happened(self, before_s: float, now_s: float) -> tuple[int, int, int]:
        """What whoever stands before all has finished since `before_s` and is at now, 1 + a place in ACTIONS; whether things came (1) or went (2)."""
        motions = next((actor.motions for actor in reversed(self.actors) if isinstance(actor, Figure)), ())
        done = next((m.action for m in motions if m.part == 1 and before_s < m.end_s <= now_s), None)
        doing = next((m.action for m in motions if m.begin_s <= now_s < m.end_s), None)
        props = [actor for actor in self.actors if isinstance(actor, Prop)]
        came = any(before_s < p.begin_s <= now_s or before_s < p.becomes_s <= now_s for p in props)
        went = any(before_s < p.end_s <= now_s for p in props)
        return 1 + ACTIONS.index(done) if done else 0, 1 + ACTIONS.index(doing) if doing else 0, came + 2 * went

    @cached_property
    def _painted(self) -> Image.Image:
        return paint(self.ground, CANVAS)


def draw_stage(rng: np.random.Generator, split: str) -> Stage:
    """An empty stage; in tests, one in five is a screen filmed again."""
    return Stage(draw_ground(rng, split), draw_camera(rng, screen=split == "test" and rng.random() < 0.2))


def filmed_again(stage: Stage) -> Stage:
    """The same on a screen, filmed again."""
    return replace(stage, camera=stage.camera._replace(screen=True))


def draw_look(rng: np.random.Generator) -> Look:
    """Somebody at random."""
    shirt, trousers = (str(c) for c in rng.choice(list(COLOURS), 2, replace=False))
    return Look(shirt, trousers, int(rng.integers(len(SKIN))), float(rng.uniform(0.6, 1.5)), int(rng.integers(1000)))


def repetitions(action: str, ends_s: Sequence[float], lasts_s: float, begin_s: float) -> tuple[Motion, ...]:
    """Motions that end at these times, each `lasts_s` long, or shorter where there is no room."""
    starts = [max(before, end - lasts_s) for before, end in zip([begin_s, *ends_s], ends_s, strict=False)]
    return tuple(Motion(action, start, end) for start, end in zip(starts, ends_s, strict=True))


def place(number: int, of: int, rng: np.random.Generator) -> tuple[float, float]:
    """Where the thing of this number stands among `of` side by side (in two rows from four on)."""
    rows = 1 if of <= 3 else 2
    columns = -(-of // rows)
    row, column = divmod(number, columns)
    x = (column + 0.5) / columns + rng.uniform(-0.06, 0.06) / columns
    y = (row + 0.5) / rows + rng.uniform(-0.1, 0.1) / rows
    return float(np.clip(x, 0.14, 0.86)), float(np.clip(y, 0.17, 0.83))
