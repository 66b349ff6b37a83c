"""What the timing families share: a scene with one user, recitals that fall silent, and quiet between what is wanted.

Read `Scene` and `recites` first.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from duologue.data.families import exchange
from duologue.data.script import Check, Line, Own, Script, Speech, reply_at
from duologue.errors import DataError

ANSWER_S = 2.5  # an answer must begin this soon after the user's end to count
SILENT_S = 0.6  # silence must begin this soon after the end of the stopping words
QUESTIONS = ("numbers", "facts", "order")


class Scene(NamedTuple):
    """A script being written, with what is needed to write it. `bank` is a `Bank`, or a test's stand-in."""

    script: Script
    rng: np.random.Generator
    bank: Any
    split: str
    voice: str

    def line(self, family: str, intent: str | None = None, where: Callable[[Line], bool] | None = None) -> Speech:
        """A line of this scene's user; by another voice when the bank has none of this one."""
        try:
            return self.bank.sample(self.rng, family, intent, self.voice, self.split, where)
        except DataError:
            return self.bank.sample(self.rng, family, intent, None, self.split, where)


def open_scene(family: str, rng: np.random.Generator, bank, split: str, voice: str | None) -> Scene:
    """An empty scene; without a voice, one that has lines of this family."""
    voice = voice or bank.sample(rng, family, split=split).voice
    return Scene(Script(family, 0.0, about={"split": split, "voice": voice, "items": []}), rng, bank, split, voice)


def plain(line: Line) -> bool:
    """Whether one short reply answers it."""
    return bool(line.answers) and "recital" not in line.slots


def question(scene: Scene) -> Speech:
    """A small question of the user."""
    return scene.line(exchange.pick(scene.rng, QUESTIONS), where=plain)


def asks(scene: Scene, now_s: float) -> float:
    """The user asks something small and is answered. Returns the answer's end."""
    speech = question(scene)
    end_s = exchange.says(scene.script, now_s, speech)
    return exchange.answers(scene.script, scene.rng, scene.bank, speech.line, end_s)


def recites(scene: Scene, now_s: float, fewest: int = 7, most: int = 21) -> tuple[Line, float, list[Own]]:
    """The user asks for a recital. Returns the line, its end, and the items, which the caller puts into the script."""
    family = exchange.pick(scene.rng, ("numbers", "order"))
    speech = scene.line(family, where=lambda line: fewest <= len(line.slots.get("recital", ())) <= most)
    end_s = exchange.says(scene.script, now_s, speech)
    return speech.line, end_s, exchange.own_reply(scene.rng, scene.bank, speech.line, reply_at(end_s))


def own_end(own: Own) -> float:
    """When it can be heard no more."""
    end_s = own.start_s + own.speech.seconds
    return end_s if own.cut_s is None else min(own.cut_s, end_s)


def fall_silent(owns: Sequence[Own], stop_s: float) -> list[Own]:
    """What is still said when everything stops at `stop_s`."""
    said = [own for own in owns if own.start_s < stop_s]
    return [own if own_end(own) <= stop_s else replace(own, cut_s=stop_s) for own in said]


def quiet_between(script: Script, begin_s: float, end_s: float, wanted: Sequence[tuple[float, float]]) -> None:
    """Checks for silence in [begin_s, end_s) outside of the spans in which something is wanted; slivers are left out."""
    for span_begin_s, span_end_s in [*sorted(wanted), (end_s, end_s)]:
        if min(span_begin_s, end_s) - begin_s >= 0.3:
            script.checks.append(Check("quiet", begin_s, min(span_begin_s, end_s)))
        begin_s = max(begin_s, span_end_s)
