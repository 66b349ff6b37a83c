"""Translating: the interpreters beside it, worked out by hand, and what letters and offsets say."""

import numpy as np
import pytest

from duologue.data.families.spanish import english, known
from duologue.data.script import Own, Script, Sound
from duologue.evals import chrf
from duologue.evals.contestants import contestant
from duologue.evals.draws import from_bank
from duologue.evals.interpreting import INTERPRETERS, OVER_S, due, interpreted
from duologue.evals.runs import OWN_WORDS
from duologue.evals.suite import record_of
from duologue.evals.suites import EYES, translation
from duologue.evals.systems import CONTROLS, Case, run
from duologue.evals.trials import Trial
from tests.data.fake_bank import FakeBank, speech_of
from tests.evals.made import outcome

RED_DOG = [("el", 1.0), ("perro", 2.0), ("rojo", 3.0), ("come", 4.0)]


@pytest.fixture(scope="module")
def figures():
    """Of each system on the same conversations."""
    kept = EYES["translation"].items(from_bank(FakeBank(), 3, 30), 6)

    def of(system) -> dict:
        found = dict(run(system, [Case(script, i) for i, (script, _) in enumerate(kept)]))
        return translation.figures([record_of(EYES["translation"], i, kept[i], found[i], OWN_WORDS) for i in range(len(kept))])

    return {name: of(system) for name, system in (INTERPRETERS | {"oracle": CONTROLS["oracle"]}).items()}


def test_a_line_is_translated_with_its_adjectives_turned_round():
    assert english("la casa roja ve un perro grande".split()) == "the red house sees a big dog".split()
    assert english(["perro", "siete", "hoy"]) == ["dog", "seven", "today"] and not known("translate")


@pytest.mark.parametrize(
    ("behind", "wanted"),
    [(None, [(4.5, "the"), (4.5, "red"), (4.5, "dog"), (4.5, "eats")]),
     (1, [(1.0, "the"), (2.0, "dog"), (3.0, "dog"), (4.0, "eats")]),  # it cannot know that an adjective comes
     (2, [(2.0, "the"), (3.0, "red"), (4.0, "dog"), (4.5, "eats")]),
     (3, [(3.0, "the"), (4.0, "red"), (4.5, "dog"), (4.5, "eats")])],
)  # fmt: skip
def test_who_waits_knows_more(behind, wanted):
    assert due(RED_DOG, behind) == wanted and OVER_S == 0.5


def test_an_interpreter_hears_spanish_only_and_one_word_at_a_time():
    script = Script("translate", 20.0, [Sound(1.0, speech_of("translate from spanish", "x")), Sound(5.0, speech_of("perro, gato", "x"))])
    script.own = [Own(9.0, speech_of("dog", "own"))]
    said = interpreted(script, 1).own
    assert [own.speech.text for own in said] == ["dog", "cat"] and all(own.start_s > 5.0 for own in said)
    assert said[1].start_s >= said[0].start_s + said[0].speech.seconds and np.array_equal(said[0].speech.pcm_S, script.own[0].speech.pcm_S)


def test_two_words_behind_is_right_and_soon_and_the_end_is_too_late(figures):
    soon, late, hasty = (figures[name] for name in ("wait-2", "consecutive", "wait-1"))
    assert figures["oracle"]["chrf"].value == late["chrf"].value == 100.0
    assert late["simultaneous"].value < soon["simultaneous"].value and late["behind_s"].value > soon["behind_s"].value
    assert hasty["chrf"].value < 100.0 and hasty["start_offset_s"].value < soon["start_offset_s"].value < late["start_offset_s"].value
    assert late["end_offset_s"].value > soon["end_offset_s"].value > 0
    assert contestant("wait-3").is_control and set(INTERPRETERS) == set(EYES["translation"].beside)


def test_letters_in_common():
    assert chrf.score(*map(np.float64, chrf.counts(["abc"], ["abd"]))) == pytest.approx(100 * (2 / 3 + 1 / 2 + 0) / 3)
    same = chrf.counts("the red dog".split(), "the red dog".split())
    assert chrf.score(*np.array([same, same], float).T).tolist() == [100.0, 100.0]
    assert chrf.score(*map(np.float64, chrf.counts([], ["abc"]))) == 0.0
    # precision (2/2, 1/1) of what was said, recall (2/4, 1/3) of what was wanted, recall twice as heavy
    said = chrf.score(*map(np.float64, chrf.counts(["ab"], ["abcd"])))
    assert said == pytest.approx(100 * 5 * 1 * (5 / 12) / (4 * 1 + 5 / 12))


def test_offsets_and_words_that_come_soon():
    script = Script("translate", 12.0, [Sound(2.0, speech_of("perro gato", "x"))])
    first_s, last_s = (2.0 + word.end_s for word in script.sounds[0].speech.words)
    trials = [Trial("english", "word", t, t + 2.5, (word,), t) for t, word in ((first_s, "dog"), (last_s, "cat"))]
    spoken = outcome((first_s + 0.5, first_s + 0.8), (last_s + 2.0, last_s + 2.4))
    spoken.said = [(first_s + 0.5, "dog"), (last_s + 2.0, "cat")]
    found = translation.figures([record_of(EYES["translation"], 0, (script, trials), spoken, OWN_WORDS)])
    assert found["words_in_time"].value == 100.0 and found["words_soon"].value == 50.0
    assert found["start_offset_s"].value == pytest.approx(first_s + 0.5 - 2.0, abs=0.01)
    assert found["end_offset_s"].value == pytest.approx(last_s + 2.4 - (2.0 + script.sounds[0].speech.seconds), abs=0.02)
