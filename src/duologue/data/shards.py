"""Shards: rendered conversations on disk, `duologue synth shards --out DIR --count 6`.

A shard is one safetensors file of about ten minutes: each field of `Rendered` with the turns of all conversations one
after another, `offsets` [N + 1] where each begins, and their families in the metadata. A shard in which nothing is
shown has no pictures' fields. Read `make_shards` first.
"""

import json
import multiprocessing
import os
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import safetensors
from safetensors.numpy import save

from duologue.data.bank import Bank
from duologue.data.lines import family_modules
from duologue.data.mix import WATCHED, conversation, watched
from duologue.data.render import Rendered, render
from duologue.data.synth import end_with_parent
from duologue.errors import ConfigError, DataError
from duologue.media.text import Tokenizer
from duologue.turn import TURN_MS

SHARD_S = 600.0
SHORTEST_S, LONGEST_S = 20.0, 40.0
MOST_FAILURES = 0.05
BABBLE_SPEECHES = 40
PICTURES = ["jpeg", "jpeg_bytes"]
FIELDS = [f.name for f in fields(Rendered) if not f.name.endswith("_pcm") and f.name not in ("family", *PICTURES)]

Families = Mapping[str, tuple[ModuleType, float]]


@dataclass(slots=True)
class Tally:
    """What a run made."""

    turns: int = 0
    failures: Counter = field(default_factory=Counter)  # reason -> scripts
    families: Counter = field(default_factory=Counter)  # family -> parts of conversations

    def add(self, other: "Tally") -> None:
        self.turns += other.turns
        self.failures += other.failures
        self.families += other.families

    @property
    def hours(self) -> float:
        return self.turns * TURN_MS / 3_600_000


def write_shard(path: Path, conversations: Sequence[Rendered]) -> None:
    """Writes a shard whole or not at all.

    Raises:
        DataError: the file cannot be written, such as on a full disk.
    """
    data = save(fields_of(conversations), {"families": json.dumps([c.family for c in conversations])})
    partial_path = path.with_suffix(f".{os.getpid()}.part")
    try:
        partial_path.write_bytes(data)
        os.replace(partial_path, path)
    except OSError as error:
        partial_path.unlink(missing_ok=True)
        reason = f"{error.strerror or error}; {len(data) / 1e6:.0f} MB are needed"
        raise DataError(f"cannot write {path}: {reason}") from error


def fields_of(conversations: Sequence[Rendered]) -> dict[str, np.ndarray]:
    """Each field of conversations that follow one another, and `offsets`; pictures' only where there are some."""
    shown = PICTURES if any(len(c.jpeg) for c in conversations) else []
    arrays = {name: np.concatenate([getattr(c, name) for c in conversations]) for name in (*FIELDS, *shown)}
    return arrays | {"offsets": np.cumsum([0, *(len(c.speak) for c in conversations)], dtype=np.int64)}


def read_shard(path: Path) -> list[Rendered]:
    """The conversations of a shard.

    Raises:
        DataError: no such file, or not a whole shard.
    """
    try:
        with safetensors.safe_open(path, framework="np") as file:
            families = json.loads(file.metadata()["families"])
            shown = PICTURES if "jpeg" in file.keys() else []  # noqa: SIM118  a file, not a dict
            arrays = {name: file.get_tensor(name) for name in (*FIELDS, *shown, "offsets")}
    except (OSError, safetensors.SafetensorError, KeyError, TypeError) as error:
        raise DataError(f"cannot read shard {path}: {error}; delete it and make it again") from error
    return list(_conversations(families, arrays))


def _conversations(families: Sequence[str], arrays: dict[str, np.ndarray]) -> Iterator[Rendered]:
    """The arrays of a shard cut apart."""
    jpeg_bytes = arrays.get("jpeg_bytes", np.zeros(arrays["offsets"][-1], np.uint16))
    jpeg, files = arrays.get("jpeg", np.zeros(0, np.uint8)), np.cumsum([0, *jpeg_bytes], dtype=np.int64)
    for family, begin, end in zip(families, arrays["offsets"][:-1], arrays["offsets"][1:], strict=True):
        parts = {name: arrays[name][begin:end] for name in FIELDS}
        yield Rendered(family, **parts, jpeg=jpeg[files[begin] : files[end]], jpeg_bytes=jpeg_bytes[begin:end])


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the shards of one data set are made of; a shard follows from this, its number and what the bank holds."""

    bank: Bank
    families: Families  # name -> (module, weight)
    seed: int = 0
    split: str = "train"
    augment: str = "train"
    watched: float = WATCHED  # share of the conversations in which nothing is shown that a camera sees

    def path(self, out_dir: Path, number: int) -> Path:
        """Where a shard is."""
        return out_dir / f"{self.split}-{self.seed}-{number:05d}.safetensors"


def make_shards(
    out_dir: Path,
    seconds: float,
    recipe: Recipe,
    *,
    workers: int = 1,
    progress: Callable[[int], None] = lambda shards: None,
) -> Tally:
    """Renders `seconds` of conversation, in whole shards, into `out_dir`; shards that exist already are left as they are.

    Args:
        progress: called with the number of shards there are, at the start and after each one.

    Raises:
        DataError: more than 5 % of a shard's scripts fail, or the disk is full.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    numbers = range(int(np.ceil(seconds / SHARD_S - 1e-6)))
    wanted = [n for n in numbers if not recipe.path(out_dir, n).exists()]
    progress(len(numbers) - len(wanted))
    tally = Tally()
    for done, part in enumerate(_each(partial(_make_shard, out_dir, recipe), wanted, workers), 1):
        tally.add(part)
        progress(len(numbers) - len(wanted) + done)
    return tally


def _each(make: Callable[[int], Tally], numbers: Sequence[int], workers: int) -> Iterator[Tally]:
    """`make` of each number, in order; worker processes are forked, so that they share the bank's index."""
    if workers == 1:
        yield from map(make, numbers)
        return
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, context, _inherit, (make,)) as pool:
        yield from pool.map(_make_inherited, numbers)


def _inherit(make: Callable[[int], Tally]) -> None:
    global _inherited  # modules cannot be pickled, forked processes need not
    _inherited = make
    end_with_parent()


def _make_inherited(number: int) -> Tally:
    return _inherited(number)


def _make_shard(out_dir: Path, recipe: Recipe, number: int) -> Tally:
    conversations, tally = render_shard(recipe, number)
    write_shard(recipe.path(out_dir, number), conversations)
    return tally


def render_shard(recipe: Recipe, number: int) -> tuple[list[Rendered], Tally]:
    """The conversations of one shard, not written: what training on the fly takes.

    Raises:
        DataError: more than 5 % of the scripts fail.
    """
    rng = np.random.default_rng([recipe.seed, number, zlib.crc32(recipe.split.encode())])
    speeches, tokenizer = _other_people(rng, recipe), Tokenizer()
    made, tally = [], Tally()
    while tally.turns * TURN_MS < SHARD_S * 1000:
        try:
            length_s = rng.uniform(SHORTEST_S, LONGEST_S)
            script = conversation(rng, recipe.bank, recipe.split, recipe.families, length_s)
            if recipe.split == "train":
                script = watched(script, rng, recipe.split, recipe.watched)
                script.own = [replace(own, speech=recipe.bank.begun_otherwise(rng, own.speech)) for own in script.own]
            made.append(render(script, rng, tokenizer, augment=recipe.augment, speeches=speeches))
        except DataError as error:
            tally.failures[str(error)] += 1
            _check_failures(tally.failures.total(), len(made), error)
            continue
        tally.turns += len(made[-1].speak)
        tally.families.update(made[-1].family.split("+"))
    return made, tally


def _check_failures(failed: int, made: int, error: DataError) -> None:
    if failed >= 3 and failed > MOST_FAILURES * (failed + made):
        raise DataError(f"{failed} of {failed + made} scripts failed, the last one because: {error}") from error


def _other_people(rng: np.random.Generator, recipe: Recipe) -> list[np.ndarray]:
    """Sounds to make babble of, from the split's own voices."""
    speeches = []
    for name in rng.choice(list(recipe.families), BABBLE_SPEECHES):
        try:
            speeches.append(recipe.bank.sample(rng, str(name), split=recipe.split).pcm_S)
        except DataError:  # a family of which the bank has no speech yet
            continue
    return speeches


def weighted_families(weights: Mapping[str, float]) -> Families:
    """The named families with their weights; all families, evenly, when none is named.

    Raises:
        DataError: there is no such family.
    """
    known = {module.NAME: module for module in family_modules() if hasattr(module, "script")}
    if unknown := set(weights) - set(known):
        raise DataError(f"no family {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    return {name: (known[name], weight) for name, weight in (weights or dict.fromkeys(known, 1.0)).items()}


def chosen_families(options: Sequence[str]) -> Families:
    """`weighted_families` of what `--family` was given: NAME or NAME=WEIGHT.

    Raises:
        ConfigError: a weight is no number.
    """
    return weighted_families(dict(map(_weight, options)))


def _weight(text: str) -> tuple[str, float]:
    name, _, weight = text.partition("=")
    try:
        return name, float(weight or 1)
    except ValueError:
        raise ConfigError(f"--family {text!r}: write NAME or NAME=WEIGHT, for example --family pause=2") from None
