"""People's recordings with their texts, in the layouts in which they come. Read `recordings` first, then `adopted`.

Layouts: a sound and a .txt beside each other; LJSpeech's metadata.csv; LibriSpeech's *.trans.txt; Common Voice's .tsv; Lhotse's
manifests (*.jsonl, *.jsonl.gz), through which every corpus that Lhotse prepares can be read. `adopted` makes a voice bank of
them, so that all that a synthesised voice is good for, a recorded one is too.
"""

import csv
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np

from duologue.config import cache_dir
from duologue.data.bank import Bank, normal, spoken_words
from duologue.data.bank_writer import Writer
from duologue.data.script import Line, Word
from duologue.data.spoken import spoken
from duologue.data.voices import RECORDED, UNHEARD, finished
from duologue.data.word_times import Timer, timer
from duologue.errors import ConfigError, DataError
from duologue.media.audio import load
from duologue.turn import SAMPLE_RATE_HZ

SOUNDS = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a")
LONGEST_S = 20.0
UNHEARD_SHARE = 10  # percent of the sentences, by hash, that no training hears


class Recording(NamedTuple):
    """One utterance. `sound` loads it, float32 mono 16 kHz; `times` are its words' where the corpus has them."""

    name: str
    speaker: str
    text: str
    sound: Callable[[], np.ndarray]
    times: tuple[Word, ...] = ()


def recordings(folder: Path) -> list[Recording]:
    """All utterances of a folder or manifest, sorted by speaker.

    Raises:
        DataError: nothing there that can be read.
    """
    if not folder.exists():
        raise DataError(f"no recordings: {folder} does not exist")
    for layout in (_manifests, _common_voice, _lj_speech, _libri_speech, _text_files):
        if found := list(layout(folder)):
            return sorted(found, key=lambda one: (one.speaker, one.name))
    raise DataError(
        f"no recordings in {folder}: put a .txt with the words beside each sound file ({' '.join(SOUNDS)}), or give the folder "
        "of LJSpeech, LibriSpeech or Common Voice, or Lhotse manifests"
    )


def _file(path: Path, speaker: str, text: str) -> Recording:
    return Recording(str(path), speaker, text, partial(load, path))


def _beside(path: Path) -> Path | None:
    """The sound with this name and any ending."""
    return next((sound for ending in SOUNDS if (sound := path.with_name(path.name + ending)).exists()), None)


def _text_files(folder: Path) -> Iterator[Recording]:
    """A folder is a speaker."""
    for path in sorted(folder.rglob("*.txt")):
        if sound := _beside(path.with_suffix("")):
            yield _file(sound, path.parent.name, path.read_text(encoding="utf-8", errors="replace"))


def _lj_speech(folder: Path) -> Iterator[Recording]:
    """"name|text|text as it is spoken" a line, sounds in wavs/."""
    for table in sorted(folder.rglob("metadata.csv")):
        for row in table.read_text(encoding="utf-8").splitlines():
            name, _, text = row.partition("|")
            if sound := _beside(table.parent / "wavs" / name) or _beside(table.parent / name):
                yield _file(sound, table.parent.name, text.split("|")[-1])


def _libri_speech(folder: Path) -> Iterator[Recording]:
    """"speaker-chapter-number TEXT" a line."""
    for table in sorted(folder.rglob("*.trans.txt")):
        for row in table.read_text(encoding="utf-8").splitlines():
            name, _, text = row.partition(" ")
            if sound := _beside(table.parent / name):
                yield _file(sound, name.partition("-")[0], text)


def _common_voice(folder: Path) -> Iterator[Recording]:
    """train.tsv where it is, else validated.tsv; or the very table that is named."""
    tables = [folder] if folder.suffix == ".tsv" else [*folder.rglob("train.tsv"), *folder.rglob("validated.tsv")][:1]
    for table in tables:
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                sound = table.parent / "clips" / row["path"]
                yield _file(sound, row["client_id"][:16], row["sentence"])


def _manifests(folder: Path) -> Iterator[Recording]:
    """Cuts, or recordings with their supervisions; one recording a supervision. Word alignments are used."""
    files = [folder] if folder.is_file() else sorted(folder.glob("*.jsonl*"))
    files = [path for path in files if re.search(r"\.jsonl(\.gz)?$", path.name)]
    if not files:
        return
    try:
        from lhotse import CutSet
    except ModuleNotFoundError:
        raise ConfigError("Lhotse manifests need lhotse: pip install 'duologue[train]'") from None
    for cuts in _cut_sets(CutSet, files):
        yield from (_cut(cut) for cut in cuts.trim_to_supervisions(keep_overlapping=False) if cut.supervisions[0].text)


def _cut_sets(cut_set, files: Sequence[Path]) -> Iterator:
    """Files of cuts; else each file of recordings with the supervisions that are named like it."""
    from lhotse import RecordingSet, SupervisionSet

    if cuts := [path for path in files if "cuts" in path.name]:
        yield from (cut_set.from_file(path) for path in cuts)
        return
    for path in (path for path in files if "recordings" in path.name):
        said = path.with_name(path.name.replace("recordings", "supervisions"))
        if not said.exists():
            raise DataError(f"{path} has no {said.name} beside it")
        yield cut_set.from_manifests(RecordingSet.from_file(path), SupervisionSet.from_file(said))


def _cut(cut) -> Recording:
    said = cut.supervisions[0]
    aligned = (said.alignment or {}).get("word", ())
    times = tuple(Word(word.symbol.lower(), word.start, word.start + word.duration) for word in aligned if normal(word.symbol))
    return Recording(said.id, str(said.speaker or "somebody"), said.text, partial(_cut_sound, cut), times)


def _cut_sound(cut) -> np.ndarray:
    try:
        return cut.resample(SAMPLE_RATE_HZ).load_audio().mean(0)
    except Exception as error:  # Lhotse raises a dozen kinds
        raise DataError(f"cannot read {cut.id} as sound: {error}") from error


class Adopted(NamedTuple):
    """What became of the recordings: the folder of their bank, and how many are in it, are too long, lack words or sound."""

    folder: Path
    utterances: int
    too_long: int
    empty: int

    def __str__(self) -> str:
        return f"{self.utterances} recordings; left out: {self.too_long} over {LONGEST_S:.0f} s, {self.empty} without words or sound"


def home_of(folder: Path) -> Path:
    """Where the bank of these recordings is kept."""
    whole = folder.resolve()
    return cache_dir() / "recordings" / f"{_plain(whole.name)}-{zlib.crc32(str(whole).encode()):08x}"


def adopted(folder: Path, progress: Callable[[int, int], None] = lambda done, total: None) -> Adopted:
    """Makes a voice bank of recordings, in the cache; what is in it already is not read again.

    Args:
        progress: called with how many of how many have been read.

    Raises:
        DataError: there are no recordings, or one cannot be read.
    """
    found, place = recordings(folder), home_of(folder)
    place.mkdir(parents=True, exist_ok=True)
    known = {entry.row["line"]["slots"]["from"]: entry for entry in Bank(place).entries}
    way, left = timer(), [one for one in found if one.name not in known]
    counts = {"utterances": len(known), "too_long": 0, "empty": 0}
    done = len(found) - len(left)
    for speaker, theirs in groupby(left, key=lambda one: one.speaker):
        writers = {side: Writer(f"{side}/{_plain(speaker)}", place) for side in (RECORDED, UNHEARD)}
        for one in theirs:
            counts[_adopt(one, writers, way)] += 1
            done += 1
            progress(done, len(found))
        for writer in writers.values():
            writer.close()
    if not counts["utterances"]:
        raise DataError(f"none of the {len(found)} recordings in {folder} has words, sound and at most {LONGEST_S:.0f} s")
    return Adopted(place, **counts)


def _plain(speaker: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", speaker) or "somebody"


def _adopt(one: Recording, writers: dict[str, Writer], way: Timer) -> str:
    """Writes one recording; says under which count it falls."""
    text = spoken(one.text)
    words, pcm_S = spoken_words(text), one.sound()
    if len(pcm_S) > LONGEST_S * SAMPLE_RATE_HZ:
        return "too_long"
    times = one.times if [word.text for word in one.times] == words else None
    speech = finished(pcm_S, SAMPLE_RATE_HZ, times or way(pcm_S, words)) if words and len(pcm_S) else None
    if speech is None:
        return "empty"
    side = UNHEARD if is_unheard(text) else RECORDED
    line = Line("hear", "open", text, slots={"from": one.name}, held_out=side == UNHEARD)
    writers[side].add(line, speech.pcm_S, speech.words)
    return "utterances"


def is_unheard(text: str) -> bool:
    """Whether a sentence is kept from training, whoever says it."""
    return zlib.crc32(normal(text).encode()) % 100 < UNHEARD_SHARE
