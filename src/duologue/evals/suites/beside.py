"""Talk while pictures stream: the suites of pauses and turns once more, with a scene before the camera that nobody speaks of.

The conversations are those of `pause` and `turn`, so the figures stand beside theirs. Read `SUITES`.
"""

from functools import partial

import numpy as np

from duologue.evals.draws import Source
from duologue.evals.items import Item
from duologue.evals.scenery import beside
from duologue.evals.suite import Suite
from duologue.evals.suites import pause, turn


def _items(suite: Suite, source: Source, cases: int) -> list[Item]:
    return [beside(item, np.random.default_rng([577, number])) for number, item in enumerate(suite.items(source, cases))]


def _seen(suite: Suite) -> Suite:
    name, asks = f"{suite.name}-seen", f"{suite.asks}, while unrelated pictures stream"
    return suite._replace(name=name, asks=asks, items=partial(_items, suite))


SUITES = tuple(map(_seen, (pause.SUITE, turn.SUITE)))
