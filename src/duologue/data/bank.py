"""The voice bank: every utterance with its word times, on disk once, read as it is asked for.

Two files a voice: `<voice>.i16` (16 kHz int16 samples, appended) and `<voice>.jsonl` (one utterance a line, written after
its sound, so a torn last line is only ignored). `Bank` is the reader: `sample` gives somebody's line, `own`
the model's own voice saying a text. `bank_writer` fills it.
"""

import json
import re
import zlib
from collections import defaultdict
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from duologue.config import cache_dir
from duologue.data.pieces import begun, lift, splice
from duologue.data.script import Line, Speech, Word
from duologue.data.voices import OWN, RECORDED, SPANISH_TEST, UNHEARD, split_of
from duologue.errors import DataError

LIST_INTENT = "list"  # own speech that is a comma list of words: each word stands alone and cuts cleanly
TRIES = 48
CUTS, CLEAN_DB = 4, -30.0
RECORDED_SHARE = 0.5
MOST_ALIKE, LATEST = 5, 0.6  # words that replies may share at their beginning; how often all of those come from another recording
MORE_OF_IT = "duologue synth voices --engine kokoro --own-share 1"
NATURAL, NATURAL_WEIGHT = "kokoro/", 2.0  # people sound more like these than like the formant and diphone voices


def spoken_words(text: str) -> list[str]:
    """The words of a text as they are spoken: lower case, letters (Spanish ones too) and inner apostrophes only."""
    return re.findall(r"[a-záéíóúüñ]+(?:'[a-z]+)*", text.lower().replace("’", "'"))


def normal(text: str) -> str:
    """The form in which texts are compared."""
    return " ".join(spoken_words(text))


def file_stem(voice: str) -> str:
    return voice.replace("/", "_", 1)


def own_split(text: str) -> str:
    """"test" for one open sentence of the own voice in twenty, by hash, so that a growing bank never moves one over."""
    return "test" if zlib.crc32(normal(text).encode()) % 20 == 0 else "train"


class Entry(NamedTuple):
    """One utterance of the index; `row` is its JSON, `sounds` the file of its voice."""

    voice: str
    row: dict
    sounds: Path

    @property
    def line(self) -> Line:
        return Line(**{**self.row["line"], "answers": tuple(self.row["line"]["answers"])})


def _read_index(path: Path) -> list[Entry]:
    voice, sounds, entries = path.stem.replace("_", "/", 1), path.with_suffix(".i16"), []
    for raw in path.read_bytes().split(b"\n"):
        try:
            entries.append(Entry(voice, json.loads(raw), sounds))
        except ValueError:  # torn by a crash, or the empty rest after the last line
            continue
    return entries


class Bank:
    """Read-only view of what the bank held when it was opened, and beside it people's recordings (`recordings.adopted`).

    What both have something of is drawn from the recordings RECORDED_SHARE of the time.
    """

    def __init__(self, root: Path | str | None = None, recordings: Path | None = None):
        self.root = Path(root) if root else cache_dir() / "bank"
        folders = [self.root, recordings] if recordings else [self.root]
        self.entries = [entry for folder in folders for path in sorted(folder.glob("*.jsonl")) for entry in _read_index(path)]
        self._by_text = {(e.voice, normal(e.row["text"])): e for e in self.entries}
        self._by_family: dict[tuple, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
        for entry in self.entries:
            line, split = entry.row["line"], split_of(entry.voice)
            if entry.voice in SPANISH_TEST and entry.line.language != "es":  # said before it was for tests
                continue
            self._by_family[split, None, None][entry.voice].append(entry)
            self._by_family[split, line["family"], None][entry.voice].append(entry)
            self._by_family[split, line["family"], line["intent"]][entry.voice].append(entry)
            if entry.voice == OWN and line["intent"] == "open" and own_split(line["text"]) == "train":
                for key in (None, None), ("hear", "open"):  # a user too, whom the renderer makes somebody else
                    self._by_family["train", *key][OWN].append(entry)

    def voices(self, split: str = "train") -> list[str]:
        """User voices that have entries in a split."""
        return sorted({e.voice for e in self.entries if split_of(e.voice) == split})

    def sample(
        self,
        rng: np.random.Generator,
        family: str | None,
        intent: str | None = None,
        voice: str | None = None,
        split: str = "train",
        where: Callable[[Line], bool] | None = None,
    ) -> Speech:
        """A random utterance (of any family for None): first a voice (`_weight`), then one of its utterances.

        Raises DataError when the bank holds nothing that matches.
        """
        found = self._by_family.get((split, family, intent), {})
        voices = {voice: found[voice]} if voice in found else {} if voice else _one_kind(rng, found)
        choice = _choose(rng, list(voices.values()), where)
        if choice is None:
            asked = f"family {family!r}, intent {intent!r}, voice {voice!r}, split {split!r}"
            raise DataError(f"nothing in {self.root} for {asked}: synthesise more (duologue synth)")
        return self.speech(choice)

    def speech(self, entry: Entry) -> Speech:
        """The sound and words of an entry."""
        row = entry.row
        samples_S = np.fromfile(entry.sounds, np.int16, row["samples"], offset=2 * row["offset"])
        pcm_S = samples_S.astype(np.float32) / 32768
        return Speech(row["text"], entry.voice, pcm_S, tuple(map(_word, row["words"])), entry.line)

    def find(self, text: str, voice: str) -> Speech | None:
        """Exactly this text by this voice, or None."""
        entry = self._by_text.get((voice, normal(text)))
        return self.speech(entry) if entry else None

    def own(self, text: str) -> Speech:
        """The model's own voice saying this text: as synthesised, else spliced from its words.

        Raises DataError that names the words it has never said.
        """
        if found := self.find(text, OWN):
            return found
        words = spoken_words(text)
        missing = [word for word in dict.fromkeys(words) if word not in self._own_words]
        if missing or not words:
            raise DataError(f"the own voice has never said {', '.join(missing) or 'nothing'}: synthesise more ({MORE_OF_IT})")
        return splice(text, [self.own_word(word) for word in words])

    def begun_otherwise(self, rng: np.random.Generator, speech: Speech) -> Speech:
        """The same words of the own voice, the first of them from any recording that begins alike.

        A reply is recorded once, so that its "that's" is like no other "that's": whoever hears it knows the rest.
        """
        texts = tuple(word.text for word in speech.words)
        alike = [n for n in range(1, len(texts)) if len(self._own_beginnings.get(texts[:n], ())) > 1]
        if not alike:
            return speech
        words = alike[-1] if rng.random() < LATEST else int(rng.choice(alike))
        others = self._own_beginnings[texts[:words]]
        return begun(self.speech(others[int(rng.integers(len(others)))]), speech, words)

    @cached_property
    def _own_beginnings(self) -> dict[tuple[str, ...], list[Entry]]:
        """The own voice's recordings by each of their beginnings of up to MOST_ALIKE words; something follows in all."""
        found: dict[tuple[str, ...], list[Entry]] = defaultdict(list)
        for entry in self.entries:
            if entry.voice == OWN:
                texts = tuple(text for text, *_ in entry.row["words"])
                for n in range(1, min(len(texts), MOST_ALIKE + 1)):
                    found[texts[:n]].append(entry)
        return found

    def own_sentence(self, rng: np.random.Generator, split: str = "train") -> Speech:
        """A random open sentence of the own voice. Raises DataError when it has said none."""
        found = self._by_family.get(("own", "hear", "open"), {}).get(OWN)
        entry = _choose(rng, [found] if found else [], lambda line: own_split(line.text) == split)
        if entry is None:
            raise DataError(f"the own voice has said no open {split} sentence yet: synthesise more ({MORE_OF_IT})")
        return self.speech(entry)

    def own_anything(self, rng: np.random.Generator) -> Speech:
        """For training: an open sentence half of the time, else a reply or a list of words."""
        kinds = [("hear", "open"), ("hear", "open"), ("own", "reply"), ("own", LIST_INTENT)]
        found = [self._by_family[key][OWN] for kind in kinds if OWN in self._by_family.get(key := ("own", *kind), ())]
        if (entry := _choose(rng, found, lambda line: line.intent != "open" or own_split(line.text) == "train")) is None:
            raise DataError(f"the own voice has said nothing yet: synthesise more ({MORE_OF_IT})")
        return self.speech(entry)

    def own_word(self, word: str, rng: np.random.Generator | None = None) -> Speech:
        """One word of the own voice; the cleanest cut, or with `rng` a random one of the clean ones."""
        cuts = self._own_words.get(normal(word))
        if not cuts:
            raise DataError(f"the own voice has never said {word!r}: synthesise more ({MORE_OF_IT})")
        lifted = sorted((lift(self.speech(entry), at) for entry, at in cuts[:CUTS]), key=lambda found: found[0])
        clean = [piece for level_db, piece in lifted if level_db < max(CLEAN_DB, lifted[0][0] + 1)]
        return clean[0 if rng is None else int(rng.random() * len(clean))]

    @cached_property
    def _own_words(self) -> dict[str, list[tuple[Entry, int]]]:
        """Where the own voice says each word: the whole utterance, else in lists, else anywhere."""
        ranked: dict[str, dict[int, list]] = defaultdict(lambda: defaultdict(list))
        for entry in self.entries:
            if entry.voice == OWN:
                words = entry.row["words"]
                rank = 0 if len(words) == 1 else 1 if entry.row["line"]["intent"] == LIST_INTENT else 2
                for at, (word, *_) in enumerate(words):
                    ranked[word][rank].append((entry, at))
        return {word: by_rank[min(by_rank)] for word, by_rank in ranked.items()}


def _one_kind(rng: np.random.Generator, voices: dict[str, list[Entry]]) -> dict[str, list[Entry]]:
    """The recorded voices or the synthesised ones, where there are both."""
    recorded = {voice: said for voice, said in voices.items() if voice.startswith((RECORDED, UNHEARD))}
    if not recorded or len(recorded) == len(voices):
        return voices
    return recorded if rng.random() < RECORDED_SHARE else {v: said for v, said in voices.items() if v not in recorded}


def _choose(rng: np.random.Generator, groups: list[list[Entry]], where: Callable[[Line], bool] | None) -> Entry | None:
    """A random group, larger ones more often, then a random entry of it that `where` accepts; all are searched when luck does not find one."""
    if not groups:
        return None
    shares = np.cumsum([_weight(group) for group in groups])
    for _ in range(TRIES if where else 1):
        group = groups[int(np.searchsorted(shares, rng.random() * shares[-1], side="right"))]
        entry = group[int(rng.random() * len(group))]
        if where is None or where(entry.line):
            return entry
    matching = [entry for group in groups for entry in group if where(entry.line)]
    return matching[int(rng.random() * len(matching))] if matching else None


def _weight(voice: list[Entry]) -> float:
    """How likely a voice is drawn, from all it has said."""
    return len(voice) ** 0.5 * (NATURAL_WEIGHT if voice[0].voice.startswith(NATURAL) else 1.0)


def _word(row: list) -> Word:
    text, start_s, end_s, *phones = row
    return Word(text, start_s, end_s, *(tuple(map(tuple, found)) for found in phones))
