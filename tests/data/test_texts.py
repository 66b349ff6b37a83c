"""Open texts: usable ones only, split by their hash, written and spoken."""

import re

import numpy as np
import pytest

from duologue.data import texts
from duologue.data.bank import normal, spoken_words
from duologue.data.spoken import spoken
from duologue.errors import DataError

ENTRY = '00001 03 n 01 thing 0 000 | a (rare) kind of useful thing; found in {n} barns of the old country; "the fox number {w} went home"; "too short"\n'
WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


@pytest.fixture
def folder(tmp_path):
    texts.sentences.cache_clear()
    texts.definitions.cache_clear()
    rows = [ENTRY.format(n=n, w=f"{a} {b}") for n, (a, b) in enumerate((a, b) for a in WORDS for b in WORDS)]
    (tmp_path / "data.noun").write_text("  1 licence\n" + "".join(rows), encoding="latin-1")
    for part in ("verb", "adj", "adv"):
        (tmp_path / f"data.{part}").write_text("")
    return tmp_path


def test_sentences_and_definitions_are_plain_and_split_by_hash(folder):
    train, test = (texts.sentences(split, folder) for split in ("train", "test"))
    assert len(train) + len(test) == len(WORDS) ** 2 and not set(train) & set(test) and test
    assert all(texts.is_test(normal(text)) for text in test)
    assert texts.definitions("train", folder) + texts.definitions("test", folder) == ["a kind of useful thing"]


def test_a_missing_wordnet_is_explained(tmp_path):
    texts.sentences.cache_clear()
    with pytest.raises(DataError, match="apt install wordnet-base"):
        texts.sentences("train", tmp_path)


def test_made_sentences_can_be_said_and_hardly_repeat():
    rng = np.random.default_rng(0)
    written = [texts.made(rng) for _ in range(400)]
    said = [spoken(text) for text in written]
    assert not any("<" in text or "{" in text for text in written)
    assert not any(re.search(r"[^A-Za-z' ,.;:!?]", text) for text in said)
    assert all(3 <= len(spoken_words(text)) <= 45 for text in said)
    assert len(set(said)) > 380
    assert sum(bool(re.search(r"\d|[A-Z][a-z]*\.", text)) for text in written) > 390


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_made_line_is_spoken_with_its_written_form_beside_it(split, monkeypatch):
    monkeypatch.setattr(texts, "SHARES", (0, 0, 1))
    rng = np.random.default_rng(1)
    for _ in range(4):
        line = texts.open_line(rng, split)
        assert line.text == spoken(line.slots["written"]) and line.held_out == (split == "test")
        assert texts.is_test(normal(line.text)) == (split == "test")
