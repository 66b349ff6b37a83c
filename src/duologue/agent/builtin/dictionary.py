"""A dictionary: WordNet's own files (Debian's wordnet-base), read where they lie. Read `meanings` first.

The files are sorted text: an index line "lemma pos synsets … offsets", and at each offset a line whose gloss follows
" | ". Source: wndb(5WN) of WordNet 3.0.
"""

import mmap
from pathlib import Path

from duologue.agent.tools import Result, Tool, tool
from duologue.errors import ConfigError

FOLDER = Path("/usr/share/wordnet")
PARTS = {"noun": "noun", "verb": "verb", "adj": "adjective", "adv": "adverb"}
MOST = 3  # meanings of each part of speech
ENDINGS = (("ies", "y"), ("es", ""), ("s", ""), ("ing", ""), ("ing", "e"), ("ed", ""), ("ed", "e"))


def meanings(folder: Path, word: str) -> list[tuple[str, str]]:
    """(part of speech, meaning) of a word in its base form, the usual ones first; empty if it is not there."""
    found = []
    for part, name in PARTS.items():
        lemma = word.strip().lower().replace(" ", "_")
        with (
            open(folder / f"index.{part}", "rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as index,
        ):
            at = index.find(f"\n{lemma} ".encode())
            if at < 0:
                continue
            fields = index[at + 1 : index.find(b"\n", at + 1)].decode().split()
        offsets = fields[-int(fields[2]) :]
        found += [(name, _gloss(folder / f"data.{part}", int(offset))) for offset in offsets[:MOST]]
    return found


def _gloss(data: Path, offset: int) -> str:
    with open(data, "rb") as file:
        file.seek(offset)
        gloss = file.readline().decode("latin-1").partition(" | ")[2]
    return gloss.partition('; "')[0].strip()


def _bases(folder: Path, word: str) -> list[str]:
    """The word, and what it may be a form of."""
    bases = [word, *(word[: -len(end)] + instead for end, instead in ENDINGS if word.endswith(end))]
    for part in PARTS:
        for row in (folder / f"{part}.exc").read_text(encoding="latin-1").splitlines():
            form, *lemmas = row.split()
            bases += lemmas if form == word else []
    return bases


def dictionary(folder: Path = FOLDER) -> Tool:
    """Raises ConfigError when the files are not there."""
    if not (folder / "index.noun").exists():
        raise ConfigError(f"no WordNet in {folder}: install Debian's wordnet-base, or leave the dictionary out")

    def define(word: str) -> Result:
        """What an English word means."""
        for base in _bases(folder, word.strip().lower()):
            if found := meanings(folder, base):
                return Result("; ".join(f"{part}: {meaning}" for part, meaning in found), "WordNet")
        return Result(f"the dictionary does not have {word}", "WordNet")

    return tool(define, changes=False, trusted=True)
