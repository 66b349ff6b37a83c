"""Freezes the items of `quick` from the voice bank, once, before training: `python -m duologue.evals.freeze`.

Then `--ceiling` writes what the judge makes of the script's own speech: the most that any system can reach.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

from rich.progress import track

from duologue.data.bank import Bank
from duologue.errors import DataError, DuologueError
from duologue.evals import items
from duologue.evals.draws import FAMILIES, fill, quota_key, quotas
from duologue.evals.quick import Asked, measure, write_ceiling
from duologue.evals.systems import oracle

CASES, SEED = 60, 2026


def freeze(cases: int, folder: Path, bank=None) -> None:
    """Writes the items of all families. Raises DataError when the bank cannot fill them."""
    bank, drawn = bank or Bank(), []
    for family in track(FAMILIES, "freezing"):
        found = fill(family, bank, cases, SEED)
        counts = Counter(quota_key(trial) for _, trials in found for trial in trials)
        if short := {key: n for key, n in quotas(family, cases).items() if counts[key] < n}:
            raise DataError(f"the bank is too small for {family}: {dict(counts)}, wanted {short}; duologue synth voices")
        drawn += found
    items.save(drawn, folder=folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=CASES, help="trials of each kind")
    parser.add_argument("--folder", type=Path, default=items.FOLDER)
    parser.add_argument("--ceiling", action="store_true", help="judge the script's own speech, for frozen items")
    asked = parser.parse_args()
    try:
        if asked.ceiling:
            write_ceiling(measure(oracle, Asked(asked.cases, folder=asked.folder)), asked.folder)
        else:
            freeze(asked.cases, asked.folder)
    except DuologueError as error:
        sys.exit(f"freeze: {error}")


if __name__ == "__main__":
    main()
