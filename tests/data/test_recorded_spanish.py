"""Recorded Spanish: which recordings are taken, with what English, and that she speaks in training and never in tests."""

import numpy as np
import pytest
import soundfile

from duologue.data import freedict, recorded_spanish
from duologue.data.bank import Bank
from duologue.data.bank_writer import Writer
from duologue.data.families import translate
from duologue.data.families.exchange import held_out
from duologue.data.families.spanish import ADJECTIVES, NOUNS
from duologue.data.recorded_spanish import fill, line_of
from duologue.data.script import Line
from duologue.data.voices import ESTEFANIA, OWN, split_of, user_voices
from duologue.errors import DataError
from tests.data.synthetic import speech

STAMPS = {"cow": "Una vaca.", "dog": "Un perro.", "hat": "Un sombrero con pluma.", "robot": "Un robot.", "apple": "Una manzana roja."}


def put(path, text: str, extra_s: float = 0.0) -> None:
    pcm_S = np.concatenate([np.zeros(3200), speech(text).pcm_S, np.zeros(3200)])
    soundfile.write(path, np.concatenate([pcm_S, 0.1 * np.sin(np.arange(int(extra_s * 16_000)) / 9)]), 16_000)


@pytest.fixture(autouse=True)
def package(tmp_path, monkeypatch):
    """The package as if unpacked: clips of bursts, one longer than what is said in it; no dictionary."""
    monkeypatch.setenv("DUOLOGUE_CACHE", str(tmp_path))
    monkeypatch.setattr(freedict, "words", lambda: ())
    recorded_spanish._glossary.cache_clear()
    folder = tmp_path / "recordings" / recorded_spanish.PACKAGE
    (folder / "stamps").mkdir(parents=True)
    (folder / "done").touch()
    for name, text in STAMPS.items():
        put(folder / "stamps" / f"{name}_desc_es.ogg", text, 3.0 if name == "dog" else 0.0)
        (folder / "stamps" / f"{name}.txt").write_text(f"A stamp.\nes.utf8={text}\n", encoding="utf-8")
    yield
    recorded_spanish._glossary.cache_clear()


def test_what_is_known_comes_into_the_bank_once_with_its_word_times():
    assert fill()[0] == 2 and fill() == (0, 0)
    bank = Bank()
    assert {(e.voice, e.row["text"]) for e in bank.entries} == {(ESTEFANIA, "una vaca"), (ESTEFANIA, "una manzana roja")}
    for entry in bank.entries:
        found, truth = bank.speech(entry), speech(entry.row["text"])
        assert [w.text for w in found.words] == entry.row["text"].split()
        assert abs(found.seconds - truth.seconds) < 0.1  # the silence around it is gone
        assert max(abs(a.end_s - b.end_s) for a, b in zip(found.words, truth.words, strict=True)) < 0.12


def test_english_and_when_it_is_decided():
    assert line_of(["una", "vaca"]).slots == {"parts": [["a", 0, False], ["cow", 1, True]], "language": "es"}
    told = next((n.es, es) for n in NOUNS for es, _ in ADJECTIVES if not n.feminine and not held_out("translate", n.es, es, share=20))
    kept = next((n.es, es) for n in NOUNS for es, _ in ADJECTIVES if not n.feminine and held_out("translate", n.es, es, share=20))
    assert [needs for _, needs, _ in line_of(["un", *told]).slots["parts"]] == [0, 2, 2]
    assert line_of(["un", *kept]) is None  # only tests hear it
    assert [line_of(words.split()) for words in ("", "vaca", "una", "rojo", "una uno", "vaca roja", "un robot")] == [None] * 7


def spoken_bank() -> Bank:
    """The recorded voice, two synthetic users and the own voice."""
    fill()
    words = ["okay", "a", "cow", "red", "apple"]
    sentence = Line("translate", "sentence", "vaca", (), {"parts": [["cow", 0, False]], "language": "es"})
    lists = [Line("translate", intent, "vaca", (), sentence.slots) for intent in ("words", "pairs")]
    said = {OWN: [Line("own", "reply", word) for word in words]}
    for voice in ("kokoro/ef_dora", "kokoro/em_santa"):
        said[voice] = [Line("translate", "rule", "translate from spanish"), sentence, *lists]
    for voice, lines in said.items():
        writer = Writer(voice)
        for line in lines:
            one = speech(line.text)
            writer.add(line, one.pcm_S, one.words)
        writer.close()
    return Bank()


def test_she_speaks_in_training_now_and_then_and_never_in_tests():
    bank = spoken_bank()
    assert split_of(ESTEFANIA) == "train" and ESTEFANIA not in (*user_voices("train"), *user_voices("test"))
    voices = [translate.script(np.random.default_rng(n), bank, "train").about["voice"] for n in range(150)]
    assert 0.03 < np.mean([voice == ESTEFANIA for voice in voices]) < 0.2
    for n in range(20):
        script = translate.script(np.random.default_rng(n), bank, "test", "kokoro/em_santa")
        assert ESTEFANIA not in {s.speech.voice for s in script.sounds}
    with pytest.raises(DataError):
        translate.script(np.random.default_rng(0), bank, "test", ESTEFANIA)


def test_what_she_says_is_put_into_english_behind_each_word():
    bank = spoken_bank()
    for n in range(20):
        script = translate.script(np.random.default_rng(n), bank, "train", ESTEFANIA)
        spanish = [s for s in script.sounds if s.speech.line.intent != "rule"]
        assert {s.speech.voice for s in spanish} == {ESTEFANIA}
        owns = iter([own for own in script.own if own.speech.text != "okay"])
        for sound in spanish:
            words = sound.speech.words
            assert sound.speech.text.replace(",", "") == " ".join(w.text for w in words) and 4 <= len(words) <= 15
            assert all(a.end_s <= b.start_s for a, b in zip(words, words[1:], strict=False))
            for part in (translate.Part(*values) for values in sound.speech.line.slots["parts"]):
                own = next(owns)
                assert own.speech.text == part.english and own.start_s > sound.start_s + words[part.needs].end_s
        assert next(owns, None) is None
