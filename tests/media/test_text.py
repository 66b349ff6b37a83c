import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.media.text import CALLS, MARKERS, SPECIALS, Tokenizer

TOKENIZER = Tokenizer()


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz' ", max_size=60))
def test_plain_english_comes_back(text):
    words = " ".join(text.split())
    assert TOKENIZER.decode(TOKENIZER.encode(words)) == words


def test_case_is_folded_and_digits_are_single_pieces():
    assert TOKENIZER.decode(TOKENIZER.encode("It's 48 Cats!")) == "it's 4 8 cats !"


def test_a_word_is_whole_only_with_its_last_piece():
    ids = TOKENIZER.encode("umbrella")
    assert len(ids) > 1
    assert TOKENIZER.words(ids[:-1]) == ("", ids[:-1])
    assert TOKENIZER.words(ids) == ("umbrella", [])
    assert TOKENIZER.words([*TOKENIZER.encode("hello"), *ids[:1]]) == ("hello", ids[:1])


@pytest.mark.parametrize("word", ["eight", "plus", "wednesday", "september", "hello", "nineteen"])
def test_what_is_said_most_is_one_token(word):
    assert len(TOKENIZER.encode(word)) == 1


def test_markers_and_calls_are_specials_and_never_come_from_text():
    ids = {TOKENIZER.marker(m) for m in MARKERS} | {TOKENIZER.call(c) for c in CALLS}
    assert len(ids) == len(MARKERS) + len(CALLS) and max(ids) < len(SPECIALS)
    assert not ids & set(TOKENIZER.encode("<typed> <delegate> <end> <pad>"))
