"""An articulated figure that moves: jumps, squats, waves, claps, turns, bows, kicks, stretches. Read `pose` and `draw` first."""

from typing import NamedTuple

import numpy as np
from PIL import ImageDraw

from duologue.data.scenes.things import SKIN, shade

ACTIONS = ("jump", "squat", "wave", "clap", "turn", "bow", "kick", "stretch")


class Pose(NamedTuple):
    """Angles in degrees, from hanging down (0) outwards to straight up (180); lengths in body heights. At first: at rest."""

    lift: float = 0.0  # of the feet over the ground
    crouch: float = 0.0  # 0 upright to 1 knees fully bent
    arms: tuple[float, float] = (12.0, 12.0)  # left, right upper arm
    elbows: tuple[float, float] = (0.0, 0.0)  # how much the forearm goes on turning
    legs: tuple[float, float] = (6.0, 6.0)
    lean: float = 0.0  # of the upper body, to the side that it faces
    facing: float = 1.0  # width of the body: 1 to the front, 0 from the side, -1 to the back


class Look(NamedTuple):
    """Whom one sees."""

    shirt: str
    trousers: str
    skin: int
    thick: float = 1.0
    shades: int = 0


def pose(action: str, phase: float) -> Pose:
    """A repetition of an action, phase 0 to 1; all but "wave" and "clap" begin and end at rest."""
    swing, half = np.sin(np.pi * phase), np.sin(2 * np.pi * phase)
    if action == "jump":
        air = np.clip((phase - 0.25) / 0.5, 0, 1)
        bent = 0.45 * (np.sin(np.pi * np.clip(phase / 0.25, 0, 1)) + np.sin(np.pi * np.clip((phase - 0.75) / 0.25, 0, 1)))
        return Pose(lift=0.3 * np.sin(np.pi * air), crouch=bent, arms=(12 + 110 * np.sin(np.pi * air),) * 2)
    return {
        "squat": Pose(crouch=swing, arms=(12 + 78 * swing,) * 2),
        "wave": Pose(arms=(12, 130), elbows=(0, 25 + 50 * half)),
        "clap": Pose(arms=(88 - 40 * swing,) * 2, elbows=(-105 * swing,) * 2),
        "turn": Pose(facing=np.cos(2 * np.pi * phase)),
        "bow": Pose(lean=75 * swing),
        "kick": Pose(legs=(6, 6 + 80 * swing)),
        "stretch": Pose(arms=(12 + 160 * swing,) * 2),
    }[action]


def draw(canvas: ImageDraw.ImageDraw, body: Pose, look: Look, feet: tuple[float, float], height: float) -> None:
    """The figure with its feet at this pixel, `height` pixels tall when upright."""
    joint = _joints(body)
    at = {name: (feet[0] + x * height, feet[1] - y * height) for name, (x, y) in joint.items()}
    shirt, trousers, skin = shade(look.shirt, look.shades), shade(look.trousers, look.shades), SKIN[look.skin]
    limb = 0.075 * height * look.thick
    for side in "lr":
        _line(canvas, [at["hip"], at[f"knee_{side}"], at[f"foot_{side}"]], limb, trousers)
    _line(canvas, [at["hip"], at["neck"]], limb * (1.3 + abs(body.facing)), shirt)
    for side in "lr":
        _line(canvas, [at[f"shoulder_{side}"], at[f"elbow_{side}"], at[f"hand_{side}"]], limb * 0.8, shirt)
        _dot(canvas, at[f"hand_{side}"], limb * 0.55, skin)
    radius = 0.085 * height
    _dot(canvas, at["head"], radius, skin)
    _face(canvas, at["head"], radius, body.facing, look)


def _face(canvas, head, radius: float, facing: float, look: Look) -> None:
    """Eyes and hair, or the back of the head: they tell how the figure stands."""
    hair = tuple(int(c * 0.35) for c in SKIN[(look.skin + 3) % len(SKIN)])
    box = (head[0] - radius, head[1] - radius, head[0] + radius, head[1] + radius)
    canvas.pieslice(box, *((180, 360) if facing > 0 else (0, 360)), fill=hair)
    if facing > 0:
        canvas.pieslice((box[0], head[1] - 0.4 * radius, box[2], box[3]), 0, 180, fill=SKIN[look.skin])
        for x in (-0.35, 0.35):
            _dot(canvas, (head[0] + x * radius * facing, head[1] + 0.1 * radius), max(1.0, 0.16 * radius), (20, 20, 20))


def _joints(body: Pose) -> dict[str, tuple[float, float]]:
    """Joints in body heights, y upwards from the ground under the feet."""
    thigh = shin = 0.235
    drop = body.crouch * 0.22
    hip = (0.0, body.lift + thigh + shin - drop)
    lean = np.radians(body.lean)
    up = np.array([np.sin(lean), np.cos(lean)])
    across = np.array([np.cos(lean), -np.sin(lean)])
    neck = np.array(hip) + 0.3 * up
    joint = {"hip": hip, "neck": tuple(neck), "head": tuple(neck + 0.12 * up)}
    for side, sign, k in (("l", -1, 0), ("r", 1, 1)):
        shoulder = neck + across * sign * 0.09 * body.facing - 0.03 * up
        elbow = shoulder + 0.15 * _direction(body.arms[k], sign * body.facing, lean)
        hand = elbow + 0.15 * _direction(body.arms[k] + body.elbows[k], sign * body.facing, lean)
        foot_angle = np.radians(body.legs[k])
        reach = np.array([sign * np.sin(foot_angle) * (0.5 + 0.5 * abs(body.facing)), -np.cos(foot_angle)])
        foot = np.array(hip) + (thigh + shin) * reach * np.array([1, 1 - drop / (thigh + shin)])
        knee = (np.array(hip) + foot) / 2 + np.array([sign * body.crouch * 0.13, 0.02 * body.crouch])
        joint |= {f"shoulder_{side}": tuple(shoulder), f"elbow_{side}": tuple(elbow), f"hand_{side}": tuple(hand)}
        joint |= {f"knee_{side}": tuple(knee), f"foot_{side}": tuple(foot)}
    return joint


def _direction(angle: float, side: float, lean: float) -> np.ndarray:
    """Unit vector of an arm: 0 hangs down, 90 points outwards, 180 up; seen from the side it is short."""
    a = np.radians(angle)
    return np.array([side * np.sin(a) - 0.3 * np.sin(lean), -np.cos(a)])


def _line(canvas, points, width: float, fill) -> None:
    canvas.line([*points], fill, max(2, round(width)), joint="curve")
    for point in points:
        _dot(canvas, point, width / 2, fill)


def _dot(canvas, point, radius: float, fill) -> None:
    x, y = point
    canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill)
