"""What is forbidden is refused however it is asked for, its near misses are answered, and no secret is ever said."""

from functools import cache
from itertools import islice

import numpy as np
import pytest

from duologue.data.families import refuse
from duologue.data.families.refuse_asking import MOODS
from duologue.data.families.refuse_lines import HELD_OUT, TRAINED, lines, makers
from duologue.data.families.refuse_steps import AMOUNTS, STEPS
from duologue.data.families.timing import own_end
from duologue.data.labels import letters, say
from duologue.data.lines import family_modules
from duologue.data.script import Script
from duologue.data.texts import sentences as open_sentences
from duologue.errors import DataError
from duologue.safety.policy import MOST_WORDS, current, says
from tests.data.fake_bank import FakeBank
from tests.data.families.checks import assert_held_out
from tests.data.families.timing_checks import assert_sound, lines_of

SCRIPTS = 70


@cache
def scripts(split: str) -> list[Script]:
    return [refuse.script(np.random.default_rng(seed), FakeBank(), split) for seed in range(SCRIPTS)]


def played(*steps: str, split: str = "test", seed: int = 0) -> Script:
    return refuse.attack(np.random.default_rng(seed), FakeBank(), split, current().topics[seed % 8], steps)


def asked(script: Script) -> list[dict]:
    return [item for item in script.about["items"] if "row" in item]


@pytest.mark.parametrize("split", ["train", "test"])
def test_labels_and_sounds_agree(split):
    for script in scripts(split):
        assert_sound(script)
        assert 8 <= script.length_s <= 60 and script.about["split"] == split
        assert {s.speech.voice for s in script.sounds if s.who == "user"} <= {script.about["voice"]}


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_request_has_its_refusal_and_every_near_miss_its_answer(split):
    refusals = current().refusals
    for script in scripts(split):
        for item in asked(script):
            check = next(c for c in script.checks if c.kind == "answer" and c.after_s == item["end_s"])
            own = next(o for o in script.own if check.after_s < o.start_s < check.end_s)
            if item["row"].startswith("refused/"):
                assert own.speech.text in refusals.texts and own.cut_s is None and check.accept == tuple(refusals.marks)
            else:
                assert not refusals.marked(own.speech.text) and says(own.speech.text, check.accept[0])


def test_the_own_voice_never_says_a_secret():
    secrets = [topic.telltale for topic in current().topics]
    said = [text for split in ("train", "test") for script in scripts(split) for text in (*(o.speech.text for o in script.own), *(t for _, t in script.written))]
    assert len(said) > 200
    for text in (*said, *refuse.own_texts(), *(answer for line in lines_of("refuse", "train") for answer in line.answers)):
        assert not any(says(text, secret) for secret in secrets), text


def test_no_user_says_a_secret_either_and_no_open_sentence_holds_one():
    secrets = [topic.telltale for topic in current().topics]
    texts = [line.text for split in ("train", "test") for line in lines_of("refuse", split)]
    try:
        texts += [*open_sentences("train"), *open_sentences("test")]
    except DataError:
        pytest.skip("WordNet is not installed")
    assert not [text for text in texts if any(says(text, secret) for secret in secrets)]


def test_minimal_pairs_differ_in_nothing_but_the_thing():
    topic, found = current().topics[0], {}
    for thing in (topic.thing, topic.twin.thing):
        make = makers(current())["ask", thing][1]
        found[thing] = {(made.text.replace(thing, "<thing>"), made.held_out) for made in (make(np.random.default_rng(k)) for k in range(300))}
    assert found[topic.thing] == found[topic.twin.thing]


def test_refusals_are_short():
    own = [o for split in ("train", "test") for script in scripts(split) for o in script.own if o.speech.text in current().refusals.texts]
    assert own and all(len(o.speech.words) <= MOST_WORDS for o in own)


def test_training_never_sees_held_out_phrases_or_attacks():
    assert_held_out(refuse)
    attacks = {"role_play", "look_up", "split", "found", "pressure"}
    train, test = ({line.intent for line in lines_of("refuse", split)} for split in ("train", "test"))
    assert not train & attacks and attacks <= test
    assert {step.split()[0] for script in scripts("train") for step in script.about["course"]} == set(TRAINED)
    assert set(TRAINED) | set(HELD_OUT) == set(STEPS) and not set(TRAINED) & set(HELD_OUT)


def test_a_refusal_that_is_talked_over_gives_way_and_comes_again():
    for seed, times in ((1, 1), (2, 2), (3, 3)):
        script = played(f"interrupt {times}", seed=seed)
        assert_sound(script)
        refusals = [o for o in script.own if o.speech.text in current().refusals.texts]
        assert len(refusals) == times + 1 and refusals[-1].cut_s is None
        into = [s for s in script.sounds if s.speech.line.intent == "cut_in"]
        assert len(into) == times
        for sound, own in zip(into, refusals):
            assert own.start_s < sound.start_s < own.start_s + own.speech.seconds
            assert own_end(own) <= sound.start_s + 0.65
        assert asked(script)[-1]["row"] == f"refused/interrupted/{times}"


def test_the_other_voice_is_another_one():
    others = [s for seed in range(8) for s in played("other", seed=seed).sounds if s.who == "other"]
    assert len(others) == 8
    assert sum(s.speech.voice != played("other", seed=k).about["voice"] for k, s in enumerate(others)) >= 7


def test_what_is_shown_is_asked_about_and_is_there():
    script = played("shown")
    (view,), (item,) = script.views, asked(script)
    (prop,) = view.stage.actors if view.stage else view.show.__self__.actors
    assert prop.thing.name == item["thing"] and prop.begin_s < item["end_s"] < prop.end_s
    assert all(item["thing"] not in s.speech.text for s in script.sounds)


def test_typed_requests_are_refused_in_text_too():
    for steps in (("typed",), ("type_over",), ("words tell me about moon glue",)):
        script = played(*steps)
        assert [text for _, text in script.written] == [script.own[-1].speech.text]
        assert sum(c.kind == "written" for c in script.checks) == 1


@pytest.mark.parametrize("split", ["train", "test"])
def test_what_is_fine_is_answered_wherever_what_is_not_is_refused(split):
    near = {step: played(step, split=split) for step in ("near_over", "near_other", "near_spanish", "near_cut")}
    topic, refusals = current().topics[0], current().refusals
    rows = {step: [item["row"] for item in asked(script)] for step, script in near.items()}
    assert rows == {"near_over": ["near/type_over"], "near_other": ["near/other"], "near_spanish": ["near/spanish"], "near_cut": ["near/interrupted"]}
    for script in near.values():
        assert_sound(script)
        assert topic.twin.thing in script.about["items"][-1]["thing"] and not refusals.marked(script.own[-1].speech.text)
    over, other, spanish, cut = near.values()
    assert topic.twin.thing in over.typed[0][1] and over.written[0][1] == over.own[-1].speech.text and over.sounds[0].start_s < over.typed[0][0]
    assert other.sounds[-1].who == "other" and topic.twin.thing in other.sounds[-1].speech.text
    assert topic.twin.spanish in spanish.sounds[-1].speech.text and spanish.own[-1].speech.text == "how is paper glue made"
    assert refusals.marked(cut.own[0].speech.text) and cut.own[0].start_s < cut.sounds[-1].start_s < own_end(cut.own[0]) < cut.own[-1].start_s


def test_moods_change_speed_pitch_and_level_and_keep_the_words():
    speech = FakeBank().sample(np.random.default_rng(0), "refuse", "ask")
    quiet, angry = (MOODS[name].of(speech) for name in ("quiet", "angry"))
    assert MOODS["calm"].of(speech) is speech and [w.text for w in quiet.words] == [w.text for w in angry.words] == [w.text for w in speech.words]
    assert angry.seconds < speech.seconds < quiet.seconds and abs(quiet.words[-1].end_s - quiet.seconds) < 0.1
    level = {name: np.sqrt(np.mean(one.pcm_S**2)) for name, one in (("quiet", quiet), ("calm", speech), ("angry", angry))}
    assert 2 * level["quiet"] < level["calm"] < level["angry"]
    assert {script.about["mood"] for script in scripts("train")} == set(MOODS)


def test_the_attacks_that_only_tests_see():
    topic = current().topics[0]
    hidden = played("result")
    (_, kept, memory), (at_s, source, text) = hidden.notes
    assert kept == "memory" and source in ("background", "tool") and topic.telltale in text and topic.telltale in memory
    assert [item["row"] for item in asked(hidden)] == ["refused/result"] and at_s < asked(hidden)[0]["end_s"]
    task = played("task")
    assert [item["row"] for item in asked(task)] == ["refused/task"] and len(task.notes) == 1 and topic.thing in task.sounds[0].speech.text
    split = played("split")
    first, then = split.sounds
    assert topic.thing in first.speech.text and topic.thing not in then.speech.text and len(asked(split)) == 1
    waited = played("spoken", "pressure 25")
    assert asked(waited)[1]["end_s"] - asked(waited)[0]["end_s"] > 25
    late = played("small_talk 1", "spoken")
    assert asked(late)[0]["end_s"] > 60 and len(late.sounds) > 5
    for script in (hidden, task, split, waited, late):
        assert_sound(script)


def test_every_step_can_be_played_by_itself():
    for name in STEPS:
        more = f" {AMOUNTS[name][0]}" if name in AMOUNTS else " hello" if name == "words" else ""
        script = played(name + more)
        assert_sound(script)
        assert script.own and script.about["course"] == [name + more]


def test_one_seed_gives_one_script_and_a_given_voice_is_used():
    first, again = (refuse.script(np.random.default_rng(7), FakeBank(), "train") for _ in range(2))
    assert (first.checks, first.about, first.typed, first.notes) == (again.checks, again.about, again.typed, again.notes)
    for seed in range(6):
        script = refuse.script(np.random.default_rng(seed), FakeBank(), "train", voice="fake/train_bo")
        assert {s.speech.voice for s in script.sounds if s.who == "user"} <= {"fake/train_bo"}


def test_half_of_training_has_the_secret_in_its_memory_and_all_tests():
    told = {split: np.mean([any(source == "memory" for _, source, _ in script.notes) for script in scripts(split)]) for split in ("train", "test")}
    assert 0.35 < told["train"] < 0.65 and told["test"] == 1.0


def test_labels_can_be_made():
    class Coder:
        """Words as numbers."""

        def encode(self, text: str) -> list[int]:
            return [len(word) + 10 for word in text.split()]

    script = played("interrupt 2")
    speak_T = np.ones(int(script.length_s / 0.2) + 1, np.uint8)
    assert say(script, Coder(), speak_T).any() and letters(script, len(speak_T)).any()


def test_it_is_one_family():
    assert [module.__name__ for module in family_modules() if module.NAME == "refuse"] == [refuse.__name__]


def test_lines_are_endless_and_plain():
    for split in ("train", "test"):
        for line in islice(lines(np.random.default_rng(2), split), 300):
            assert line.text == " ".join(line.text.split()) and "<" not in line.text and "{" not in line.text
            assert (line.language == "es") == (line.intent == "spanish")
