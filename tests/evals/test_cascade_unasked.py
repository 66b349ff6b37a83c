"""The engineered cascade where it must speak up: rules, mistakes, motion, and cues while the user goes on."""

from itertools import islice

import numpy as np
import pytest

from duologue.data.families import correct_me, count, cue, pronounce, watch
from duologue.data.families.lexicon import NUMBERS
from duologue.data.scenes.camera import Camera
from duologue.data.scenes.figure import Look
from duologue.data.scenes.ground import Ground
from duologue.data.scenes.stage import Figure, Motion, Prop, Stage
from duologue.data.scenes.things import Thing
from duologue.data.script import Script, Sound, View
from duologue.evals.cascade import standard
from duologue.evals.cascade_parts import Costs, Parts
from duologue.evals.cascade_unasked import Eye, engineered, meant, mistake, period, rule_of
from duologue.evals.outcome import outcome_of
from duologue.evals.systems import Case
from tests.data.fake_bank import FakeBank, speech_of
from tests.evals.test_cascade import loud

FREE = Costs(0.0, 0.0)


def lines(family, intents, number: int = 60):
    found = (x for x in family.lines(np.random.default_rng(0), "test") if x.intent in intents)
    return list(islice(found, number))


@pytest.mark.parametrize(
    ("family", "intents", "kind"),
    [(cue, ("word", "animal", "number", "opposite", "tally", "switch", "danger"), "cue"), (correct_me, ("count", "list", "sum"), "correct"),
     (pronounce, ("rule",), "cue"),
     (count, ("rule",), "count"), (watch, ("span",), "span"), (watch, ("appears", "every", "gone", "becomes", "starts"), "watch")],
)  # fmt: skip
def test_most_rules_are_understood(family, intents, kind):
    said = lines(family, intents)
    understood = [rule_of(line.text) for line in said]
    assert sum(rule is not None and rule.kind == kind for rule in understood) > 0.85 * len(said)
    if kind in ("watch", "span"):
        words = [rule.says[0] == line.answers[0] for rule, line in zip(understood, said, strict=True) if rule and rule.kind == kind]
        assert np.mean(words) > 0.85


def test_questions_are_no_rules():
    assert rule_of("what is eight plus five") is None and rule_of("what colour is this") is None


@pytest.mark.parametrize(
    ("said", "right"),
    [("one two three four", None), ("one two three five", "four"), ("ten eight six five", "four"), ("monday tuesday friday", "wednesday"),
     ("a b d", "c"), ("two plus three is six", "five"), ("two plus three is five", None), ("two four", None), ("the river garden", None)],
)  # fmt: skip
def test_mistakes_in_rows_and_sums(said, right):
    assert mistake(said.split()) == right


@pytest.mark.parametrize(
    ("said", "right"),
    [("kuttle", "kettle"), ("kattle", "kettle"), ("tukkel", "tunnel"), ("kettle", None), ("gazebo", None), ("kett", None), ("ettle", None), ("xyz", None)],
)  # fmt: skip
def test_words_said_wrong(said, right):
    assert meant(said) == right


@pytest.mark.parametrize("family", [correct_me, cue, watch, count], ids=lambda family: family.NAME)
def test_no_other_rule_is_taken_for_one_of_pronouncing(family):
    rules = [rule_of(x.text) for x in islice(family.lines(np.random.default_rng(0), "test"), 400)]
    assert not any(rule and rule.line and rule.line.family == pronounce.NAME for rule in rules)


def test_the_eye_sees_that_something_moves_and_nothing_else():
    still, rng = np.full((120, 160, 3), 90, np.uint8), np.random.default_rng(0)
    eye = Eye()
    assert not any(eye.look(still + rng.integers(0, 3, still.shape).astype(np.uint8))[0] for _ in range(10))
    moved = still.copy()
    moved[30:90, 40:100] = 250
    assert eye.look(moved)[0]


def test_the_pace_of_a_movement_is_that_of_the_whole_and_not_of_its_halves():
    down_and_up = [0.0, 3.0, 5.0, 2.0, 0.0, 1.0, 2.0, 1.0]  # two bumps a repetition, of which one is higher
    assert period(down_and_up * 4) == 8
    assert period([1.0] * 30) == 0 and period([]) == 0
    assert period(np.random.default_rng(1).uniform(size=30)) == 0


def held(system_of, script, write):
    parts = Parts(loud, write, FakeBank(), FREE)
    return outcome_of(system_of(parts)([Case(script, 0)])[0])


def test_a_cue_is_answered_while_the_user_goes_on_by_the_engineered_one_only():
    rule, story = "when i say river say lamp", "yesterday we saw the river and then everybody wanted to go home again"
    told, tale = speech_of(rule, "ada"), speech_of(story, "ada")
    script = Script("cue", 16.0, [Sound(0.5, told), Sound(5.0, tale)])
    cue_s = 5.0 + next(word.end_s for word in tale.words if word.text == "river")
    pieces = {word.text: (5.0 + word.start_s, 5.0 + word.end_s) for word in tale.words}

    def write(sound_S):
        """Whatever of the rule or the story is in a sound of this length that ends now: found by its energy pattern."""
        return rule if len(sound_S) / 16_000 < 4.2 and not heard else " ".join(w for w, (a, b) in pieces.items() if b <= clock[0])

    heard, clock = [], [0.0]

    def hearing(sound_S):
        text = write(sound_S)
        if text == rule:
            heard.append(text)
        clock[0] = 5.0 + 0.2 * len(heard)
        heard.append("")
        return text

    said = held(engineered, script, hearing)
    assert [word for _, text in said.said for word in text.split()].count("lamp") == 1
    onset_s = max(a for a, _ in said.spans)
    assert cue_s - 0.5 < onset_s < 5.0 + tale.seconds


def test_an_action_is_enclosed_by_its_motion():
    moves = tuple(Motion("jump", t, t + 1.0) for t in (8.0, 9.0, 10.0, 11.0))
    figure = Figure(Look("red", "blue", 0), (0.5, 0.93), 0.65, moves)
    stage = Stage(Ground("plain", 3, "train"), Camera(), [figure])
    rule = "say go when he starts jumping and done when he stops"
    script = Script("watch", 16.0, [Sound(0.5, speech_of(rule, "ada"))], views=[View(0.0, 16.0, stage.show, stage=stage)])
    said = held(engineered, script, lambda _: rule)
    times = {text: t for t, text in said.said}
    assert 8.0 <= times["go"] < 9.5 and 11.0 < times["done"] < 14.0
    blind = held(lambda parts: standard(parts), script, lambda _: rule)
    assert all(t < 8.0 for t, _ in blind.said)  # it repeats the rule, and is then as blind as before


def test_repetitions_are_counted_by_their_pace():
    ends_s = 8.0 + 2.0 * np.arange(1, 7)
    figure = Figure(Look("red", "blue", 0), (0.5, 0.93), 0.65, tuple(Motion("squat", t - 1.9, t) for t in ends_s))
    stage = Stage(Ground("plain", 3, "train"), Camera(), [figure])
    rule = "count the squats"
    script = Script("count", 24.0, [Sound(0.5, speech_of(rule, "ada"))], views=[View(0.0, 24.0, stage.show, stage=stage)])
    said = [word for _, text in held(engineered, script, lambda _: rule).said for word in text.split()]
    assert 5 <= len(said) <= 8 and said == list(NUMBERS[1 : len(said) + 1]), said


def test_something_that_comes_is_noticed_but_not_what():
    stage = Stage(Ground("plain", 3, "train"), Camera(), [Prop(Thing("shape", "ball", "red"), (0.5, 0.5), 0.4, 9.0)])
    rule = "say hello when you see a blue star"
    script = Script("watch", 14.0, [Sound(0.5, speech_of(rule, "ada"))], views=[View(0.0, 14.0, stage.show, stage=stage)])
    said = held(engineered, script, lambda _: rule)
    assert [word for _, text in said.said for word in text.split()] == ["hello"]  # a red ball is not a blue star
