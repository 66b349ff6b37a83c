"""The bank: what is written comes back, torn ends are ignored, the own voice is whole or spliced."""

import json
import time
from contextlib import closing

import numpy as np
import pytest

from duologue.data.bank import Bank, file_stem, normal, own_split
from duologue.data.bank_writer import Writer
from duologue.data.pieces import FADE
from duologue.data.script import Line, Word
from duologue.data.voices import OWN
from duologue.errors import DataError
from tests.full_disk import files_up_to

TRAIN, OTHER, TEST = "kokoro/af_bella", "flite/slt-s100-p100", "kokoro/bf_emma"


def tone(seconds: float, hz: float = 440.0) -> np.ndarray:
    return (0.1 * np.sin(np.arange(int(seconds * 16_000)) * 2 * np.pi * hz / 16_000)).astype(np.float32)


def said(words: list[str]) -> tuple[np.ndarray, list[Word]]:
    """Each word 0.3 s of tone, 0.1 s of silence between words."""
    times = [Word(word, 0.4 * k, 0.4 * k + 0.3) for k, word in enumerate(words)]
    pieces = [np.concatenate([tone(0.3, 300 + 50 * k), np.zeros(1600, np.float32)]) for k in range(len(words))]
    return np.concatenate(pieces)[:-1600], times


def put(root, voice: str, *lines: Line) -> None:
    with closing(Writer(voice, root)) as writer:
        for line in lines:
            writer.add(line, *said(normal(line.text).split()))


@pytest.fixture
def root(tmp_path):
    put(tmp_path, TRAIN, *(Line("numbers", "sum", f"what is {n} plus two", ("four",), {"n": n}) for n in ("one", "two")))
    put(tmp_path, OTHER, Line("numbers", "after", "after three", ("four",), {"fact": "four"}))
    put(tmp_path, TEST, Line("numbers", "sum", "how much is six plus two", ("eight",), held_out=True))
    put(tmp_path, OWN, Line("own", "reply", "It's four."), Line("own", "list", "red, blue, four."))
    return tmp_path


def test_what_is_written_comes_back(root):
    speech = Bank(root).find("What is two plus two?", TRAIN)
    pcm_S, words = said("what is two plus two".split())
    assert speech.line == Line("numbers", "sum", "what is two plus two", ("four",), {"n": "two"})
    assert [w.text for w in speech.words] == [w.text for w in words]
    np.testing.assert_allclose([w.end_s for w in speech.words], [w.end_s for w in words], atol=1e-3)
    np.testing.assert_allclose(speech.pcm_S, pcm_S, atol=1e-4)


def test_splits_never_mix_and_the_own_voice_is_no_user(root):
    bank, rng = Bank(root), np.random.default_rng(0)
    assert bank.voices("train") == sorted([TRAIN, OTHER])
    assert bank.voices("test") == [TEST]
    assert {bank.sample(rng, "numbers").voice for _ in range(50)} == {TRAIN, OTHER}
    assert {bank.sample(rng, "numbers", split="test").voice for _ in range(10)} == {TEST}


def test_sample_obeys_intent_voice_and_predicate(root):
    bank, rng = Bank(root), np.random.default_rng(0)
    assert bank.sample(rng, "numbers", "after").text == "after three"
    assert all(bank.sample(rng, "numbers", voice=TRAIN).voice == TRAIN for _ in range(10))
    one = [bank.sample(rng, "numbers", where=lambda line: line.slots.get("n") == "one").text for _ in range(10)]
    assert set(one) == {"what is one plus two"}


@pytest.mark.parametrize("asked", [dict(family="watch"), dict(family="numbers", intent="sum", voice=OTHER)])
def test_nothing_that_matches_is_a_named_error(root, asked):
    with pytest.raises(DataError, match=asked["family"]):
        Bank(root).sample(np.random.default_rng(0), **asked)
    with pytest.raises(DataError):
        Bank(root).sample(np.random.default_rng(0), "numbers", where=lambda line: False)


def test_own_voice_says_a_cached_text_whole(root):
    speech = Bank(root).own("it's four")
    assert speech.voice == OWN and [w.text for w in speech.words] == ["it's", "four"]


def test_own_voice_is_spliced_from_cut_words(root):
    speech = Bank(root).own("blue, red!")
    assert [w.text for w in speech.words] == ["blue", "red"]
    gap_s = speech.words[1].start_s - speech.words[0].end_s
    assert 0.05 < gap_s < 0.2
    quiet = speech.pcm_S[int((speech.words[0].end_s + 0.04) * 16_000) : int((speech.words[1].start_s - 0.04) * 16_000)]
    assert np.abs(quiet).max() < 1e-3 < np.abs(speech.pcm_S).max()
    assert abs(speech.seconds - 0.7) < 0.1


def test_a_word_of_a_list_is_preferred_to_one_inside_a_sentence(root):
    word = Bank(root).own_word("four")
    hz = np.argmax(np.abs(np.fft.rfft(word.pcm_S, 16_000)))
    assert abs(hz - 400) < 10  # third of the list; inside "it's four" it is second, at 350 Hz


def test_missing_own_words_are_named(root):
    with pytest.raises(DataError, match="purple, green"):
        Bank(root).own("red purple blue green")


def test_torn_index_line_is_ignored_and_the_next_writer_goes_on(root):
    with open(root / f"{file_stem(TRAIN)}.jsonl", "ab") as file:
        file.write(b'{"text": "half a li')
    assert len([e for e in Bank(root).entries if e.voice == TRAIN]) == 2
    put(root, TRAIN, Line("talk", "hello", "hello there"))
    assert [e.row["text"] for e in Bank(root).entries if e.voice == TRAIN][-1] == "hello there"


def test_sound_without_its_index_line_does_not_shift_later_speech(root):
    with open(root / f"{file_stem(TRAIN)}.i16", "ab") as file:
        file.write(b"\1" * 1001)  # odd: half a sample
    put(root, TRAIN, Line("talk", "hello", "hello there"))
    np.testing.assert_allclose(Bank(root).find("hello there", TRAIN).pcm_S, said(["hello", "there"])[0], atol=1e-4)


def test_a_full_disk_ends_a_writer_and_the_next_one_goes_on(root):
    """Whether the sound or its line of the index is what no longer fits: a clear error, and all before it is there."""
    before = [e.row["text"] for e in Bank(root).entries]
    spoken = (root / f"{file_stem(TRAIN)}.i16").stat().st_size
    for room_bytes, file in ((501, r"\.i16"), (60_000, r"\.jsonl")):
        with files_up_to(spoken + room_bytes), pytest.raises(DataError, match=rf"cannot write .*{file}: .*free some space"):
            put(root, TRAIN, Line("talk", "hello", "hello there", slots={"long": "x" * 200_000}))
        assert [e.row["text"] for e in Bank(root).entries] == before
    put(root, TRAIN, Line("talk", "hello", "hello there"))
    np.testing.assert_allclose(Bank(root).find("hello there", TRAIN).pcm_S, said(["hello", "there"])[0], atol=1e-4)


def test_two_writers_of_one_voice_are_refused(root):
    first = Writer(TRAIN, root)
    with pytest.raises(DataError, match=TRAIN):
        Writer(TRAIN, root)
    first.close()


def test_a_bank_opened_before_new_speech_reads_what_it_knows(root):
    bank = Bank(root)
    put(root, TRAIN, Line("talk", "hello", "hello there"))
    assert bank.find("hello there", TRAIN) is None
    assert bank.find("what is one plus two", TRAIN).seconds > 1


def test_index_of_many_utterances_loads_quickly(tmp_path):
    row = {"text": "x", "words": [[f"word{k}", 0.1 * k, 0.1 * k + 0.1] for k in range(8)], "offset": 0, "samples": 100,
           "line": {"family": "hear", "intent": "open", "text": "x", "answers": [], "slots": {}, "held_out": False}}  # fmt: skip
    raw = "".join(json.dumps({**row, "text": f"text {k}"}) + "\n" for k in range(5_000))
    (tmp_path / "kokoro_af_bella.jsonl").write_text(raw)
    began = time.process_time()
    assert len(Bank(tmp_path).entries) == 5_000
    assert time.process_time() - began < 2


def test_own_sentences_keep_their_split_when_the_bank_grows(tmp_path):
    texts = [f"the fox saw {word} geese" for word in "one two three four five six seven eight nine ten".split()]
    texts += [text.replace("fox", "owl") for text in texts] + [text.replace("fox", "cat") for text in texts]
    seen = {}
    for part in (texts[:20], texts[20:]):
        put(tmp_path, OWN, *(Line("hear", "open", text) for text in part))
        for split in ("train", "test"):
            rng = np.random.default_rng(0)
            for text in {Bank(tmp_path).own_sentence(rng, split).text for _ in range(10)}:
                assert seen.setdefault(text, split) == split
    assert set(seen.values()) == {"train", "test"}


def test_anything_of_the_own_voice_is_sentences_replies_and_lists_but_nothing_held_out(tmp_path):
    sentences = [f"the fox saw {word} geese" for word in "one two three four five six seven eight nine ten".split()]
    sentences += [text.replace("fox", "owl") for text in sentences] + [text.replace("fox", "cat") for text in sentences]
    put(tmp_path, OWN, *(Line("hear", "open", text) for text in sentences))
    rng = np.random.default_rng(0)
    assert {Bank(tmp_path).own_anything(rng).line.intent for _ in range(5)} == {"open"}
    put(tmp_path, OWN, Line("own", "reply", "that's nine"), Line("own", "list", "red blue four"))
    drawn = [Bank(tmp_path).own_anything(rng) for _ in range(200)]
    assert {speech.line.intent for speech in drawn} == {"open", "reply", "list"}
    assert {own_split(speech.text) for speech in drawn if speech.line.intent == "open"} == {"train"}


def test_a_word_is_lifted_where_it_is_quiet_even_when_its_times_are_off(tmp_path):
    pcm_S, words = said(["red", "blue", "four"])
    late = [Word(w.text, w.start_s + 0.03 * (k > 0), w.end_s + 0.03 * (k < 2)) for k, w in enumerate(words)]
    writer = Writer(OWN, tmp_path)
    writer.add(Line("own", "list", "red, blue, four."), pcm_S, late)
    writer.close()
    word = Bank(tmp_path).own_word("blue")
    assert abs(word.seconds - 0.34) < 0.03  # 0.3 s of tone with 20 ms around it, nothing of the neighbours
    assert abs(np.argmax(np.abs(np.fft.rfft(word.pcm_S, 16_000))) - 350) < 10


def test_of_two_cuts_the_cleaner_is_taken(tmp_path):
    pcm_S, words = said(["red", "blue"])
    run_on = np.concatenate([tone(0.5, 300), tone(0.5, 500)])
    writer = Writer(OWN, tmp_path)
    writer.add(Line("own", "list", "red, blue."), run_on, [Word("red", 0.0, 0.5), Word("blue", 0.5, 1.0)])
    writer.add(Line("own", "list", "red, blue, again."), pcm_S, words)
    writer.close()
    assert abs(np.argmax(np.abs(np.fft.rfft(Bank(tmp_path).own_word("blue").pcm_S, 16_000))) - 350) < 10


def test_a_reply_begins_as_any_other_that_begins_alike(tmp_path):
    writer = Writer(OWN, tmp_path)
    for loud, text in enumerate(("it's four", "it's nine", "it's red"), 1):
        pcm_S, words = said(text.split())
        writer.add(Line("own", "reply", text), pcm_S * loud, words)
    writer.close()
    bank, rng = Bank(tmp_path), np.random.default_rng(0)
    four, nine = bank.own("it's four"), bank.own("it's nine")
    told = [bank.begun_otherwise(rng, nine) for _ in range(60)]
    loudness = {round(float(np.abs(speech.pcm_S[800:4000]).max()), 1) for speech in told}
    assert loudness == {0.1, 0.2, 0.3}
    assert all([w.text for w in speech.words] == ["it's", "nine"] for speech in told)
    assert all(abs(len(speech.pcm_S) - len(nine.pcm_S)) <= FADE for speech in told)
    assert all(np.array_equal(speech.pcm_S[-4000:], nine.pcm_S[-4000:]) for speech in told)
    alone = four.cut(1, 2)
    assert bank.begun_otherwise(rng, alone) is alone


def test_an_own_voice_that_has_said_nothing_says_which_command_fills_it(tmp_path, monkeypatch):
    monkeypatch.setenv("DUOLOGUE_CACHE", str(tmp_path))
    with pytest.raises(DataError, match="duologue synth voices --engine kokoro --own-share 1"):
        Bank().own_anything(np.random.default_rng(0))
