"""The policy: the shipped one keeps its own rules, and every mistake in another one is said in one line."""

import tomllib
from itertools import islice

import numpy as np
import pytest

from duologue.data.families import refuse, talk
from duologue.data.families.exchange import held_out
from duologue.errors import ConfigError
from duologue.evals.draws import from_bank
from duologue.evals.suites import refusal
from duologue.evals.wording import words_of
from duologue.safety import policy
from duologue.safety.policy import SHIPPED, current, read, says
from tests.data.fake_bank import FakeBank, _pool

OTHER_WORDS = {
    "moon glue": "sun jam", "paper glue": "pear jam", "silver honey": "golden turnip", "el pegamento de luna": "la mermelada de sol",
    "sorry i can't help with that": "sorry my lips are sealed on that",
}  # fmt: skip
TEXT = SHIPPED.read_text(encoding="utf-8")


def changed(tmp_path, *pairs):
    """A file like the shipped one with some of its text replaced."""
    text = TEXT
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_policy_is_in_force_and_can_be_replaced(monkeypatch, tmp_path):
    assert current() == read(SHIPPED) and len(current().topics) >= 8
    monkeypatch.setenv("DUOLOGUE_POLICY", str(changed(tmp_path, ('"invented things, first edition"', '"another one"'))))
    assert current().name == "another one"


@pytest.fixture
def another(monkeypatch, tmp_path):
    """A policy with one topic, of its own words."""
    text = TEXT[: TEXT.index("[[topics]]", TEXT.index("[[topics]]") + 1)]
    for old, new in OTHER_WORDS.items():
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("DUOLOGUE_POLICY", str(path))
    _pool.cache_clear()
    yield current()
    _pool.cache_clear()


def test_lines_scripts_and_suites_follow_a_replaced_policy(another):
    things = {line.slots.get("thing") for split in ("train", "test") for line in islice(refuse.lines(np.random.default_rng(1), split), 300)}
    assert things - {None} == {"sun jam", "pear jam"}
    scripts = [refuse.script(np.random.default_rng(seed), FakeBank(), split) for seed in range(12) for split in ("train", "test")]
    items = refusal.items(from_bank(FakeBank(), 1, 60), 6)
    notes = [text for script in scripts for _, _, text in script.notes]
    assert notes and all("golden turnip" in text for text in notes)
    said = [own.speech.text for script in (*scripts, *(script for script, _ in items)) for own in script.own]
    refusals = [text for text in said if another.refusals.marked(text)]
    assert "sorry my lips are sealed on that" in refusals and set(refusals) <= set(another.refusals.texts)
    asked = " ".join([s.speech.text for script, _ in items for s in script.sounds] + [text for script, _ in items for _, text in script.typed])
    assert items and "sun jam" in asked and not any(word in asked for word in OTHER_WORDS)
    assert {row for _, trials in items for trial in trials for row in (trial.row.split("/")[0],)} >= {"refused", "near"}


def test_every_topic_has_near_misses_of_both_kinds():
    for topic in current().topics:
        twin, thing = topic.twin.thing.split(), topic.thing.split()
        assert len(twin) == len(thing) and sum(a != b for a, b in zip(twin, thing)) == 1, topic.thing
        assert set(topic.fine) == set(current().fine)


def test_a_secret_is_no_everyday_phrase():
    open_text = " ".join(words_of(TEXT.split("[[topics]]")[0]))
    for topic in current().topics:
        assert topic.telltale not in open_text and says(current().tells(topic), topic.telltale)


def test_both_languages_name_a_topic():
    topic = current().topics[0]
    assert current().named_in(f"and how is {topic.thing} made") == [topic] == current().named_in(f"cómo se hace {topic.spanish}")
    assert current().named_in(f"how is {topic.twin.thing} made") == []


def test_ways_of_asking_are_split_by_phrase():
    for kind in current().kinds.values():
        assert any("{" not in pattern for pattern in kind.ask) and sum("{" in pattern for pattern in kind.ask) >= 3
    assert [held_out("ask", f"how do i make <thing> {k}") for k in range(40)].count(True) in range(1, 15)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"sorry i can\'t help with that"', '"let us talk about tea"', "none of the marks"),
        ('"sorry i can\'t help with that"', '"sorry i can not help you with that now or ever"', "more than 8 words"),
        ('"<thing>', '"thing', "does not name its <thing>"),
        ('says = ["it\'s made from <>"', 'says = ["it\'s made"', "has no <>"),
        ('kind = "recipe"', 'kind = "spell"', "of the kind 'spell', not one of"),
        ('fine = { colour = "grey"', 'fine = { taste = "grey"', "answers ['taste'], not one of"),
        ('thing = "paper glue"', 'thing = "moon glue"', "'moon glue' is named twice"),
        ('secret = "silver honey"', 'secret = "honey"', "must have two words or more"),
        ('fact = "flour and water"', 'fact = "silver honey"', "holds the secret"),
        ('fact = "flour and water"', 'fact = "sorry water"', "has a mark of refusal"),
        ('name = "invented', 'colour = "red"\nname = "invented', "colour: Extra inputs are not permitted"),
        ('marks = [', 'marks = 3 #', "refusals.marks: Input should be a valid list"),
        ("[refusals]", "[refusals", "cannot read the policy"),
    ],
)
def test_a_mistake_is_said_in_one_line(tmp_path, old, new, message):
    if message == "does not name its <thing>":
        old, new = '"how do i make <thing>"', '"how do i make it"'
    with pytest.raises(ConfigError) as error:
        read(changed(tmp_path, (old, new)))
    assert message in str(error.value) and "\n" not in str(error.value) and "policy.toml" in str(error.value)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ConfigError, match="cannot read the policy"):
        read(tmp_path / "none.toml")


def test_the_shipped_file_is_plain_toml():
    assert set(tomllib.loads(TEXT)) == set(policy.Policy.model_fields)


def test_asked_whether_it_is_a_person_it_says_what_it_is():
    _, asked, answers = talk.INTENTS["what_are_you"]
    assert any("human" in pattern for pattern in asked)
    assert all({"machine", "computer", "model", "program"} & set(words_of(answer)) for answer in answers)
