"""hear and read: open English in, written down; open text in, spoken."""

import numpy as np
import pytest

from duologue.data.families import hear, read
from duologue.data.script import reply_at
from tests.data.families.checks import some_scripts, spans


@pytest.mark.parametrize("module", [hear, read])
def test_the_same_seed_gives_the_same_script(module):
    for one, two in zip(some_scripts(module, count=20), some_scripts(module, count=20), strict=True):
        assert spans(one) == spans(two) and one.length_s == two.length_s and one.typed == two.typed


def test_hear_is_heard_in_silence():
    for script in some_scripts(hear):
        assert script.sounds and not script.own and not script.written
        assert all(sound.transcribed for sound in script.sounds)
        assert len({sound.speech.voice for sound in script.sounds}) == 1
        assert [(c.kind, c.start_s, c.end_s) for c in script.checks] == [("quiet", 0.0, script.length_s)]
        assert max(end for _, end in spans(script)[0]) < script.length_s < 28


def test_some_training_sentences_are_recombined_and_keep_their_word_times():
    made = [s.speech for script in some_scripts(hear) for s in script.sounds]
    spliced = [speech for speech in made if speech.line is None]
    assert abs(len(spliced) / len(made) - hear.RECOMBINED) < 0.15
    for speech in spliced:
        assert [w.text for w in speech.words] == speech.text.split()
        assert all(0 <= w.start_s < w.end_s <= speech.seconds + 1e-6 for w in speech.words)
        loud = [np.abs(speech.pcm_S[int(w.start_s * 16_000) : int(w.end_s * 16_000)]).max() for w in speech.words]
        assert min(loud) > 0.1  # every word is where its times say


def test_every_text_is_spoken_word_for_word_after_it_came_and_never_over_the_user():
    sources = set()
    for script in some_scripts(read):
        came = sorted([(t, text) for t, _, text in script.notes] + script.typed)
        said, own = spans(script)
        assert len(came) == len(own) == len(script.checks)
        for (at_s, text), spoken, (start_s, end_s) in zip(came, script.own, own, strict=True):
            assert text.endswith(spoken.speech.text)
            assert start_s >= reply_at(at_s) - 1e-9
            assert all(end_s <= a or start_s >= b + 0.2 - 1e-9 for a, b in said)
        sources |= {source for _, source, _ in script.notes} | ({"typed"} if script.typed else set())
    assert sources == {"background", "tool", "typed"}
