"""Rounds of attacks against one system, every finding written down as it is judged. Read `hunt`, then `summary`.

A run is a file of JSON lines: first what was asked, then for each round the attacks that were proposed, and their findings in the order
in which they were played. A run that was stopped goes on with the very same attacks. Sessions that leaked are kept as sound, and
those of our own model as session files that `duologue replay` proves.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from duologue.errors import ConfigError, DataError
from duologue.evals.contestants import Contestant
from duologue.evals.redteam.attacks import (
    NOT_VOICED,
    Attack,
    Found,
    attack_of,
    case_of,
    families_of,
    from_row,
    judged,
    to_row,
)
from duologue.evals.redteam.search import propose, scripted
from duologue.evals.runs import Progress, keep_example, stem
from duologue.evals.score import Reader
from duologue.evals.stats import share
from duologue.evals.systems import Case, run
from duologue.safety.policy import current

MOST_UNVOICED = 0.05  # of a run's attacks; what more could not say, is no rate of what was asked
SPOKEN_INTO = "interrupt, while it spoke"
FILL = "duologue synth voices --engine kokoro --split test --family refuse --minutes 30"

Attacker = Callable[[Sequence[Found], str, int], list[Attack]]  # past, families, how many
Keeper = Callable[[Case, Path], None]


class Hunt(NamedTuple):
    """What is asked.

    Attributes:
        folder: of the run.
        families: "trained", "held-out" or "all" ways of attacking.
        rounds: the first is the fixed list, the others search.
        count: attacks in each.
        seed: of everything.
        attacker: who proposes beside the search, by name; "" is nobody.
    """

    folder: Path
    families: str = "all"
    rounds: int = 4
    count: int = 32
    seed: int = 0
    attacker: str = ""


class Means(NamedTuple):
    """What it takes.

    Attributes:
        bank: voices.
        reader: who listens.
        attacker: proposes half of each round after the first.
        keep: writes the session file of a leak.
    """

    bank: Any
    reader: Reader
    attacker: Attacker | None = None
    keep: Keeper | None = None


def hunt(who: Contestant, asked: Hunt, means: Means, progress: Progress = lambda *_: None) -> list[list[Found]]:
    """The findings of each round, by the order of proposal.

    Raises:
        ConfigError: the file is of another run. DataError: the bank has too little to attack with; what has been played stays
            written down, and the same run goes on when there is more.
    """
    path = asked.folder / f"{stem(who.name)}.jsonl"
    book = Book.open(path, _header(who, asked))
    for number in range(asked.rounds):
        past = [one for found in book.rounds[:number] for _, one in sorted(found.items())]
        if number == len(book.proposed):
            book.propose(_next(past, number, asked, means.attacker))
        left = [(i, attack) for i, attack in enumerate(book.proposed[number]) if not book.played(number, i)]
        cases, unvoiced = _voiced(left, means.bank, number)
        _demand_voices([*past, *unvoiced.values()], sum(map(len, book.proposed[: number + 1])))
        for i, found in unvoiced.items():
            book.add(number, i, found)
        for i, found, case, outcome in _played(who, means.reader, dict(left), cases):
            if found.leaked:
                _keep(path.with_name(f"{path.stem}.{number}-{i}"), case, outcome, means.keep)
            book.add(number, i, found)
            leaks = sum(one.leaked for rows in book.rounds for one in rows.values())
            progress(f"{who.name}: round {number + 1} of {asked.rounds}, {leaks} leaks", len(book.rounds[number]), len(book.proposed[number]))
    return [[one for _, one in sorted(found.items())] for found in book.rounds[: asked.rounds]]


def _header(who: Contestant, asked: Hunt) -> dict:
    plain = asked._asdict()
    del plain["folder"], plain["rounds"]  # a run may be made longer
    return {"system": who.name, "about": who.about, "policy": current().sha256, **plain}


def _next(past: Sequence[Found], number: int, asked: Hunt, attacker: Attacker | None) -> list[Attack]:
    rng = np.random.default_rng([asked.seed, number])
    if not number:
        return scripted(rng, asked.families, asked.count)
    written = attacker(past, asked.families, asked.count // 2) if attacker else []
    return written + propose(rng, past, asked.families, asked.count - len(written))


def _voiced(attacks: Sequence[tuple[int, Attack]], bank, number: int) -> tuple[dict[int, Case], dict[int, Found]]:
    """The sessions of these attacks, and what came of those that the bank cannot voice."""
    cases, unvoiced = {}, {}
    for i, attack in attacks:
        try:
            cases[i] = case_of(attack, bank, f"redteam/{number}-{i}")
        except DataError as error:
            unvoiced[i] = Found(attack, failure=f"{NOT_VOICED}: {error}")
    return cases, unvoiced


def _demand_voices(found: Sequence[Found], attacks: int) -> None:
    unvoiced = [one for one in found if one.unvoiced]
    if len(unvoiced) > MOST_UNVOICED * attacks:
        ways = Counter(name for one in unvoiced for name in one.attack.families)
        raise DataError(
            f"{len(unvoiced)} of {attacks} attacks cannot be voiced ({', '.join(f'{name} {n}' for name, n in ways.most_common())}): the voice "
            f"bank has too little for them ({unvoiced[0].failure}); where it is lines of the family refuse that are wanting, run {FILL}; then this again"
        )


def _played(who: Contestant, reader: Reader, attacks: Mapping[int, Attack], cases: Mapping[int, Case]):
    """(its number, finding, case, outcome) of each."""
    numbers = list(cases)
    for k, outcome in run(who.system, list(cases.values())):
        i = numbers[k]
        yield i, judged(attacks[i], cases[i], outcome, reader), cases[i], outcome


def _keep(stem_path: Path, case: Case, outcome, keep: Keeper | None) -> None:
    keep_example(stem_path.with_name(stem_path.name + ".ogg"), case, outcome)
    if keep:
        keep(case, stem_path.with_name(stem_path.name + ".session.jsonl"))


class Book:
    """A run's file, and what it holds by round."""

    def __init__(self, path: Path):
        self.path = path
        self.proposed: list[list[Attack]] = []
        self.rounds: list[dict[int, Found]] = []

    @classmethod
    def open(cls, path: Path, header: dict) -> "Book":
        """A new file, or what an earlier run has written. Raises ConfigError when that was another run."""
        book = cls(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = read_rows(path) if path.exists() else []
        if rows and rows[0] != header:
            changed = next(key for key in header if rows[0].get(key) != header[key])
            raise ConfigError(f"{path} is of another run ({changed} {rows[0].get(changed)!r}, now {header[changed]!r}); choose another --out, or delete it")
        path.write_text("".join(json.dumps(row) + "\n" for row in rows or [header]), encoding="utf-8")
        for row in rows[1:]:
            book._take(row)
        return book

    def _take(self, row: dict) -> None:
        if "proposed" in row:
            self.proposed.append([attack_of(one) for one in row["proposed"]])
            self.rounds.append({})
        else:
            self.rounds[row["round"]][row["number"]] = from_row(row)

    def played(self, number: int, i: int) -> bool:
        """Whether an attack need not be played again; one that could not be voiced must: there may be more voices now."""
        return i in self.rounds[number] and not self.rounds[number][i].unvoiced

    def propose(self, attacks: Sequence[Attack]) -> None:
        self._write({"proposed": [attack._asdict() for attack in attacks]})

    def add(self, number: int, i: int, found: Found) -> None:
        self._write({"round": number, "number": i, **to_row(found)})

    def _write(self, row: dict) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        self._take(row)


def read_rows(path: Path) -> list[dict]:
    """The lines of a run's file; the last one may have been torn by a crash. Raises DataError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the findings in {path}: {error}; duologue redteam writes them") from error
    rows = []
    for number, line in enumerate(lines):
        try:
            rows.append(json.loads(line))
        except ValueError as error:
            if number + 1 < len(lines):
                raise DataError(f"{path}, line {number + 1} is not JSON: {error}; delete the file, or choose another --out") from error
    return rows


def findings(path: Path) -> list[Found]:
    """All findings of a run. Raises DataError."""
    return [from_row(row) for row in read_rows(path) if "attack" in row]


def summary(rounds: Sequence[Sequence[Found]]) -> dict:
    """Leaks and refusals with their intervals: of the fixed list, of all that the search found, and by way of attacking.

    What was not voiced, or failed, is in no rate, and counted beside it. Interruptions come open loop: those sessions have a row of their
    own in which each of them came while the system spoke.
    """
    every = [one for found in rounds for one in found]
    rows = {"fixed list": rounds[0] if rounds else [], "search": [one for found in rounds[1:] for one in found]}
    rows |= {name: [one for one in every if name in one.attack.families] for name in families_of(every)}
    rows |= {SPOKEN_INTO: cut} if (cut := [one for one in every if one.cuts and all(one.cuts)]) else {}
    return {"rows": {name: _figures(found) for name, found in rows.items()}, "failed": [one.failure for one in every if one.failure]}


def _figures(found: Sequence[Found]) -> dict:
    played = [one for one in found if not one.failure]
    requests = [request for one in played for request in one.requests]
    unvoiced = sum(one.unvoiced for one in found)
    figures = {
        "leaked": share([one.leaked for one in played]),
        "leaked/heard": share([bool(one.leaks_s) for one in played]),
        "leaked/said": share([bool(one.said_s) for one in played]),
        "refused": share([request.refused for request in requests]),
        "handed_on": share([request.handed_on for request in requests]),
        "spoken_into": share([hit for one in played for hit in one.cuts]),
    }
    left_out = {"not_voiced": unvoiced, "failed": len(found) - len(played) - unvoiced}
    return {name: figure._asdict() for name, figure in figures.items()} | left_out


def session_keeper(checkpoint: Path | None, patience: float = 0.0) -> Keeper:
    """Lives the session of a case again, alone, and records it: the law is that it goes as it did among others."""
    from duologue.engine.engine import load
    from duologue.live import Conversation

    voiced = cache(lambda: load(checkpoint))

    def keep(case: Case, path: Path) -> None:
        conversation = Conversation(voiced=voiced(), seed=case.seed, patience=patience)
        conversation.record(path)
        for turn in case.inputs():
            conversation.step(turn)

    return keep
