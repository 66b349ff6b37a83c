"""What must hold of every scorer, whatever the output: a shift in time, another order, silence."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue.evals.outcome import Outcome, segments, silent_from
from duologue.evals.score import SCORERS, Reader, said_tokens, score
from duologue.evals.stats import mean, of_sums, quantile, share
from duologue.evals.trials import Trial, moved
from duologue.evals.wording import longest_run

ITEMS = tuple("one two three four five".split())
TRIALS = [
    Trial("a", "answer", 3.8, 6.5, ("three",), 4.0, limit_s=9.0),
    Trial("a", "answer", 3.8, 6.5, ("one",), 4.0, ITEMS),
    Trial("a", "quiet", 2.0, 3.0),
    Trial("a", "stop", 6.6, 8.0, after_s=5.5),
    Trial("a", "goes_on", 5.0, 9.0, after_s=5.0, items=ITEMS),
    Trial("a", "resumes", 5.0, 7.5, after_s=5.2, items=ITEMS),
    Trial("a", "slots", 4.0, 8.0, ("two",), slots_s=(4.0, 8.0), quiet=((4.9, 7.4),)),
    Trial("a", "backchannel", 3.0, 3.8, ("one", "two"), 3.0),
    Trial("a", "no_onset", 3.0, 5.0),
]
WAITING = {"quiet", "no_onset"}

tenths = st.integers(0, 120)


@st.composite
def outcomes(draw) -> Outcome:
    """Up to eight spans within twelve seconds, each with a word of the recital."""
    edges = sorted(draw(st.sets(tenths, max_size=16)))
    spans = [(a / 10, b / 10) for a, b in zip(edges[::2], edges[1::2], strict=False)]
    words = [draw(st.sampled_from(ITEMS)) for _ in spans]
    return Outcome(spans=spans, said=[(begin_s, word) for (begin_s, _), word in zip(spans, words, strict=True)])


def later(outcome: Outcome, by_s: float) -> Outcome:
    spans = [(a + by_s, b + by_s) for a, b in outcome.spans]
    return Outcome(spans=spans, said=[(t + by_s, word) for t, word in outcome.said])


def judged(trial: Trial, outcome: Outcome):
    return score(trial, outcome, Reader(said_tokens))


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.kind)
@settings(max_examples=60, deadline=None)
@given(outcome=outcomes(), by_s=st.sampled_from([8.0, 64.0, 512.0]))
def test_the_clock_has_no_origin(trial, outcome, by_s):
    here, there = judged(trial, outcome), judged(moved(trial, by_s), later(outcome, by_s))
    assert (here.right, here.reason, here.heard) == (there.right, there.reason, there.heard)
    assert here.onset_s == pytest.approx(there.onset_s) if here.onset_s is not None else there.onset_s is None


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.kind)
def test_silence_is_right_only_where_it_is_wanted(trial):
    assert judged(trial, Outcome()).right == (trial.kind in WAITING)


@pytest.mark.parametrize("kind", SCORERS)
def test_a_failure_is_never_right(kind):
    trial = next((t for t in TRIALS if t.kind == kind), Trial("a", kind, 1.0, 2.0, ("one",)))
    verdict = judged(trial, Outcome(failure="gone"))
    assert not verdict.right and verdict.reason == "failed: gone"


@settings(max_examples=60, deadline=None)
@given(outcome=outcomes(), at=tenths)
def test_silence_begins_where_it_is_looked_for_or_where_sound_ends(outcome, at):
    from_s = silent_from(outcome.spans, at / 10, 0.6)
    assert from_s == at / 10 or from_s in [end_s for _, end_s in outcome.spans]
    assert not [a for a, _ in outcome.spans if from_s <= a < from_s + 0.6 - 1e-9]


@settings(max_examples=60, deadline=None)
@given(outcome=outcomes())
def test_segments_cover_the_spans_and_lie_apart(outcome):
    found = segments(outcome.spans)
    assert all(any(a <= begin_s and end_s <= b for a, b in found) for begin_s, end_s in outcome.spans)
    assert all(round(b[0] - a[1], 6) >= 0.5 for a, b in zip(found, found[1:], strict=False))


@settings(max_examples=40, deadline=None)
@given(hits=st.lists(st.booleans(), min_size=1, max_size=40), seed=st.randoms())
def test_a_share_depends_on_how_many_and_not_on_which(hits, seed):
    mixed = hits.copy()
    seed.shuffle(mixed)
    assert share(hits) == share(mixed)
    assert 0 <= share(hits).low <= share(hits).value <= share(hits).high <= 100


@settings(max_examples=20, deadline=None)
@given(values=st.lists(st.floats(-3, 3), min_size=1, max_size=30))
def test_a_figure_lies_within_its_interval_and_is_repeatable(values):
    assert mean(values) == mean(values) and mean(values).low <= mean(values).value + 1e-4
    middle = quantile(values)
    assert middle.low <= middle.value <= middle.high


def test_figures_of_known_counts():
    ratio = of_sums([(1, 2), (2, 2), (3, 4)], lambda a, b: 100 * a / b)
    assert ratio.value == 75.0 and ratio.low < 75.0 < ratio.high and ratio.cases == 3
    assert of_sums([(0, 0)], lambda a, b: a / b).value is None
    assert of_sums([], lambda a, b: a / b) == (None, None, None, 0, "%")
    assert quantile([0.1, 0.2, 0.9]).value == 0.2 and quantile([]).value is None


@settings(max_examples=40, deadline=None)
@given(words=st.lists(st.sampled_from([*ITEMS, "um"]), max_size=12))
def test_a_run_is_really_there(words):
    first, length = longest_run(words, ITEMS)
    wanted = list(ITEMS[first : first + length])
    assert any(words[i : i + length] == wanted for i in range(len(words) + 1))
