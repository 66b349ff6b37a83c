import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue.agent.builtin.arithmetic import calculate
from duologue.agent.builtin.dictionary import dictionary
from duologue.agent.builtin.documents import index, passages
from duologue.agent.builtin.moment import zone
from duologue.errors import ConfigError


@pytest.mark.parametrize(
    ("expression", "unit", "result"),
    [
        ("1/3 + 1/6", "", "0.5"),
        ("0.1 + 0.2", "", "0.3"),
        ("2**100", "", "1267650600228229401496703205376"),
        ("2.5 kilometre + 300 metre", "metre", "2800 meter"),
        ("-40 degC", "degF", "-40 degree Fahrenheit"),
        ("1/3", "", "about 0.333"),
    ],
)
def test_arithmetic_is_exact(expression, unit, result):
    assert calculate(expression, unit) == result


@pytest.mark.parametrize(
    "expression", ["9**9**9", "9**9999", "(9**99)**99", "1+", "__import__('os')", "3 zork", "1/0", "9" * 300, "()"]
)
def test_what_is_no_sum_or_too_large_is_refused(expression):
    with pytest.raises(ValueError):
        calculate(expression)


@settings(max_examples=50, deadline=None)
@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6), st.sampled_from("+-*"))
def test_arithmetic_agrees_with_python(a, b, sign):
    assert calculate(f"({a}) {sign} ({b})") == str(eval(f"({a}) {sign} ({b})"))


@pytest.fixture
def wordnet(tmp_path):
    """Two words in the form of WordNet's files, with one irregular plural."""
    gloss = {
        "noun": [("goose", 'a large bird; "the goose flew"'), ("goose", "a silly person")],
        "verb": [("walk", "go on foot")],
    }
    for part in ("noun", "verb", "adj", "adv"):
        data, index = b"  1 licence text\n", {}
        for word, text in gloss.get(part, ()):
            index.setdefault(word, []).append(f"{len(data):08d}")
            data += f"{len(data):08d} 05 n 01 {word} 0 000 | {text}\n".encode()
        rows = [f"{word} {part[0]} {len(at)} 1 @ {len(at)} 0 {' '.join(at)}" for word, at in sorted(index.items())]
        (tmp_path / f"data.{part}").write_bytes(data)
        (tmp_path / f"index.{part}").write_text("  1 licence text\n" + "".join(f"{row}  \n" for row in rows))
        (tmp_path / f"{part}.exc").write_text("geese goose\n" if part == "noun" else "")
    return dictionary(tmp_path)


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("goose", "noun: a large bird; noun: a silly person"),
        ("Geese", "noun: a large bird; noun: a silly person"),
        ("walking", "verb: go on foot"),
        ("swan", "the dictionary does not have swan"),
        ("", "the dictionary does not have "),
    ],
)
def test_the_dictionary_finds_words_and_their_forms(wordnet, word, found):
    result = asyncio.run(wordnet.run({"word": word}))
    assert (result.text, result.source) == (found, "WordNet")


def test_a_missing_dictionary_is_said(tmp_path):
    with pytest.raises(ConfigError, match="wordnet-base"):
        dictionary(tmp_path)


def test_zones_are_found_by_city():
    assert zone("New York").key == "America/New_York" and zone("europe/oslo").key == "Europe/Oslo"
    with pytest.raises(ValueError, match="no time zone"):
        zone("Atlantis")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documents")
    (folder / "a.txt").write_text("the quick brown fox\n\njumps over the lazy dog")
    return index(folder)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60))
def test_no_words_break_the_search(small, words):
    passages(small, words)


def test_passages_with_all_words_come_first(small):
    assert passages(small, "dog jumping")[0][0] == "a.txt line 3"
    assert len(passages(small, "fox dog")) == 2 and passages(small, "zebra") == []
