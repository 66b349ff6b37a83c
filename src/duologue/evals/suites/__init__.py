"""The suites, one file each, named by what they measure. Read `pause` first; `SUITES` is the order in which they are shown."""

from collections.abc import Sequence

from duologue.errors import ConfigError
from duologue.evals.suite import Suite
from duologue.evals.suites import backchannel, long, noise, overlap, pause, repair, timed, turn, voice

SUITES = {m.SUITE.name: m.SUITE for m in (pause, turn, backchannel, overlap, noise, timed, long, repair, voice)}


def chosen(names: Sequence[str]) -> list[Suite]:
    """The suites of these names, of "all" every one. Raises ConfigError for one that does not exist."""
    if unknown := set(names) - {*SUITES, "all"}:
        raise ConfigError(f"there is no suite {sorted(unknown)[0]!r}; choose from {', '.join(SUITES)} or all")
    return [suite for name, suite in SUITES.items() if name in names or "all" in names]
