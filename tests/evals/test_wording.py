import pytest

from duologue.evals.wording import contains, errors, in_order, longest_run, nearly, readings, words_of


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("It's 13.", "it is thirteen"),
        ("9-3", "nine minus three"),
        ("21st", "twenty one"),
        ("1,250 + 7", "one thousand two hundred fifty plus seven"),
        ("You’re welcome!", "you are welcome"),
        ("I can't, uh-huh.", "I cannot uh huh"),
        ("OK, grey", "okay gray"),
        ("A ladder costs $15.", "a ladder costs fifteen dollars"),
        ("It's $1, not $1,200.", "it is one dollar not one thousand two hundred dollars"),
    ],
)
def test_one_meaning_has_one_form(heard, meant):
    assert words_of(heard) == words_of(meant)


def test_an_answer_is_words_not_letters():
    assert contains(words_of("that's fourteen"), "fourteen", 6)
    assert not contains(words_of("that's fourteen"), "four", 6)
    assert not contains(words_of("no it is not"), "yes", 6)


def test_an_answer_buried_in_a_recital_is_none():
    assert not contains(words_of("one two three four five six seven eight"), "eight", 6)


def test_homophones_count_only_for_a_single_word():
    assert contains(words_of("For."), "four", 6)
    assert not contains(words_of("for example"), "four example", 6)


def test_a_list_of_unrelated_words_may_be_misspelt_but_not_shorter():
    wanted = "competition based code fully goal"
    assert nearly(words_of("Competition based code fully at goal."), wanted)
    assert nearly(words_of("competition based code fully goal. And something else after it."), wanted)
    assert not nearly(words_of("competition based code fully"), wanted.replace("goal", "elephant"))
    assert not nearly(words_of("Habs"), "halves")


def test_items_in_order():
    heard = words_of("well, 3, 4, um, 5")
    assert in_order(heard, ("three", "four", "five")) == 3
    assert in_order(heard, ("three", "five", "four")) == 2


def test_a_run_needs_neighbours():
    items = tuple("one two three four five".split())
    assert longest_run(words_of("three four five"), items) == (2, 3)
    assert longest_run(words_of("one three five"), items)[1] == 1


def test_errors_are_counted_as_words():
    assert errors("a b c".split(), "a x c d".split()) == 2
    assert errors([], "a b".split()) == 2 and errors("a b".split(), []) == 2


def test_a_recital_written_without_gaps_is_still_one():
    assert any(in_order(found, ("nineteen", "twenty")) == 2 for found in readings("1920."))
    assert any(in_order(found, ("one", "two", "three")) == 3 for found in readings("123"))
    assert readings("thirteen") == [["thirteen"]]
