"""Test conversations from the families: held-out voices and phrases, the same for the same seed and bank. Read `draw`."""

import importlib
import zlib
from collections.abc import Callable

import numpy as np

from duologue.data.script import Script
from duologue.errors import DataError
from duologue.evals.trials import Trial, patient, trials_of

FAMILIES = (
    "talk", "numbers", "order", "facts", "repeat", "pause", "invite", "interrupt", "hold", "time", "typed",
)  # fmt: skip
MOST_TRIES = 40  # scripts drawn for each one wanted


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
