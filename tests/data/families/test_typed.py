from duologue.data.families import typed
from tests.data.families.checks import some_lines, some_scripts, spans


def test_every_typed_request_is_answered_by_voice_and_in_text():
    for script in some_scripts(typed, count=100):
        assert len(script.typed) == len(script.written) == sum(check.kind == "answer" for check in script.checks)
        for (asked_s, _), (written_s, text) in zip(script.typed, script.written):
            assert written_s >= asked_s + 0.2
            assert any(own.start_s == written_s for own in script.own)
            assert text


def test_most_users_say_nothing_and_the_others_are_waited_for():
    scripts = some_scripts(typed, count=150)
    talking = [script for script in scripts if script.sounds]
    assert 0.1 < len(talking) / len(scripts) < 0.7
    for script in talking:
        said, own = spans(script)
        assert all(own_end <= start or own_start >= end + 0.2 for start, end in said for own_start, own_end in own)


def test_what_is_written_is_what_is_said():
    for script in some_scripts(typed, count=60):
        for at_s, text in script.written:
            first = next(own for own in script.own if own.start_s == at_s)
            assert text.replace(",", "").startswith(first.speech.text.replace(",", ""))


def test_typing_users_only_remark():
    assert all(line.answers == () for line in some_lines(typed, "train", 200))


def test_held_out_requests_are_not_typed_in_training():
    import numpy as np

    rng = np.random.default_rng(0)
    assert not any(typed.request(rng, "train").held_out for _ in range(300))
    assert np.mean([typed.request(rng, "test").held_out for _ in range(300)]) > 0.7
