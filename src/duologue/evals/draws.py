"""Test conversations from the families: held-out voices and phrases, the same for the same seed and bank.

Read `draw` for the quick look while training, `Source` and `take` for the suites.
"""

import importlib
import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from duologue.data.script import Script
from duologue.errors import DataError
from duologue.evals.items import Item
from duologue.evals.trials import Trial, patient, trials_of

FAMILIES = (
    "talk", "numbers", "order", "facts", "repeat", "pause", "invite", "interrupt", "hold", "time", "typed",
)  # fmt: skip
QUOTAS: dict[str, dict[str, float]] = {  # family -> kind of trial -> how many of what is asked for; one answer each unless named
    "pause": {"answers": 1, "pause": 1, "repair": 1},
    "invite": {"answers": 1, "listens": 0.5},
    "interrupt": {"answers": 0.5, "stop": 1, "resume": 0.25},
    "hold": {"goes_on": 1, "stays_silent": 0.5},
    "time": {"time/once": 1, "time/every": 1, "time/elapsed": 0.15, "time/cancel": 0.15},
}
MOST_USES = 3
MOST_TRIES = 40  # scripts drawn for each one wanted
MOST_MISSES = 200  # scripts that cannot be drawn, one after the other, before any can: the bank has none of that family


def script(family: str, bank, number: int, seed: int, split: str = "test") -> Script:
    """Script number so and so of a family: always the same one for the same bank."""
    rng = np.random.default_rng([seed, zlib.crc32(family.encode()), number])
    return importlib.import_module(f"duologue.data.families.{family}").script(rng, bank, split)


def draw(
    family: str, bank, cases: int, seed: int, wanted: Callable[[Trial], bool] = lambda _: True, split: str = "test"
) -> list[tuple[Script, list[Trial]]]:
    """As many scripts with at least one wanted trial, made patient, with these trials.

    Raises DataError when the bank lacks the speech for it.
    """
    found: list[tuple[Script, list[Trial]]] = []
    missing = ""
    for number in range(MOST_TRIES * cases):
        try:
            drawn = script(family, bank, number, seed, split)
        except DataError as error:  # a word or line that is not there yet
            missing = f": {error}"
            continue
        if trials := [trial for trial in trials_of(drawn) if wanted(trial)]:
            found.append(patient(drawn, trials))
        if len(found) == cases:
            return found
    if not found:
        raise DataError(f"no script of {family} has what is to be measured{missing or '; synthesise more (duologue synth)'}")
    return found


def quota_key(trial: Trial) -> str:
    """Which quota a trial counts for: its row, or what the row is a part of."""
    return trial.row if trial.row.startswith("time/") else trial.row.split("/")[0]


def quotas(family: str, cases: int) -> Counter:
    """How many trials of each kind `cases` asks of a family."""
    return Counter({key: max(1, round(share * cases)) for key, share in QUOTAS.get(family, {"answers": 1}).items()})


def enough(items: Iterable[tuple[Script, list[Trial]]], cases: int) -> list[tuple[Script, list[Trial]]]:
    """The first items that fill the quotas of their families."""
    left: dict[str, Counter] = {}
    kept = []
    for script, trials in items:
        family = left.setdefault(script.family, quotas(script.family, cases))
        if any(family[quota_key(trial)] > 0 for trial in trials):
            kept.append((script, trials))
            family.subtract(map(quota_key, trials))
    return kept


def fill(family: str, bank, cases: int, seed: int) -> list[tuple[Script, list[Trial]]]:
    """Test conversations of a family until its quotas are filled (or MOST_TRIES * cases scripts were tried).

    No line of the family is used more than MOST_USES times in one voice, so that the cases are not all alike.
    """
    left, used, found = quotas(family, cases), Counter(), []
    for number in range(MOST_TRIES * cases):
        try:
            drawn = script(family, bank, number, seed)
        except DataError:  # a word or line that is not there yet
            continue
        trials, said = trials_of(drawn), utterances(drawn)
        if any(used[key] >= MOST_USES for key in said) or not any(left[quota_key(trial)] > 0 for trial in trials):
            continue
        used.update(said)
        left.subtract(map(quota_key, trials))
        drawn.about["number"] = number
        found.append(patient(drawn, trials))
        if all(n <= 0 for n in left.values()):
            break
    return found


def utterances(script: Script) -> list[tuple[str, str]]:
    """The lines of its family that a conversation has, each with its voice."""
    lines = [s.speech for s in script.sounds if s.speech.line and s.speech.line.family == script.family]
    return [(speech.voice, speech.text) for speech in lines]


Source = Callable[[str], Iterator[Item]]  # the conversations of a family, in an order that never changes


def frozen(kept: Sequence[Item]) -> Source:
    """From items that were frozen: the same for everybody."""
    return lambda family: (item for item in kept if item[0].family == family)


def from_bank(bank, seed: int, tries: int, split: str = "test") -> Source:
    """From the voice bank of this machine: at most `tries` conversations of a family.

    They raise DataError when the first MOST_MISSES all lack a word or line.
    """

    def source(family: str) -> Iterator[Item]:
        found = False
        for number in range(tries):
            try:
                drawn = script(family, bank, number, seed, split)
            except DataError as error:  # a word or line that is not there yet
                if not found and number + 1 == MOST_MISSES:
                    raise DataError(f"the voice bank has no conversation of {family}: {error}") from None
                continue
            found, drawn.about["number"] = True, number
            yield patient(drawn, trials_of(drawn))

    return source


def row_of(trial: Trial, rows: Iterable[str]) -> str | None:
    """Which of these rows a trial belongs to: its own one or what that is a part of ("stop" for "stop/wait")."""
    return next((row for row in rows if trial.row == row or trial.row.startswith(f"{row}/")), None)


def take(source: Source, family: str, rows: Mapping[str, int], most_uses: float = math.inf) -> list[Item]:
    """The first conversations of a family that have so many trials of each row (fewer when there are no more: see `lacking`).

    Trials of other rows are left out. `most_uses`: of one line in one voice, so that the cases are not all alike.
    """
    left, used, found = Counter(rows), Counter(), []
    for drawn, trials in source(family):
        wanted, said = [trial for trial in trials if row_of(trial, rows)], utterances(drawn)
        if any(used[key] >= most_uses for key in said):
            continue
        if any(left[row_of(trial, rows)] > 0 for trial in wanted):
            used.update(said)
            left.subtract(row_of(trial, rows) for trial in wanted)
            found.append((drawn, wanted))
        if all(count <= 0 for count in left.values()):
            break
    return found


def lacking(items: Iterable[Item], rows: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """The rows that have fewer trials than they should: how many, of how many."""
    there = Counter(row_of(trial, rows) for _, trials in items for trial in trials)
    return {row: (there[row], count) for row, count in rows.items() if there[row] < count}
