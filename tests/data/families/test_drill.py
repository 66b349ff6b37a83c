from duologue.data import labels
from duologue.data.families import drill
from duologue.media.text import Tokenizer
from tests.data.families.checks import some_scripts

TURNS = 600


def test_nobody_speaks_and_every_question_is_answered():
    for script in some_scripts(drill):
        assert not script.sounds and len(script.about["intents"]) >= 6
        once = [intent for intent in script.about["intents"] if intent != "time.every"]
        answers, often = sum(check.kind == "answer" for check in script.checks), len(script.about["intents"]) - len(once)
        assert len(once) + 2 * often <= answers <= len(once) + 4 * often
        assert all(not own.start_s % 0.2 > 1e-6 or own.start_s % 0.2 > 0.2 - 1e-6 for own in script.own)


def test_questions_come_typed_and_shown():
    scripts = some_scripts(drill)
    assert any(s.typed for s in scripts) and any(s.shown for s in scripts)
    assert all(len(s.typed) == len(s.written) for s in scripts)


def test_an_answer_waits_for_all_that_is_shown():
    early = answered = 0
    for script in some_scripts(drill):
        shown = labels.shown(script, Tokenizer(), TURNS).any(1).nonzero()[0]
        early += sum(round(own.start_s / 0.2) - 1 in shown for own in script.own)
        answered += len(script.own)
    assert early <= answered / 50  # words of very many tokens


def test_what_is_asked_comes_from_the_trained_half():
    import numpy as np

    lines = drill.lines(np.random.default_rng(0), "train")
    assert not any(next(lines).held_out for _ in range(300))


def test_what_comes_every_few_seconds_is_stopped_before_it_comes_again():
    series = 0
    for script in some_scripts(drill):
        ends = [own.start_s + own.speech.seconds for own in script.own]
        stops = sum(word == "stop" and any(0 <= at_s - end_s < 0.5 for end_s in ends) for at_s, word in script.shown)
        assert stops >= script.about["intents"].count("time.every")
        series += stops
    assert series
