"""Freezes the items from the voice bank, once: `python -m duologue.evals.freeze`.

The suites are made of the same items, and their hashes are written beside them (`--hashes` writes those alone). `--pool
--cases 300` freezes the larger pool of tier "report". Then `--ceiling` writes what the judge makes of the script's own speech: the most that any system can reach.
`--pin DIR` writes down which set with films (`duologue eval freeze`) the version of `sets` is.
"""

import argparse
import json
import math
import sys
from collections import Counter
from pathlib import Path

from rich.progress import track

from duologue.data.bank import Bank
from duologue.errors import DataError, DuologueError
from duologue.evals import items, quick, runs, sets
from duologue.evals.contestants import contestant
from duologue.evals.draws import FAMILIES, fill, from_bank, frozen, quota_key, quotas, take
from duologue.evals.suites import SUITES
from duologue.evals.systems import oracle

CASES, SEED = 60, 2026
POOL: dict[str, dict[str, float]] = {  # what the suites ask of each family, a case
    **{family: {"answers": 0.2} for family in ("talk", "numbers", "order", "facts", "repeat")},
    "pause": {"pause": 1, "answers/pause": 1, "repair": 1},
    "interrupt": {"stop": 0.5, "answers/interrupt": 0.5},
    "hold": {"goes_on/backchannel": 1, "goes_on/aside": 1, "goes_on/television": 1, "goes_on/noise": 1, "stays_silent/noise": 0.3},
    "time": {f"time/{kind}": 1 for kind in ("once", "every", "elapsed", "cancel")},
    "invite": {"answers": 0.5},
}


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


def freeze_pool(cases: int, folder: Path, bank=None) -> None:
    """Writes the larger pool, from which the suites take more than the items of `quick` hold."""
    source = from_bank(bank or Bank(), SEED, runs.TRIES * cases)
    wanted = {family: {row: math.ceil(share * cases) for row, share in rows.items()} for family, rows in POOL.items()}
    items.save([item for family in track(POOL, "freezing") for item in take(source, family, wanted[family])], runs.POOL, folder)


def hashes(folder: Path) -> dict[str, str]:
    """What the items of each suite hash to, made of the frozen ones."""
    source = frozen(items.load(folder=folder))
    return {name: items.digest(suite.items(source, runs.FROZEN_CASES)) for name, suite in SUITES.items()}


def write_hashes(folder: Path) -> None:
    (folder / "suites.json").write_text(json.dumps(hashes(folder), indent=1) + "\n", encoding="utf-8")


def write_ceilings(folder: Path, run: Path) -> None:
    """Listens to the oracle: what the judge makes of perfect answers, for `quick` and for each figure of the suites."""
    quick.write_ceiling(quick.measure(oracle, quick.Asked(folder=folder)), folder)
    found = runs.run_all(list(SUITES.values()), [contestant("oracle")], runs.Asked(run), listened=lambda _: True)
    (folder / "ceilings.json").write_text(json.dumps(runs.ceiling_of(found), indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=CASES, help="trials of each kind")
    parser.add_argument("--folder", type=Path, default=items.FOLDER)
    parser.add_argument("--pool", action="store_true", help="freeze the larger pool for tier report instead")
    parser.add_argument("--hashes", action="store_true", help="only hash the suites that are made of the frozen items")
    parser.add_argument("--ceiling", action="store_true", help="judge the script's own speech, for frozen items")
    parser.add_argument("--pin", type=Path, metavar="DIR", help="pin the digest of this set with films")
    parser.add_argument("--run", type=Path, default=Path("out/ceilings"), help="folder of that run; it goes on where it stopped")
    asked = parser.parse_args()
    try:
        if asked.pin:
            sys.stdout.write(f"version {sets.VERSION} is {sets.pin(asked.pin)}\n")
            return
        if asked.ceiling:
            write_ceilings(asked.folder, asked.run)
            return
        if asked.pool:
            freeze_pool(asked.cases, asked.folder)
            return
        if not asked.hashes:
            freeze(asked.cases, asked.folder)
        write_hashes(asked.folder)
    except DuologueError as error:
        sys.exit(f"freeze: {error}")


if __name__ == "__main__":
    main()
