import pytest

from duologue.evals.stats import paired_difference, quantiles, rate, ratio


def test_wilson_interval_as_in_the_textbook():
    share = rate(8, 10)
    assert share.percent == 80 and share.low == pytest.approx(49.02, abs=0.01) and share.high == pytest.approx(94.33, abs=0.01)


def test_all_right_is_not_certain():
    assert rate(10, 10).low == pytest.approx(72.25, abs=0.01) and rate(0, 10).low == 0


def test_word_errors_are_pooled_over_cases():
    share = ratio([1, 0, 3], [10, 10, 10])
    assert share.percent == pytest.approx(100 * 4 / 30) and share.low <= share.percent <= share.high and share.cases == 3


def test_a_paired_difference_sees_what_changed():
    same = paired_difference([True, False] * 20, [True, False] * 20)
    assert same.percent == same.low == same.high == 0
    assert paired_difference([True] * 20, [False] * 20).percent == -100


def test_no_values_no_quantiles():
    assert all(value != value for value in quantiles([]))
