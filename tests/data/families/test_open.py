"""hear and read: open English in, written down; open text in, spoken."""

from itertools import pairwise

import numpy as np
import pytest

from duologue.data.families import hear, read
from duologue.data.families.timing import SILENT_S, own_end
from duologue.data.script import Line, reply_at
from tests.data.fake_bank import OPEN_TEXT, FakeBank, speech_of
from tests.data.families.checks import some_scripts, spans


@pytest.mark.parametrize("module", [hear, read])
def test_the_same_seed_gives_the_same_script(module):
    for one, two in zip(some_scripts(module, count=20), some_scripts(module, count=20), strict=True):
        assert spans(one) == spans(two) and one.length_s == two.length_s and one.typed == two.typed


def test_hear_is_heard_in_silence():
    for script in some_scripts(hear):
        mine = [sound for sound in script.sounds if sound.who == "user" and sound.speech.words]
        assert mine and not script.own and not script.written
        assert all(sound.transcribed for sound in mine)
        assert len({sound.speech.voice for sound in mine}) == 1
        assert [(c.kind, c.start_s, c.end_s) for c in script.checks] == [("quiet", 0.0, script.length_s)]
        assert max(end for _, end in spans(script)[0]) < script.length_s < 28


def test_training_has_pauses_inside_sentences_noises_and_voices_behind_which_nobody_writes_down(monkeypatch):
    monkeypatch.setattr(hear, "RECOMBINED", 0.0)
    scripts = some_scripts(hear, count=120)
    sounds = [sound for script in scripts for sound in script.sounds]
    assert any(not sound.speech.words for sound in sounds)
    behind = [sound for sound in sounds if sound.who == "other"]
    assert behind and all(not sound.transcribed and sound.gain_db < 0 for sound in behind)
    parts = [(a, b) for script in scripts for a, b in pairwise(script.sounds) if f"{a.speech.text} {b.speech.text}" in OPEN_TEXT]
    pauses_s = [b.start_s - a.start_s - a.speech.seconds for a, b in parts]
    assert parts and min(pauses_s) >= hear.BREAK_S[0] - 1e-6 and max(pauses_s) <= hear.BREAK_S[1] + 1e-6
    quiet = some_scripts(hear, "test", count=60)
    assert all(sound.speech.line and sound.who == "user" for script in quiet for sound in script.sounds)


def test_some_training_sentences_are_recombined_and_keep_their_word_times(monkeypatch):
    monkeypatch.setattr(hear, "BROKEN", 0.0)
    made = [s.speech for script in some_scripts(hear) for s in script.sounds if s.who == "user" and s.speech.words]
    spliced = [speech for speech in made if speech.line is None]
    assert abs(len(spliced) / len(made) - hear.RECOMBINED) < 0.15
    for speech in spliced:
        assert [w.text for w in speech.words] == speech.text.split()
        assert all(0 <= w.start_s < w.end_s <= speech.seconds + 1e-6 for w in speech.words)
        loud = [np.abs(speech.pcm_S[int(w.start_s * 16_000) : int(w.end_s * 16_000)]).max() for w in speech.words]
        assert min(loud) > 0.1  # every word is where its times say


def test_every_text_is_spoken_word_for_word_after_it_came_and_never_over_the_user(monkeypatch):
    monkeypatch.setattr(read, "TOLD", 0.0)
    sources = set()
    for script in some_scripts(read):
        came = sorted([(t, text) for t, _, text in script.notes] + script.typed)
        said, own = spans(script)
        left = list(zip(script.own, own, strict=True))
        assert len(came) == len(script.checks)
        for (at_s, text), check in zip(came, sorted(script.checks, key=lambda c: c.after_s), strict=True):
            (whole,) = check.accept
            assert text.endswith(whole)
            spoken = []
            while " ".join(spoken) != whole:
                one, (start_s, end_s) = left.pop(0)
                spoken.append(one.speech.text)
                assert start_s >= reply_at(at_s) - 1e-9
                assert all(end_s <= a or start_s >= b + 0.2 - 1e-9 for a, b in said)
        assert not left
        sources |= {source for _, source, _ in script.notes} | ({"typed"} if script.typed else set())
    assert sources == {"background", "tool", "typed"}


@pytest.fixture
def told(monkeypatch):
    """Readings of paragraphs: those in which this happens, as (script, what happened); of no row all scripts."""
    monkeypatch.setattr(read, "TOLD", 1.0)
    monkeypatch.setattr(read, "PARAGRAPH", 1.0)
    scripts = some_scripts(read, count=40)

    def found(row: str = "") -> list:
        return [(s, item) for s in scripts for item in s.about["items"] if item["row"] == row] if row else scripts

    return found


def test_on_stop_wait_and_skip_it_is_silent_within_the_allowed_time(told):
    cases = told("stop")
    assert len(cases) > 10
    for script, item in cases:
        sounding = [o for o in script.own if o.start_s < item["end_s"] and own_end(o) > item["end_s"] + SILENT_S]
        assert not sounding
        assert any(o.start_s < item["at_s"] < own_end(o) + 0.6 for o in script.own)  # it was reading


def test_after_a_wait_the_cut_sentence_comes_again_and_after_a_skip_the_next_text(told):
    for row in ("resume", "skip"):
        cases = told(row)
        assert cases
        for script, item in cases:
            check = next(c for c in script.checks if c.kind == "answer" and c.after_s == item["end_s"])
            (begins,) = [o for o in script.own if check.after_s + 0.2 - 1e-6 <= o.start_s < check.end_s][:1]
            assert begins.speech.text.startswith(check.accept[0])
            cut = max((o for o in script.own if o.start_s < item["end_s"]), key=lambda o: o.start_s)
            assert cut.cut_s is None or row == "skip" or cut.speech.text == begins.speech.text


def test_an_uh_huh_changes_nothing(told):
    cases = [(script, check) for script in told() for check in script.checks if check.kind == "goes_on"]
    assert cases
    for script, check in cases:
        reading = [o for o in script.own if check.start_s - 6 < o.start_s < check.end_s and own_end(o) > check.start_s]
        assert reading and all(o.cut_s is None for o in reading)
        assert " ".join(o.speech.text for o in reading).endswith(" ".join(check.accept))


class WithFigures(FakeBank):
    """Its own voice has said a sentence that is written otherwise."""

    def own_sentence(self, rng, split="train"):
        return speech_of("it cost two dollars", "own", Line("hear", "open", "it cost two dollars", slots={"written": "It cost $2."}))


def test_texts_come_as_written_and_as_spoken_and_are_said_alike():
    scripts = [read.script(np.random.default_rng(seed), WithFigures(), "train") for seed in range(40)]
    came = [text for script in scripts for text in [*(t for *_, t in script.notes), *(t for _, t in script.typed)]]
    assert any("$2" in text for text in came) and any("two dollars" in text for text in came)
    assert {word.text for script in scripts for own in script.own for word in own.speech.words} == {"it", "cost", "two", "dollars"}
