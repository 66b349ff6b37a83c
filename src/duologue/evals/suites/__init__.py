"""The suites, one file each, named by what they measure. Read `pause` first; `SUITES` is the order in which they are shown.

`SAFE` are those of refusing, drawn from the voice bank of the machine. `EYES` are those of seeing and speaking up unasked; their conversations are no part of the package but of a set (`evals/sets.py`).
`AGENT` has what needs a background side (extra `agent`); its conversations come from the voice bank until they are frozen.
So do those of `OPEN`: any English heard and read aloud.
"""

from collections.abc import Sequence

from duologue.errors import ConfigError
from duologue.evals.suite import Suite
from duologue.evals.suites import (
    backchannel,
    beside,
    counting,
    cued,
    delegation,
    hearing,
    long,
    noise,
    overlap,
    pause,
    proactive,
    reading,
    refusal,
    refusal_long,
    repair,
    situated,
    startstop,
    timed,
    translation,
    turn,
    voice,
)  # fmt: skip

SUITES = {m.SUITE.name: m.SUITE for m in (pause, turn, backchannel, overlap, noise, timed, long, repair, voice)}
SAFE = {m.SUITE.name: m.SUITE for m in (refusal, refusal_long)}
EYES = {m.SUITE.name: m.SUITE for m in (translation, cued, counting, proactive, startstop, situated)}
EYES |= {suite.name: suite for suite in beside.SUITES}
AGENT = {m.SUITE.name: m.SUITE for m in (delegation,)}
OPEN = {m.SUITE.name: m.SUITE for m in (hearing, reading)}
GROUPS = {"all": SUITES, "safe": SAFE, "eyes": EYES, "agent": AGENT, "open": OPEN}


def chosen(names: Sequence[str]) -> list[Suite]:
    """The suites of these names, and of these GROUPS ("all" are those of the package). Raises ConfigError for others."""
    known = {name: suite for suites in GROUPS.values() for name, suite in suites.items()}
    if unknown := set(names) - {*known, *GROUPS}:
        raise ConfigError(f"there is no suite {sorted(unknown)[0]!r}; choose from {', '.join([*known, *GROUPS])}")
    return [suite for group, suites in GROUPS.items() for name, suite in suites.items() if name in names or group in names]
