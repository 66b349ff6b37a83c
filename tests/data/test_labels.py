"""Token timing, on the world's clock."""

import numpy as np
import pytest

from duologue.data import labels
from duologue.data.labels import Item, fill
from duologue.data.script import Check, Own, Script, Sound
from duologue.media.text import END
from duologue.model.layout import PHONES
from tests.data.synthetic import Letters, question, speech

CODER = Letters()


def test_items_queue_in_order_and_overflow_into_later_turns():
    slots = fill([Item(2, [7]), Item(0, [1, 2, 3]), Item(0, [4, 5])], 5, 2)
    assert slots.tolist() == [[1, 2], [3, 4], [5, 7], [0, 0], [0, 0]]


def test_what_cannot_be_whole_in_time_is_left_out_and_the_end_cuts():
    assert fill([Item(0, [1, 2, 3], last=0), Item(0, [4], last=0)], 2, 2).tolist() == [[4, 0], [0, 0]]
    assert fill([Item(1, [1, 2, 3])], 2, 2).tolist() == [[0, 0], [1, 2]]
    assert fill([Item(9, [1])], 2, 2).tolist() == [[0, 0], [0, 0]]


def test_a_heard_word_is_written_one_turn_after_the_turn_it_ends_in():
    """Words end at 0.8, 1.2, 1.6 … s: in input turns 4, 6, 8."""
    script = question(start_s=0.55)
    written = labels.hear(script, CODER, 30)
    ends = [0.55 + w.end_s for w in script.sounds[0].speech.words]
    turns = [int(end / 0.2) + 1 for end in ends]
    assert np.flatnonzero(written.any(1))[: len(turns)].tolist()[:2] == turns[:2]
    assert (written > 0).sum() == sum(len(CODER.encode(w.text)) for w in script.sounds[0].speech.words)
    for end, turn in zip(ends, turns, strict=True):
        assert 0.2 - 1e-9 <= (turn + 1) * 0.2 - end <= 0.4


def test_sounds_that_are_not_for_the_model_are_not_written():
    script = Script("hold", 6.0, sounds=[Sound(0.5, speech("the news at ten"), "television", transcribed=False)])
    assert not labels.hear(script, CODER, 30).any()


def test_said_words_stand_in_the_tenth_of_a_second_in_which_their_sound_starts():
    script = Script("talk", 8.0, own=[Own(2.03, speech("hi yo hi yo hi", "own", gap_s=0.25))])
    speak_T = np.zeros(40, np.uint8)
    speak_T[9:21] = 1
    slots = np.flatnonzero(labels.say(script, CODER, speak_T)).tolist()
    sounds = [int((2.03 + w.start_s) / 0.1) - 2 for w in script.own[0].speech.words]
    assert {slot % 2 for slot in sounds[1:]} == {0, 1}, "both halves of a turn are tried"
    assert slots[1:] == sounds[1:]
    assert slots[0] == 19, "the first beside the decision to speak, behind what is heard in that turn"


def test_pieces_of_a_word_follow_one_another_and_push_the_next_word_back():
    script = Script("talk", 8.0, own=[Own(2.0, speech("hi strawberry hi", "own", gap_s=0.0))])
    speak_T = np.zeros(40, np.uint8)
    speak_T[9:30] = 1
    pieces = len(CODER.encode("strawberry"))
    slots = np.flatnonzero(labels.say(script, CODER, speak_T))
    second, third = (int((2.0 + w.start_s) / 0.1 + 1e-6) - 2 for w in script.own[0].speech.words[1:])
    assert slots[1 : 1 + pieces].tolist() == list(range(second, second + pieces)) and slots[1 + pieces] == max(third, second + pieces)


def test_shown_words_are_in_the_history_from_their_time_on():
    script = Script("drill", 8.0, shown=[(1.0, "hi"), (1.2, "yo")])
    shown = labels.shown(script, CODER, 40)
    assert np.flatnonzero(shown.any(1)).tolist() == [4, 5] and not labels.hear(script, CODER, 40).any()


def test_a_cut_speech_says_no_word_after_the_cut():
    said = speech("one two three four five six", "own")  # a word every 0.4 s
    script = Script("interrupt", 8.0, own=[Own(1.0, said, cut_s=1.9)])
    speak_T = np.zeros(40, np.uint8)
    speak_T[4:9] = 1
    written = labels.say(script, CODER, speak_T)
    assert written[written > 0].tolist() == CODER.encode("one two")  # "three" could not be whole by then
    assert not written[9:].any()


def test_typed_text_opens_with_its_source_and_queues():
    script = Script("typed", 4.0, typed=[(0.5, "abcdefghijklmnopqr")], notes=[(0.5, "tool", "ok")])
    slots = labels.typed(script, CODER, 20)
    assert slots[2].tolist() == [2, 100, 101, 102, 103, 104, 105, 106]
    assert slots[3].tolist() == [107, 108, 4, 100, 0, 0, 0, 0]
    assert not slots[4:].any() and not slots[:2].any()


def test_calls_are_closed_and_never_early():
    script = Script("delegate", 4.0, calls=[(1.05, "delegate", "ab"), (2.0, "cancel", "")], written=[(1.0, "abcd ef")])
    acts, texts = labels.act(script, CODER, 20), labels.text(script, CODER, 20)
    assert acts[5].tolist() == [7, 100] and acts[6].tolist() == [END, 0]  # output turn 5 begins at 1.2 s
    assert acts[9].tolist() == [8, END]
    assert texts[4].tolist() == [100, 101] and texts[5].tolist() == [100, 0]


@pytest.mark.parametrize("length_s", [2.0, 5.0])
def test_timing_matters_near_changes_and_in_short_quiet_checks(length_s):
    script = Script("hold", 30.0, own=[Own(20.0, speech("one two three four five six seven eight nine ten", "own"))])
    script.checks = [Check("quiet", 5.0, 5.0 + length_s)]
    marks = labels.important(script, 150)
    begins = np.arange(150) * 0.2 + 0.2
    near = (np.abs(begins + 0.1 - 20.0) < 1) | (np.abs(begins + 0.1 - labels.own_end(script.own[0])) < 1)
    assert marks[near].all()
    in_check = (begins > 4.9) & (begins < 4.9 + length_s)
    assert marks[in_check].all() == (length_s <= 3)
    assert marks.sum() <= near.sum() + 2 + (in_check.sum() if length_s <= 3 else 0)


def test_letters_share_the_time_of_their_word():
    from duologue.data.script import Script, Sound, Speech, Word

    speech = Speech("abc", "v", np.zeros(9600, np.float32), (Word("abc", 0.0, 0.6),))
    bits_TP = labels.letters(Script("hear", 2.0, [Sound(0.4, speech), Sound(1.2, speech, transcribed=False)]), 10)
    spelled = ["".join(c for i, c in enumerate(labels.LETTERS) if b >> i & 1) for b in bits_TP.flatten().tolist()]
    assert spelled == ["", "", "", "", "a", "a", "b", "b", "c", "c", *[""] * 10]


def test_own_phonemes_stand_in_the_frames_they_sound_in_on_output_turns():
    from duologue.data.script import Own, Script, Speech, Word

    two = Word("two", 0.0, 0.2, (("t", 0.25), ("u", 1.0)))
    speech = Speech("two so", "v", np.zeros(9600, np.float32), (two, Word("so", 0.3, 0.6, (("s", 0.32), ("O", 1.0)))))
    found_TF = labels.own_phones(Script("hear", 2.0, own=[Own(0.4, speech)]), 10)
    said = "".join((" " + labels.PHONE_SIGNS)[i] for i in found_TF.flatten())
    assert found_TF.shape == (10, 10) and said == " " * 10 + "ttuuuuuuuu" + " " * 5 + "sssss" + "O" * 10 + " " * 60


def test_phonemes_ahead_are_those_of_the_next_tenth_of_a_second_as_far_as_their_word_is_written():
    from duologue.data.script import Own, Script, Speech, Word

    words = (Word("two", 0.0, 0.2, (("t", 0.5), ("u", 1.0))), Word("so", 0.2, 0.6, (("s", 0.5), ("O", 1.0))))
    script = Script("hear", 2.0, own=[Own(0.4, Speech("two so", "v", np.zeros(9600, np.float32), words))])
    speak_T = np.array([0, 1, 1, 1, 0, 0, 0, 0, 0, 0], np.uint8)
    slots = ["".join((" " + labels.PHONE_SIGNS)[i] for i in slot) for slot in labels.own_phones(script, 10).reshape(-1, 5)]
    ahead = ["".join((" " + labels.PHONE_SIGNS)[i] for i in slot) for slot in labels.own_ahead(script, speak_T).reshape(-1, 5)]
    assert slots[2:8] == ["ttttt", "uuuuu", "sssss", "sssss", "OOOOO", "OOOOO"]
    assert ahead[1:8] == [" " * 5, "uuuuu", " " * 5, "sssss", "OOOOO", "OOOOO", " " * 5]  # "so" is written in the turn after "two"


def test_a_voice_that_tells_no_phonemes_leaves_none():
    from duologue.data.script import Own, Script, Speech, Word

    speech = Speech("ab", "v", np.zeros(6400, np.float32), (Word("ab", 0.0, 0.4),))
    assert not labels.own_phones(Script("hear", 2.0, own=[Own(0.4, speech)]), 10).any()


def test_there_is_room_for_every_phoneme():
    assert len(set(labels.PHONE_SIGNS)) == len(labels.PHONE_SIGNS) < PHONES
