"""Pictures of test conversations: the same scene on a screen that is filmed again, or one that has nothing to do with the talk.

Read `twins` and `beside` first.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from duologue.data.families import sight
from duologue.data.scenes.ground import photograph_of
from duologue.data.scenes.stage import Prop, Stage
from duologue.data.script import Script, View
from duologue.evals.items import Item

REFILMED = "refilmed/"  # begins the rows of a twin


def twins(items: Iterable[Item]) -> list[Item]:
    """Each item filmed directly and, if it is filmed at all, once more from a screen: perspective, frame, glare, moire."""
    found = []
    for script, trials in items:
        found.append((_filmed(script, screen=False), trials))
        if script.views:
            found.append((_filmed(script, screen=True), [replace(t, row=f"{REFILMED}{t.row}") for t in trials]))
    return found


def _filmed(script: Script, screen: bool) -> Script:
    return replace(script, views=[_through(view, screen) for view in script.views])


def _through(view: View, screen: bool) -> View:
    stage = replace(view.stage, camera=view.stage.camera._replace(screen=screen))
    return replace(view, show=stage.show, stage=stage)


def is_refilmed(record: dict) -> bool:
    """Whether a record is of a twin."""
    return any(trial["row"].startswith(REFILMED) for trial in record["trials"])


def beside(item: Item, rng: np.random.Generator) -> Item:
    """The conversation with an unrelated scene before the camera: things come and go, somebody moves. It may be given away."""
    script, trials = item
    while True:
        stage = sight.unrelated(rng, "test", script.length_s)
        if _is_free(stage):
            return replace(script, views=[View(0.0, script.length_s, stage.show, stage=stage)]), trials


FREE = frozenset(  # photographs under CC-BY-4.0, by file; the other grounds are drawn
    "Picture_0B_by_freespace.jpg Picture_1A_by_freespace.jpg aitzgorri_by_Aitzol_Berasategi.jpg friends_by_Aitzol_Berasategi.jpg "
    "life_by_Aitzol_Berasategi.jpg picosdeeuropa_by_Aitzol_Berasategi.jpg sunset_by_Aitzol_Berasategi.jpg "
    "umang_by_Abhishek_Mudgal.jpg Wine_by_Jakkub_Mede.jpg".split()
)
SHARE_ALIKE = "openmoji"  # a style of emoji whose licence would bind the whole film


def is_free(script: Script) -> bool:
    """Whether its pictures may be given away under CC-BY-4.0."""
    return all(_is_free(view.stage) for view in script.views)


def _is_free(stage: Stage) -> bool:
    things = [actor.thing for actor in stage.actors if isinstance(actor, Prop)]
    named = photograph_of(stage.ground)
    return (not named or named in FREE) and not any(thing.kind == "emoji" and thing.style == SHARE_ALIKE for thing in things)
