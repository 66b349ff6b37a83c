"""A frozen set of conversations with pictures, for anybody to measure with: sound, film, labels, hashes. Read `freeze` and `load`.

A folder for each conversation: `{suite}/{number}/input.wav`, `video.mp4`, `label.json`, and Full-Duplex-Bench's own labels. A
system writes `output.wav` (see `files`); `duologue eval run eyes --set DIR --system files:OUTPUTS` scores it, without our model.
What version VERSION is says the digest in PINNED: a set of other bytes, made with other options or by a machine that computes
otherwise, is called VERSION + OWN, and its figures are comparable with nobody else's.
Beside them `conversations.json.gz` and `.ogg` hold the same with what should be said, so that controls can be run.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import numpy as np

from duologue.data.render import images
from duologue.data.script import View
from duologue.errors import DataError
from duologue.evals import items
from duologue.evals.draws import Source, frozen, script
from duologue.evals.files import folder_of, write_inputs
from duologue.evals.items import Item
from duologue.evals.scenery import REFILMED, is_free
from duologue.evals.suites import EYES
from duologue.evals.systems import Case
from duologue.evals.trials import patient, trials_of
from duologue.evals.voicing import Voicing, draft
from duologue.media.recording import turn_pictures
from duologue.media.video import write_film
from duologue.turn import TURN_MS

NAME, ABOUT, HASHES, FILM, LABEL = "conversations", "set.json", "sha256.json", "video.mp4", "label.json"
VERSION, OWN = "1", "-own"
PINNED = items.FOLDER / "set.json"  # version to the sha256 of its HASHES
TRIES = 40  # conversations drafted for each that is wanted
LATER = ("pronounce",)  # families that came after VERSION had been drawn: the next version has them
SHARES = {"cued": 0.25, "proactive": 0.5, "situated": 0.25}  # of the cases: these have many kinds
PAPERS = {"README.md": "set_readme.txt", "LICENSE": "set_license.txt"}

Progress = Callable[[str, int, int], None]


def freeze(folder: Path, cases: int, seed: int, voicing: Voicing, progress: Progress = lambda *_: None) -> dict[str, int]:
    """Draws, speaks, films and writes a set. Returns how many conversations each suite has.

    What differs from the pinned set is called VERSION + OWN. Raises DataError when the folder holds something, or voices, emoji
    or photographs are missing.
    """
    if folder.exists() and any(folder.iterdir()):
        raise DataError(f"{folder} is not empty; a set is written once: choose another folder")
    drawn = {name: _drawn(name, cases, seed, voicing, progress) for name in EYES}
    whole = [item for name in drawn for item in drawn[name]]
    items.save(whole, NAME, folder)
    counts = {name: len(found) for name, found in drawn.items()}
    heard = iter(items.load(NAME, folder))  # as they sound after the pack's compression
    for name, found in drawn.items():
        _write_suite(name, [(replace(again, views=made.views), trials) for (made, _), (again, trials) in zip(found, heard, strict=False)], folder, progress)
    what = {"version": VERSION, "seed": seed, "cases": cases, "suites": counts, "license": "CC-BY-4.0"}
    for name, paper in PAPERS.items():
        (folder / name).write_text((Path(__file__).parent / paper).read_text(encoding="utf-8"), encoding="utf-8")
    _write_about(folder, what)
    if pinned() not in (None, digest(folder)):
        _write_about(folder, what | {"version": VERSION + OWN})
    return counts


def digest(folder: Path) -> str:
    """One hash for the whole of a set."""
    return items.hash_of(folder / HASHES)


def about(folder: Path) -> dict:
    """Version, seed, cases and suites of a set. Raises DataError when there is none."""
    return _json(folder, ABOUT)


def _json(folder: Path, name: str) -> dict:
    try:
        return json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{folder} is not a whole set of conversations: {error}; make one with duologue eval freeze") from error


def pinned() -> str | None:
    """The digest of version VERSION, None while there is none."""
    return json.loads(PINNED.read_text(encoding="utf-8")).get(VERSION) if PINNED.exists() else None


def pin(folder: Path) -> str:
    """Makes a set what version VERSION is, once and for all, and returns its digest. Raises DataError when one is pinned already."""
    if pinned():
        raise DataError(f"version {VERSION} is pinned already; raise VERSION in {__file__}, freeze again, and pin that")
    load(folder)
    known = json.loads(PINNED.read_text(encoding="utf-8")) if PINNED.exists() else {}
    PINNED.write_text(json.dumps(known | {VERSION: digest(folder)}, indent=1) + "\n", encoding="utf-8")
    return digest(folder)


def _drawn(name: str, cases: int, seed: int, voicing: Voicing, progress: Progress) -> list[Item]:
    """A suite's conversations: drafted in silence first, so that only those that are taken are spoken."""
    wanted, tries = max(1, round(cases * SHARES.get(name, 1.0))), range(TRIES * cases)
    chosen: dict[str, list[int]] = {}
    for made, _ in EYES[name].items(_source(draft(), seed, lambda family: tries), wanted):
        if (number := made.about.get("number")) not in chosen.setdefault(made.family, []):
            chosen[made.family].append(number)
    numbers = sum(map(len, chosen.values()))

    def told(family: str) -> Iterator[int]:
        for done, number in enumerate(chosen.get(family, ())):
            progress(f"{name}: {family}", done, numbers)
            yield number

    return EYES[name].items(_source(voicing, seed, told), wanted)


def _source(voicing: Voicing, seed: int, numbers: Callable[[str], Sequence[int]]) -> Source:
    """Conversations of these numbers that anybody may copy; those of families that are frozen in the package come from there."""
    kept = _kept()

    def source(family: str) -> Iterator[Item]:
        if family in LATER:
            return
        if any(made.family == family for made, _ in kept):
            yield from frozen(kept)(family)
            return
        for number in numbers(family):
            try:
                made = script(family, voicing, number, seed)
            except DataError:  # a line that no voice of the split can say
                continue
            if is_free(made):
                made.about["number"] = number
                yield patient(made, trials_of(made))

    return source


@cache
def _kept() -> list[Item]:
    return items.load()


def _write_suite(name: str, kept: Sequence[Item], folder: Path, progress: Progress) -> None:
    blind = [Case(replace(made, views=[]), i, name=folder_of(name, i)) for i, (made, _) in enumerate(kept)]
    write_inputs(name, kept, blind, folder)
    for i, item in enumerate(kept):
        progress(f"{name}: films", i, len(kept))
        place = folder / folder_of(name, i)
        if item[0].views:
            write_film(place / FILM, images(item[0]))
        (place / LABEL).write_text(json.dumps(label(item), indent=1) + "\n", encoding="utf-8")


def label(item: Item) -> dict:
    """What is said and shown to the system and what is wanted of it, in seconds of the input."""
    made, trials = item
    defaults = items.DEFAULTS
    wanted = [{k: v for k, v in asdict(trial).items() if k in ("row", "kind", "begin_s", "end_s") or v != defaults[k]} for trial in trials]
    return items._rounded({
        "family": made.family,
        "seconds": made.length_s,
        "refilmed": any(trial.row.startswith(REFILMED) for trial in trials),
        "user": [{"begin_s": s.start_s, "end_s": s.start_s + s.speech.seconds, "text": s.speech.text, "voice": s.speech.voice} for s in made.sounds],
        "typed": [{"at_s": t, "text": text} for t, text in made.typed],
        "wanted": wanted,
        "for_example": [{"begin_s": o.start_s, "text": o.speech.text} for o in made.own],
    })  # fmt: skip


def _write_about(folder: Path, what: dict) -> None:
    """What a set is, and then the hash of every file."""
    (folder / ABOUT).write_text(json.dumps(what, indent=1) + "\n", encoding="utf-8")
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != HASHES)
    found = {p.relative_to(folder).as_posix(): items.hash_of(p) for p in paths}
    (folder / HASHES).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def load(folder: Path) -> dict[str, list[Item]]:
    """The conversations of a set by suite, their pictures read from the films.

    Raises DataError for what is not as it was frozen, or is of another version than this package measures on.
    """
    what, hashes = about(folder), _json(folder, HASHES)
    changed = [name for name, wanted in hashes.items() if not (folder / name).exists() or items.hash_of(folder / name) != wanted]
    if changed:
        raise DataError(f"{changed[0]} in {folder} is not what was frozen ({len(changed)} files changed)")
    _check_version(folder, what["version"])
    kept, found = iter(items.load(NAME, folder)), {}
    for suite, count in what["suites"].items():
        found[suite] = [_with_film(next(kept), folder / folder_of(suite, i) / FILM) for i in range(count)]
    return found


def _check_version(folder: Path, version: str) -> None:
    if version.removesuffix(OWN) != VERSION:
        raise DataError(f"{folder} is version {version} of the set, and this package measures on version {VERSION}: make one with duologue eval freeze")
    if version == VERSION and pinned() not in (None, digest(folder)):
        raise DataError(f"{folder} is another set than version {VERSION}: its {HASHES} has sha256 {digest(folder)}, not {pinned()}")


def _with_film(item: Item, film: Path) -> Item:
    made, trials = item
    if not film.exists():
        return item
    return replace(made, views=[View(0.0, made.length_s, _shown(film))]), trials


def _shown(film: Path) -> Callable[[float], np.ndarray | None]:
    """What a film shows, as a view shows it; it is read when it is first asked for."""

    @cache
    def pictures() -> list[np.ndarray | None]:
        return list(turn_pictures(film))

    def show(seconds: float) -> np.ndarray | None:
        turn = int(seconds * 1000 / TURN_MS)
        return pictures()[turn] if turn < len(pictures()) else None

    return show
