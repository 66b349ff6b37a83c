"""Made sentences: words rightly inflected, none of them rude, names that are names, figures that can be said."""

import re

import numpy as np
import pytest

from duologue.data import grammar, names, wordnet, words
from duologue.data.bank import normal, spoken_words
from duologue.data.spoken import spoken
from duologue.data.written import written

pytestmark = pytest.mark.skipif(not wordnet.FOLDER.is_dir(), reason="wordnet-base is not installed")


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("take", "takes took taking"), ("put", "puts put putting"), ("sing", "sings sang singing"), ("lie", "lies lay lying"),
        ("feed", "feeds fed feeding"), ("spin", "spins spun spinning"), ("try", "tries tried trying"), ("go", "goes went going"),
        ("stop", "stops stopped stopping"), ("agree", "agrees agreed agreeing"), ("write", "writes wrote writing"),
        ("dye", "dyes dyed dyeing"), ("watch", "watches watched watching"), ("show", "shows showed showing"),
    ],
)  # fmt: skip
def test_verbs_are_inflected(verb, forms):
    assert (words.third(verb), words.past(verb), words.doing(verb)) == tuple(forms.split())


def test_nouns_have_their_plurals_and_plurals_are_no_nouns():
    many = {noun.one: noun.many for noun in words.nouns()}
    assert (many["child"], many["city"], many["knife"], many["box"]) == ("children", "cities", "knives", "boxes")
    assert not many["furniture"] and not {"cities", "children", "trumpets"} & set(many)
    assert len(many) > 6000 and len(words.verbs()) > 1500 and len(words.adjectives()) > 3500


def test_what_is_rude_or_grim_is_left_out():
    known = {noun.one for noun in words.nouns()} | {verb.do for verb in words.verbs()} | {adjective.word for adjective in words.adjectives()}
    assert not known & {"whore", "rapist", "murderer", "kill", "torture", "corpse", "masturbate", "motherfucker", "dumbass", "slut"}
    assert {"teacher", "admire", "quiet"} <= known


def test_sentences_can_be_said_as_they_stand_and_hardly_repeat():
    rng = np.random.default_rng(0)
    made = [grammar.sentence(rng) for _ in range(1500)]
    assert all(re.fullmatch(r"[A-Z][A-Za-z' ,-]*[.?!]", text) for text in made)
    assert all(spoken(text) == text for text in made)
    assert all(2 <= len(spoken_words(text)) <= 24 for text in made)
    assert len(set(map(normal, made))) > 1480
    assert {text[-1] for text in made} == set(".?!")
    assert len({word for text in made for word in spoken_words(text)}) > 3000


def test_articles_fit_what_follows():
    text = " ".join(grammar.sentence(np.random.default_rng(seed)) for seed in range(400)).lower()
    assert re.search(r"\ban [aeio]", text) and not re.search(r"\ba [aio]", text)


def test_an_object_fits_its_verb():
    rng = np.random.default_rng(0)
    foods = {form for noun in words.nouns() if noun.kind == grammar.FOOD for form in noun[:2] if form}
    for _ in range(30):
        assert foods & set(grammar._something(rng, grammar.OBJECTS[34]).split())


def test_names_are_many_and_no_words():
    given, family, places = names.given(), names.family(), names.places()
    assert len(given) > 250 and len(family) > 450 and len(places) > 900
    assert {"Alice", "Igor"} <= set(given) and {"Newton", "Tolstoy"} <= set(family) and {"Nairobi", "New Zealand"} <= set(places)
    assert not {"Sir", "The", "Saint", "President"} & set(given) and not {"Hitler", "Himmler"} & set(family) and not set(given) & set(family)


def test_what_is_written_can_be_said_and_hardly_repeats():
    rng = np.random.default_rng(0)
    made = [written(rng) for _ in range(500)]
    said = [spoken(text) for text in made]
    assert not any("<" in text or "{" in text for text in made)
    assert not any(re.search(r"[^A-Za-z' ,.;:!?]", text) for text in said)
    assert all(2 <= len(spoken_words(text)) <= 45 for text in said)
    assert len(set(said)) > 480
    assert sum(bool(re.search(r"\d|[A-Z][a-z]*\.", text)) for text in made) > 420
    assert not any(".." in text for text in made) and not any(text != text.strip() or "  " in text for text in said)
