"""The suites of seeing and speaking up unasked: controls whose results are known, formulas worked out by hand."""

import numpy as np
import pytest
from PIL import Image

from duologue.data.families import pronounce
from duologue.data.families.lexicon import NUMBERS
from duologue.data.families.translate import LAG_S
from duologue.data.scenes import stock
from duologue.data.script import Own, Script, View
from duologue.errors import ConfigError
from duologue.evals.draws import from_bank
from duologue.evals.glossary import meaning
from duologue.evals.heard import first_at, said_words, timed_words
from duologue.evals.items import digest
from duologue.evals.outcome import Outcome
from duologue.evals.runs import OWN_WORDS
from duologue.evals.scenery import REFILMED, is_free
from duologue.evals.score import Reader, score
from duologue.evals.suite import ORACLE_LEAST, record_of
from duologue.evals.suites import EYES, chosen, counting, cued, proactive, situated, startstop, translation
from duologue.evals.systems import CONTROLS, Case, run
from duologue.evals.trials import Trial, patient
from tests.data.fake_bank import FakeBank, speech_of
from tests.evals.made import outcome

CASES, TRIES = 3, 40
each = pytest.mark.parametrize("name", EYES)


@pytest.fixture(scope="module", autouse=True)
def no_packages():
    """Emoji and photographs that need none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stock, "emoji", lambda style, code: Image.new("RGBA", (96, 96), (200, 80, 20, 255)))
        patch.setattr(stock, "photographs", lambda: {f"{n}.jpg": np.full((240, 320, 3), 90, np.uint8) for n in range(20)})
        yield


@pytest.fixture(scope="module")
def source():
    kept: dict[str, list] = {}

    def conversations(family):
        if family not in kept:
            kept[family] = list(from_bank(FakeBank(), 3, TRIES)(family))
        return iter(kept[family])

    return conversations


@pytest.fixture(scope="module")
def drawn(source):
    return {name: suite.items(source, CASES) for name, suite in EYES.items()}


@pytest.fixture(scope="module")
def figures(drawn):
    found = {}

    def of(name: str, control: str):
        if (name, control) not in found:
            found[name, control] = EYES[name].figures(records(name, drawn[name], CONTROLS[control]))
        return found[name, control]

    return of


def records(name, kept, system):
    found = dict(run(system, [Case(script, i) for i, (script, _) in enumerate(kept)]))
    return [record_of(EYES[name], i, kept[i], found[i], OWN_WORDS) for i in range(len(kept))]


@each
def test_the_labels_themselves_reach_the_maximum(figures, name):
    headline = figures(name, "oracle")[EYES[name].headline]
    assert headline.cases and headline.value >= ORACLE_LEAST


@pytest.mark.parametrize("control", [name for name in CONTROLS if name != "oracle"])
@each
def test_who_does_not_look_stays_at_the_chance_level_that_is_written_down(figures, name, control):
    headline = figures(name, control)[EYES[name].headline]
    assert (headline.value or 0.0) <= EYES[name].chance[control] or headline.low <= EYES[name].chance[control]


@each
def test_silence_wins_nothing_and_makes_no_false_alarm(figures, name):
    found = figures(name, "silent")
    assert found[EYES[name].headline].value == 0.0
    assert not found["false_per_minute"].value if "false_per_minute" in found else True


@each
def test_every_figure_has_its_cases_and_a_meaning(figures, name):
    for key, figure in figures(name, "oracle").items():
        assert meaning(key)
        assert figure.value is None or (figure.low <= figure.value <= figure.high and figure.cases > 0), key


@each
def test_a_system_that_fails_scores_nothing_and_stays_in_the_denominator(drawn, figures, name):
    suite = EYES[name]
    found = [record_of(suite, i, item, Outcome(failure="gone"), OWN_WORDS) for i, item in enumerate(drawn[name])]
    failed, best = suite.figures(found)[suite.headline], figures(name, "oracle")[suite.headline]
    assert (failed.value or 0.0) <= 0.0 and failed.cases == best.cases


@each
def test_the_order_of_the_cases_changes_nothing(drawn, name):
    found = records(name, drawn[name], CONTROLS["metronome"])
    forth, back = EYES[name].figures(found), EYES[name].figures(found[::-1])
    assert {k: f.value for k, f in forth.items()} == pytest.approx({k: f.value for k, f in back.items()}, nan_ok=True)


@each
def test_the_same_items_have_the_same_hash(source, drawn, name):
    assert digest(EYES[name].items(source, CASES)) == digest(drawn[name])


@each
def test_items_know_nothing_but_what_a_frozen_set_keeps(drawn, name):
    """Figures must follow from the script's times and the trials: `about` and `checks` are not frozen."""
    suite = EYES[name]
    script, trials = drawn[name][0]
    bare = Script(script.family, script.length_s, script.sounds, script.own, script.typed, script.written, views=script.views)
    (given,), (again,) = (list(dict(run(CONTROLS["oracle"], [Case(s, 0)])).values()) for s in (script, bare))
    assert record_of(suite, 0, (script, trials), given, OWN_WORDS) == record_of(suite, 0, (bare, trials), again, OWN_WORDS)


def test_a_screen_is_filmed_again_with_the_same_windows(drawn):
    for name in ("counting", "proactive", "startstop", "situated"):
        for (once, trials), (again, same) in zip(drawn[name][::2], drawn[name][1::2], strict=True):
            assert again.own == once.own and [t.row for t in same] == [REFILMED + t.row for t in trials]
            assert not once.views[0].stage.camera.screen and again.views[0].stage.camera.screen
    once, again = (item[0].views[0] for item in drawn["counting"][:2])
    seconds = next(t / 5 + 0.1 for t in range(50) if once.show(t / 5 + 0.1) is not None)
    assert np.abs(once.show(seconds).astype(int) - again.show(seconds)).mean() > 5


def test_talk_beside_pictures_is_the_same_talk(source, drawn):
    from duologue.evals.suites import SUITES

    for (script, trials), (seen, same) in zip(SUITES["turn"].items(source, CASES), drawn["turn-seen"], strict=True):
        assert (seen.sounds, seen.own, same) == (script.sounds, script.own, trials)
        assert seen.views[0].end_s == seen.length_s and is_free(seen)


def test_the_model_sees_what_the_script_shows(drawn):
    script, _ = drawn["situated"][0]
    turns = Case(script, 0).inputs()
    shown = [turn for turn in turns if turn.image is not None]
    assert len(shown) > 0.3 * len(turns)
    k = shown[2].index
    assert np.array_equal(shown[2].image, script.views[0].show((k + 1) * 0.2 - 0.001))


def test_nobody_waits_where_pictures_go_on():
    script = Script("see", 9.0, own=[Own(2.0, speech_of("yes", "own"))], views=[View(0.0, 9.0, lambda t: None)])
    assert patient(script, []) == (script, [])


def test_an_unknown_suite_is_named_and_groups_are_known():
    assert [suite.name for suite in chosen(["eyes"])] == list(EYES)
    with pytest.raises(ConfigError, match="sigth"):
        chosen(["sigth"])


# ---- words with times ----


def test_words_of_a_span_share_its_time_by_their_letters():
    heard = timed_words(outcome((2.0, 3.0), (5.0, 5.4)), Reader(lambda o, a, b: "No, eight times!" if a < 4 else "Four."))
    assert heard == [(pytest.approx(2.0), "no"), (pytest.approx(2 + 2 / 12), "eight"), (pytest.approx(2 + 7 / 12), "times"), (5.0, "four")]


def test_a_word_counts_in_its_window_and_by_its_sound():
    heard = [(1.0, "a"), (1.2, "red"), (1.4, "ball"), (3.0, "to")]
    assert first_at(heard, "red ball", 1.0, 2.0) == 1.2 and first_at(heard, "red ball", 1.3, 2.0) is None
    assert first_at(heard, "two", 2.0, 4.0) == 3.0
    trial = Trial("x", "word", 1.0, 2.0, ("red ball", "ball"), 1.0)
    reader = Reader(lambda *_: "", timed=lambda _: heard)
    assert score(trial, outcome((1.0, 2.0)), reader)[:3] == (True, "", pytest.approx(0.2))
    assert not score(Trial("x", "word", 2.5, 4.0, ("blue",)), outcome((3.0, 3.2)), reader).right


# ---- formulas ----


@pytest.mark.parametrize(
    ("spoken", "weight", "wanted"),
    [([], 0.5, 0.25), ([(0.0, 2)], 0.5, 1.0), ([(2.5, 2)], 0.5, 0.8125), ([(5.0, 2)], 0.5, 0.625), ([(0.0, 0)], 0.5, 0.0),
     ([(2.5, 2)], 0.0, 0.625), ([(2.5, 2)], 1.0, 1.0), ([(1.0, 1), (3.0, 2)], 0.0, 0.65)],
)  # fmt: skip
def test_the_area_of_proactive_answers(spoken, weight, wanted):
    assert proactive.area([(10 + t, worth) for t, worth in spoken], 10.0, 15.0, weight) == pytest.approx(wanted)


def test_half_an_answer_is_worth_half():
    trial = Trial("event", "word", 1.0, 3.0, ("a red ball",), 1.0, limit_s=9.0)
    assert [worth for _, worth in proactive._worths([(0.5, "red"), (1.5, "a"), (1.7, "red"), (1.9, "ball")], trial, 6.0)] == [0, 1, 2]


def test_who_says_another_colour_or_thing_besides_has_told_nothing():
    trial = Trial("event", "word", 1.0, 3.0, ("a red ball",), 1.0, limit_s=9.0)

    def worths(text: str) -> list[int]:
        return [worth for _, worth in proactive._worths([(1.5 + 0.2 * k, word) for k, word in enumerate(text.split())], trial, 6.0)]

    assert worths("blue no red ball") == [0, 0, 0, 0] and worths("red ball two times") == [1, 2, 2, 2]
    assert worths("a ball a star") == [0, 1, 1, 0]
    word = Trial("event", "word", 1.0, 3.0, ("now",), 1.0, limit_s=9.0)
    assert proactive._worths([(1.5, "red"), (1.7, "now")], word, 6.0) == [(1.5, 0), (1.7, 2)]


def test_replies_that_repeat():
    trial = Trial("event", "word", 1.0, 3.0, ("now",), 1.0, limit_s=9.0)
    spoken = outcome((1.4, 1.6), (2.6, 2.8), (4.0, 4.2), (7.0, 7.2))  # the last is five seconds after the event
    spoken.said = [(a, "now") for a, _ in spoken.spans]
    record = record_of(EYES["proactive"], 0, (Script("watch", 12.0), [trial]), spoken, OWN_WORDS)
    assert record["seen"]["replies"] == [[2, 3]]
    assert proactive.figures([record])["repeated"].value == pytest.approx(200 / 3, abs=1e-3)


def test_points_above_the_better_control():
    seen = [{"strict": s, "fair": s, "true": t, "good": [True], "off_s": [], "false": 0} for s, t in ((0.9, [2, 6, 8]), (0.7, [4, 8, 8]))]
    found = startstop.figures([{"case": i, "seconds": 9.0, "trials": [], "seen": s} for i, s in enumerate(seen)])
    best = max(found["control/whole"].value, found["control/usual"].value)
    assert found["overlap"].value == 80.0 and found["above_control"].value == pytest.approx(80 - best, abs=1e-3)


def test_overlap_of_intervals():
    assert startstop.overlap((0.0, 4.0), (2.0, 6.0)) == pytest.approx(1 / 3)
    assert startstop.overlap(None, (0.0, 1.0)) == startstop.overlap((5.0, 6.0), (0.0, 1.0)) == 0.0
    heard = [(1.0, "start"), (3.0, "start"), (7.0, "stop")]
    assert startstop.marked(heard, "start", "stop", 2.0, 9.0) == (3.0, 7.0)
    assert startstop.marked(heard[:2], "start", "stop", 0.0, 9.0) == (1.0, 9.0) and startstop.marked([], "a", "b", 0, 9) is None


def test_average_lagging():
    even = [1.0, 2.0, 3.0, 4.0]  # each word when its share of the source has gone by
    assert translation.laal_s(even, 4, (0.0, 4.0)) == pytest.approx(1.0)
    assert translation.laal_s([4.5, 5.0, 5.5], 4, (0.0, 4.0)) == pytest.approx(4.0)  # all of it after the end: one lag counts
    assert translation.laal_s([1.0] * 8, 4, (0.0, 4.0)) < 0  # who says too much does not gain by it: see `simultaneous`


def english(*words: str) -> list[Trial]:
    return [Trial("english", "word", k, k + LAG_S, (word,), float(k)) for k, word in enumerate(words, 1)]


def test_english_counts_in_order_and_in_time():
    targets = english("the", "red", "dog")
    matched = translation.matched([(1.5, "the"), (3.2, "red"), (3.6, "dog")], targets)
    assert [trial.accept[0] for _, trial in matched] == ["the", "red", "dog"]
    assert len(translation.matched([(1.5, "the"), (3.2, "dog"), (3.6, "red")], targets)) == 2
    assert translation.matched([(0.2, "the"), (8.0, "dog")], targets) == []


def test_who_says_every_word_all_the_time_translates_nothing():
    script, trials = Script("translate", 9.0, [], [Own(1.0, speech_of("the", "own"))]), english("the", "red", "dog")
    script.sounds = [type("S", (), {"start_s": 0.2, "speech": speech_of("el perro rojo", "x")})()]
    spoken = outcome((1.0, 8.0), said=" ".join(["the", "red", "dog"] * 9), at_s=1.0)
    record = record_of(EYES["translation"], 0, (script, trials), spoken, OWN_WORDS)
    assert record["seen"]["words"][0] == 3 and translation.figures([record])["simultaneous"].value == 0.0


def counted(*numbers: tuple[float, str]) -> dict:
    trials = [Trial("repetition/jump", "word", t, t + 1.0, (NUMBERS[k],), t) for k, t in enumerate((2.0, 4.0, 6.0), 1)]
    item = Script("count", 12.0), trials
    spoken = outcome(*[(t, t + 0.3) for t, _ in numbers])
    spoken.said = list(numbers)
    return record_of(EYES["counting"], 0, item, spoken, OWN_WORDS)


def test_counting_by_ones_and_off_by_one():
    right = counted((2.4, "one"), (4.4, "two"), (6.4, "three"))["seen"]
    assert right["each"] == [True] * 3 and right["near"] == [True] and right["false"] == 0
    late = counted((3.4, "one"), (4.4, "two"))["seen"]
    assert late["each"] == [False, True, False] and late["said"] == 2 and late["near"] == [True] and late["false"] == 1
    assert counted((2.4, "one"))["seen"]["said"] is None  # said before the last repetition but one had ended
    twice = counted((2.4, "one"), (3.3, "one"), (4.4, "two"), (6.4, "three"))
    assert twice["seen"]["counts"] == [3, 3, 4, 1]
    found = counting.figures([twice])
    assert found["counted_twice"].value == 25.0 and found["repetition_f1"].value == pytest.approx(600 / 7, abs=1e-3)
    spam = [counted(*[(1 + 0.5 * k, word) for k, word in enumerate(["one", "two", "three"] * 5)])]
    assert counting.figures(spam)["counted"].value == 0.0


def test_where_there_is_nothing_to_count_silence_is_right():
    item = Script("count", 12.0), [Trial("okay", "answer", 1.0, 2.0, ("okay",)), Trial("nothing", "quiet", 0.0, 0.0)]
    spoken = outcome((5.0, 5.3))
    spoken.said = [(5.0, "one")]
    kept, broken = (record_of(EYES["counting"], 0, item, said, OWN_WORDS) for said in (outcome(), spoken))
    assert (kept["seen"]["kept"], kept["seen"]["near"]) == ([True], [True]) and broken["seen"]["kept"] == [False]
    found = counting.figures([counted((2.4, "one"), (4.4, "two"), (6.4, "three")), broken])
    assert found["counted"].value == pytest.approx(200 / 3, abs=1e-3) and found["kept_quiet"].value == 0.0


def test_a_cue_is_worth_nothing_after_the_user_has_ended(drawn):
    script, trials = next((s, t) for s, t in drawn["cued"] if s.family == "cue" and any(x.kind == "word" for x in t))
    cue = next(t for t in trials if t.kind == "word")
    end_s = max(s.start_s + s.speech.seconds for s in script.sounds)
    assert cue.end_s <= end_s - cued.END_S and cue.end_s - cue.begin_s >= cued.SHORTEST_S
    answers = [(t.begin_s + 0.3, t.accept[0]) for t in trials if t.kind == "word"]

    def seen(shift_s: float, more=()):
        spoken = outcome(*[(t + shift_s, t + shift_s + 0.2) for t, _ in [*answers, *more]], length_s=60)
        spoken.said = [(t + shift_s, word) for t, word in [*answers, *more]]
        return record_of(EYES["cued"], 0, (script, trials), spoken, OWN_WORDS)["seen"]

    assert seen(0.0)["good"] == [True] and seen(1.6)["good"] == [False]
    hit, wanted, begun = seen(0.0)["cues"]
    assert seen(0.0, [(end_s + 3.0, "lamp")]) == seen(0.0) | {"good": [False], "false": 1, "cues": [hit, wanted, begun + 1]}


def cued_record(way: str, *begun_s: float, kind: str = "word") -> dict:
    """A cue at 5 s, answered in its window if something begins by then, and a near miss at 9 s."""
    trials = [Trial(f"{kind}/{way}", "word", 5.0, 6.5, ("lamp",), 5.0), Trial(f"near/{kind}/{way}", "quiet", 9.0, 10.5)]
    spoken = outcome(*[(t, t + 0.3) for t in begun_s])
    spoken.said = [(t, "lamp") for t in begun_s]
    return record_of(EYES["cued"], 0, (Script("cue", 30.0), trials), spoken, OWN_WORDS)


def test_only_what_is_told_aloud_makes_the_headline():
    found = cued.figures([cued_record("aloud"), cued_record("typed", 5.4), cued_record("written", 5.4)])
    assert found["cued"].value == 0.0 and found["cued"].cases == 1 and found["way/typed"].value == 100.0
    assert found["cued_any_way"].value == pytest.approx(200 / 3)


def test_cues_have_precision_recall_and_near_misses():
    found = cued.figures([cued_record("aloud", 5.4, 9.2, 15.0), cued_record("aloud", 5.4), cued_record("aloud", 15.0), cued_record("aloud")])
    assert found["cues"].value == 50.0 and found["cue_precision"].value == 40.0  # two of five beginnings
    assert found["cue_f1"].value == pytest.approx(2 * 50 * 40 / 90, abs=1e-3) and found["near_misses"].value == 75.0


def test_near_misses_are_measured(drawn):
    near = [(s, t) for s, trials in drawn["cued"] for t in trials if t.row.startswith("near/")]
    assert near and all(t.kind == "quiet" and t.end_s - t.begin_s == pytest.approx(1.5) for _, t in near)
    kinds = {t.row.split("/")[-2] for _, trials in drawn["cued"] for t in trials if t.kind == "word"}
    assert {"switch", "danger", "word", "pronounce"} <= kinds


def test_a_word_said_wrong_is_wanted_right_and_an_unusual_one_is_let_pass(drawn):
    mine = [(s, t) for s, t in drawn["cued"] if s.family == "pronounce"]
    assert CASES < len(mine) <= 2 * CASES  # and as many in which nothing is to be put right
    wanted = [(s, t) for s, trials in mine for t in trials if t.kind == "word"]
    for script, cue in wanted:
        said = {w.text for s in script.sounds for w in s.speech.words if s.start_s + w.end_s == cue.after_s}
        (right,) = cue.accept
        assert len(said) == 1 and said <= set(pronounce.WRONG[right])
    near = {w.text for s, trials in mine for t in trials if t.row == "near/pronounce/aloud" for x in s.sounds for w in x.speech.words if x.start_s + w.end_s == t.begin_s}
    assert wanted and near and near <= set(pronounce.UNUSUAL)


def test_every_kind_of_rule_counts_alike_in_the_mean(figures):
    assert figures("cued", "oracle")["cued/pronounce"].value == 100.0 and figures("cued", "silent")["cued/pronounce"].value == 0.0
    one = lambda kind, *begun_s: cued_record("aloud", *begun_s, kind=kind)  # noqa: E731
    assert cued.figures([one("pronounce", 5.4), one("word"), one("word")])["cued"].value == 50.0


def test_answers_that_begin_before_they_can_be_known_are_wrong(drawn):
    script, trials = drawn["situated"][0]
    asked = next(t for t in trials if t.kind == "answer")
    for begin_s, good in ((asked.after_s + 0.3, True), (asked.begin_s - 0.5, False)):
        spoken = outcome((begin_s, begin_s + 0.3), (asked.after_s + 0.3, asked.after_s + 0.6), length_s=60)
        spoken.said = [(asked.after_s + 0.3, asked.accept[0])]
        assert record_of(EYES["situated"], 0, (script, trials), spoken, OWN_WORDS)["seen"]["good"][0] == good


def test_what_a_system_says_it_says_has_its_turns_times():
    spoken = outcome((1.0, 2.0), said="thirteen, yes")
    assert said_words(spoken) == [(1.0, "thirteen"), (1.2, "yes")]


def test_blind_guesses_are_counted_by_kind():
    assert situated._blind([("many", "two"), ("many", "two"), ("many", "six"), ("left", "ball")]) == [True, True, False, True]
