"""Open texts: usable ones only, split by their hash, written and spoken."""

import numpy as np
import pytest

from duologue.data import documentation, texts, wordnet
from duologue.data.bank import normal
from duologue.data.spoken import spoken
from duologue.errors import DataError

ENTRY = '00001 03 n 01 thing 0 000 | a (rare) kind of useful thing; found in {n} barns of the old country; "the fox number {w} went home"; "too short"\n'
WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


needs_wordnet = pytest.mark.skipif(not wordnet.FOLDER.is_dir(), reason="wordnet-base is not installed")


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


@needs_wordnet
def test_documentation_is_whole_sentences_of_known_words(monkeypatch, tmp_path):
    source = """def f():
    \'\'\'not read\'\'\'
    \"\"\"Return the first column of the table.

    The ndarray is left as it was.  Nothing
    else is changed, of course.  See f(x).
    \"\"\"
"""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text('"""This file tests the table."""')
    (tmp_path / "__init__.py").write_text(source)
    monkeypatch.setattr(documentation, "find_spec", lambda name: type("Spec", (), {"origin": str(tmp_path / "__init__.py")}))
    monkeypatch.setattr(documentation.topics, "topics", {})
    assert documentation.documentation.__wrapped__() == ("Return the first column of the table.", "Nothing else is changed, of course.")


@needs_wordnet
@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("kind", ["grammar", "written"])
def test_a_made_line_is_spoken_with_its_written_form_beside_it(kind, split, monkeypatch):
    monkeypatch.setattr(texts, "SHARES", {kind: 1.0})
    rng = np.random.default_rng(1)
    for _ in range(4):
        line = texts.open_line(rng, split)
        assert line.text == spoken(line.slots.get("written", line.text)) and line.held_out == (split == "test")
        assert texts.is_test(normal(line.text)) == (split == "test")
        assert ("written" in line.slots) == (line.slots.get("written", line.text) != line.text)


@needs_wordnet
def test_every_kind_comes():
    rng = np.random.default_rng(0)
    drawn = [texts.open_line(rng, "train") for _ in range(300)]
    stored = {kind: set(texts.STORED[kind]("train")) for kind in texts.STORED}
    counts = {kind: sum(line.text in known for line in drawn) for kind, known in stored.items()}
    assert all(counts.values()) and counts["sentences"] > counts["documentation"]
    assert 50 < sum("written" in line.slots for line in drawn) < 80
