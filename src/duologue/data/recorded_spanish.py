"""Spanish that a person recorded, as a voice of the bank: nouns with their article, some with an adjective. Read `fill`.

Source: Debian package tuxpaint-stamps-default, in which Estefanía Ortiz says what is on a stamp (GPL-2). For training only. The Spanish
sounds of Asterisk are left out: their speaker is the human row's (`evals/human.py`), which no training hears.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from duologue.config import cache_dir
from duologue.data import freedict
from duologue.data.bank import Bank, spoken_words
from duologue.data.bank_writer import Writer
from duologue.data.debian import unpacked
from duologue.data.families.exchange import held_out
from duologue.data.families.spanish import ADJECTIVES, DETERMINERS, NOUNS, adjective
from duologue.data.families.translate import LANGUAGE, NAME, PAIR_SHARE, RECORDED, Part
from duologue.data.script import Line
from duologue.data.voices import ESTEFANIA, Spoken, finished
from duologue.data.word_times import by_letters
from duologue.media.audio import load
from duologue.turn import SAMPLE_RATE_HZ

PACKAGE = "tuxpaint-stamps-default"
LONGEST_WORD_S = 1.6  # what takes longer a word has more in it than its text, such as the sound of an animal


@cache
def _glossary() -> tuple[dict[str, str], dict[str, str], dict[str, tuple[str, str]]]:
    """Articles, nouns and qualities with their English: the closed world's and a dictionary's; qualities also with their first form."""
    articles = {form: en for *forms, en in DETERMINERS for form in forms}
    nouns = dict(freedict.words()) | {noun.es: noun.en for noun in NOUNS}
    return articles, nouns, {form: (es, en) for es, en in ADJECTIVES for form in (es, adjective(es, True))}


def line_of(words: Sequence[str]) -> Line | None:
    """A noun with its article, and perhaps an adjective, with its English; None for anything else and for pairs of which only tests
    may hear."""
    articles, nouns, qualities = _glossary()
    match words:
        case [article, noun] if article in articles and noun in nouns:
            parts = [Part(articles[article], 0), Part(nouns[noun], 1, open=True)]
        case [article, noun, quality] if article in articles and noun in nouns and quality in qualities:
            first_form, english = qualities[quality]
            if held_out("translate", noun, first_form, share=PAIR_SHARE):
                return None
            parts = [Part(articles[article], 0), Part(english, 2), Part(nouns[noun], 2)]
        case _:
            return None
    return Line(NAME, RECORDED, " ".join(words), (), {"parts": [list(part) for part in parts], "language": LANGUAGE})


def stamps(folder: Path) -> Iterator[tuple[Path, str]]:
    """Sound files, and what is said in them; the text of a stamp lies beside it."""
    for path in sorted(folder.rglob("*_desc_es.ogg")):
        table = path.with_name(path.name.replace("_desc_es.ogg", ".txt"))
        if table.exists() and (said := re.search(r"^es\.utf8=(.+)$", table.read_text(encoding="utf-8", errors="replace"), re.M)):
            yield path, said[1]


def fill() -> tuple[int, float]:
    """Writes into the voice bank what is not there yet: how many utterances are new, and their seconds.

    Raises DataError where the package cannot be fetched.
    """
    known = {entry.row["line"]["slots"].get("from") for entry in Bank().entries if entry.voice == ESTEFANIA}
    folder = unpacked((PACKAGE,), cache_dir() / "recordings" / PACKAGE)
    writer, seconds = Writer(ESTEFANIA), []
    for path, text in stamps(folder):
        name = str(path.relative_to(folder))
        if name not in known and (line := line_of(spoken_words(text))) and (speech := timed(load(path), line)):
            line.slots["from"] = name
            writer.add(line, speech.pcm_S, speech.words)
            seconds.append(len(speech.pcm_S) / SAMPLE_RATE_HZ)
    writer.close()
    return len(seconds), sum(seconds)


def timed(pcm_S: np.ndarray, line: Line) -> Spoken | None:
    """One recording with the times of its words; None if it is silent or has more in it than its words."""
    words = line.text.split()
    speech = finished(pcm_S, SAMPLE_RATE_HZ, by_letters(pcm_S, words))
    return speech if speech and len(speech.pcm_S) <= LONGEST_WORD_S * len(words) * SAMPLE_RATE_HZ else None
