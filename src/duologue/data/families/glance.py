"""Glance: something is shown for a moment and asked about at once, again and again, typed or as words that the history of `hear`
shows though nobody spoke.

What `see` asks, several times as densely, and in its lines: for training only. Read `script` first.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from duologue.data.families import exchange, see
from duologue.data.families.drill import GAP_S, asks
from duologue.data.scenes.stage import draw_stage
from duologue.data.script import Script, View

NAME = "glance"
QUESTIONS = (8, 16)
LASTS_S = (0.2, 0.6)


def own_texts() -> Iterable[str]:
    """Nothing of its own: the answers are those of `see`."""
    return ()


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """Many things one after another."""
    script = Script(NAME, 0.0, about={"split": split, "voice": voice, "intents": []})
    at_s = 0.4
    for _ in range(int(rng.integers(*QUESTIONS))):
        shown = see.still(rng, split)
        asked = next(line for line in see.lines(rng, split) if line.intent == shown.intent)
        asked = replace(asked, answers=(exchange.pick(rng, shown.texts),))
        stage, until_s = draw_stage(rng, split), at_s + rng.uniform(*LASTS_S)
        stage = replace(stage, camera=stage.camera._replace(each=1, lost=0.0), actors=shown.actors(0.0, until_s - at_s))
        script.views.append(View(at_s, until_s, stage.show, (), stage))
        at_s = asks(script, rng, bank, asked, until_s) + rng.uniform(*GAP_S)
    return exchange.finish(script, rng, at_s)
