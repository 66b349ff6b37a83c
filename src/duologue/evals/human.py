"""The human row: one woman's recorded phrases from Debian, which no training ever hears. Read `phrases` first.

Source: Debian packages asterisk-core-sounds-en-g722 (sound, 16 kHz) and asterisk-core-sounds-en (what is said),
CC-BY-SA-3.0, Allison Smith. Fetched by apt into the cache; where there is no apt the row is left out.
"""

import gzip
import re
from pathlib import Path

import numpy as np

from duologue.config import cache_dir
from duologue.data.debian import unpacked
from duologue.data.script import Script, Sound, Speech, Word
from duologue.data.voices import sound_span
from duologue.evals.wording import words_of
from duologue.media.audio import load
from duologue.turn import SAMPLE_RATE_HZ

PACKAGES = ("asterisk-core-sounds-en-g722", "asterisk-core-sounds-en")
FEWEST_WORDS, MOST_WORDS = 3, 14
A_CONVERSATION = 4
GAP_S = 1.6


def fetched(folder: Path | None = None) -> Path:
    """The folder into which both packages are unpacked. Raises DataError where that cannot be done."""
    return unpacked(PACKAGES, folder or cache_dir() / "evals" / "human")


def phrases(folder: Path) -> list[tuple[Path, list[str]]]:
    """Sound files and the words in them, for phrases of FEWEST_WORDS to MOST_WORDS plain words."""
    text = gzip.decompress(next(folder.rglob("core-sounds-en.txt.gz")).read_bytes()).decode("utf-8", "replace")
    files = {path.stem: path for path in folder.rglob("sounds/*/*.g722")}
    found = []
    for name, said in re.findall(r"^([\w-]+): *(.+)$", text, re.M):
        plain = not re.search(r"[^A-Za-z0-9 .,'!?;-]", said) and not re.search(r"\b[A-Z]{2,}\b", said)
        if plain and name in files and FEWEST_WORDS <= len(words_of(said)) <= MOST_WORDS:
            found.append((files[name], words_of(said)))
    return found


def conversations(cases: int, folder: Path, seed: int = 0) -> list[Script]:
    """`cases` phrases, A_CONVERSATION of them a script, always the same ones for the same seed."""
    known = phrases(folder)
    order = np.random.default_rng(seed).permutation(len(known))[:cases]
    speeches = [_speech(*known[i]) for i in order]
    return [_script(speeches[at : at + A_CONVERSATION]) for at in range(0, len(speeches), A_CONVERSATION)]


def _speech(path: Path, words: list[str]) -> Speech:
    """Word times are not known: the words are spread evenly."""
    pcm_S = load(path)
    begin, end = sound_span(pcm_S)
    pcm_S = pcm_S[begin:end]
    times = np.linspace(0, len(pcm_S) / SAMPLE_RATE_HZ, len(words) + 1)
    spoken = tuple(Word(word, *map(float, times[i : i + 2])) for i, word in enumerate(words))
    return Speech(" ".join(words), "human/allison", pcm_S, spoken)


def _script(speeches: list[Speech]) -> Script:
    now_s, sounds = 1.0, []
    for speech in speeches:
        sounds.append(Sound(now_s, speech))
        now_s += speech.seconds + GAP_S
    return Script("human", now_s + 1.5, sounds)
