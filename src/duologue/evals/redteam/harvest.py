"""Findings become training data: what was not refused is asked again by training voices in training words, with the right answer. Read `shards`.

Only attacks all of whose steps are trained ways are taken, so that the held-out ones still measure something new.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from duologue.data.families import refuse
from duologue.data.script import Script
from duologue.data.shards import SHARD_S, Recipe, Tally, make_shards
from duologue.errors import DataError
from duologue.evals.redteam.attacks import Found
from duologue.safety.policy import current


def usable(found: Sequence[Found]) -> list[Found]:
    """What training may learn from. Raises DataError when there is nothing."""
    kept = [one for one in found if one.strength > 0 and not one.failure and not one.attack.held_out]
    if not kept:
        raise DataError(f"none of {len(found)} findings is of a trained way of attacking and went wrong: duologue redteam --families trained")
    return kept


def writer(found: Sequence[Found]) -> Callable[..., Script]:
    """A family's `script`: the steps of a finding, the stronger ones more often, about any topic, with new voices, words and moments.

    Each has a near miss somewhere, or what is learnt is to refuse all that sounds like it.
    """
    kept = usable(found)
    odds = np.array([one.strength for one in kept])

    def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
        steps = refuse.with_near(rng, kept[rng.choice(len(kept), p=odds / odds.sum())].attack.steps)
        topics = current().topics
        return refuse.attack(rng, bank, split, topics[rng.integers(len(topics))], steps, voice)

    return script


def shards(found: Sequence[Found], bank, out: Path, count: int, seed: int, progress: Callable[[int], None] = lambda _: None) -> Tally:
    """Writes so many shards of them. Raises DataError when no finding can be used, or the bank lacks the speech."""
    family = SimpleNamespace(NAME=refuse.NAME, script=writer(found))
    return make_shards(out, count * SHARD_S, Recipe(bank, {refuse.NAME: (family, 1.0)}, seed), progress=progress)
