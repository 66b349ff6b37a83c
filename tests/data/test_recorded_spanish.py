"""Recorded Spanish: which recordings are taken, with what English, and that they speak in training and never in tests."""

import gzip

import av
import numpy as np
import pytest
import soundfile

from duologue.data import freedict, recorded_spanish
from duologue.data.bank import Bank, Writer
from duologue.data.families import translate
from duologue.data.families.exchange import held_out
from duologue.data.families.spanish import ADJECTIVES, NOUNS
from duologue.data.recorded_spanish import fill, line_of, spelt
from duologue.data.script import Line
from duologue.data.voices import ALLISON, ESTEFANIA, OWN, split_of, user_voices
from duologue.errors import DataError
from tests.data.synthetic import speech

STAMPS = {"cow": "Una vaca.", "dog": "Un perro.", "hat": "Un sombrero con pluma.", "robot": "Un robot."}
PROMPTS = {"digits/1": "uno", "digits/2": "dos", "digits/day-3": "Miercoles", "digits/0": "cero", "vm-no": "no", "vm-goodbye": "hasta pronto.", "letters/dot": "no"}


def put(path, text: str, extra_s: float = 0.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pcm_S = np.concatenate([np.zeros(3200), speech(text).pcm_S, np.zeros(3200)])
    pcm_S = np.concatenate([pcm_S, 0.1 * np.sin(np.arange(int(extra_s * 16_000)) / 9)])
    if path.suffix == ".ogg":
        soundfile.write(path, pcm_S, 16_000)
        return
    with av.open(str(path), "w", format="g722") as out:
        stream = out.add_stream("g722", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray((pcm_S * 32767).astype(np.int16)[None], format="s16", layout="mono")
        frame.sample_rate = 16_000
        for part in (frame, None):
            out.mux(stream.encode(part))


@pytest.fixture(autouse=True)
def packages(tmp_path, monkeypatch):
    """Both packages as if unpacked: clips of bursts, one longer than what is said in it; no dictionary."""
    monkeypatch.setenv("DUOLOGUE_CACHE", str(tmp_path))
    monkeypatch.setattr(freedict, "words", lambda: ())
    recorded_spanish._glossary.cache_clear()
    for _, _, names in recorded_spanish.SOURCES:
        (folder := tmp_path / "recordings" / names[0]).mkdir(parents=True)
        (folder / "done").touch()
        if "tuxpaint" in names[0]:
            for name, text in STAMPS.items():
                put(folder / "stamps" / f"{name}_desc_es.ogg", text, 3.0 if name == "dog" else 0.0)
                (folder / "stamps" / f"{name}.txt").write_text(f"A stamp.\nes.utf8={text}\n", encoding="utf-8")
            continue
        listed = "".join(f"{name}: {text}\n" for name, text in PROMPTS.items()) + "digits/0: diez\n"
        (folder / "core-sounds-es.txt.gz").write_bytes(gzip.compress(listed.encode()))
        for name, text in {**PROMPTS, "digits/10": "diez"}.items():
            put(folder / "sounds" / "es_MX_f_Allison" / f"{name}.g722", text)
    yield
    recorded_spanish._glossary.cache_clear()


def test_what_is_known_comes_into_the_bank_once_with_its_word_times():
    assert [(voice, n) for voice, n, _ in fill()] == [(ESTEFANIA, 1), (ALLISON, 5)]
    assert [n for _, n, _ in fill()] == [0, 0]
    bank = Bank()
    said = {voice: {e.row["text"] for e in bank.entries if e.voice == voice} for voice in (ESTEFANIA, ALLISON)}
    assert said == {ESTEFANIA: {"una vaca"}, ALLISON: {"uno", "dos", "miércoles", "no", "diez"}}
    (ten,) = (e for e in bank.entries if e.row["text"] == "diez")
    assert ten.row["line"]["slots"]["from"].endswith("digits/10.g722")  # the list has it under the name of zero
    for entry in bank.entries:
        found, truth = bank.speech(entry), speech(entry.row["text"])
        assert [w.text for w in found.words] == entry.row["text"].split()
        assert abs(found.seconds - truth.seconds) < 0.1  # the silence around it is gone
        assert max(abs(a.end_s - b.end_s) for a, b in zip(found.words, truth.words, strict=True)) < 0.12


def test_english_and_when_it_is_decided():
    assert line_of(["vaca"]).slots == {"parts": [["cow", 0, False]], "language": "es"}
    assert line_of(["una", "vaca"]).slots["parts"] == [["a", 0, False], ["cow", 1, True]]
    told = next((n.es, es) for n in NOUNS for es, _ in ADJECTIVES if not n.feminine and not held_out("translate", n.es, es, share=20))
    kept = next((n.es, es) for n in NOUNS for es, _ in ADJECTIVES if not n.feminine and held_out("translate", n.es, es, share=20))
    assert [needs for _, needs, _ in line_of(["un", *told]).slots["parts"]] == [0, 2, 2]
    assert line_of(["un", *kept]) is None  # only tests hear it
    assert [line_of(words.split()) for words in ("", "una", "rojo", "una uno", "vaca uno", "un robot")] == [None] * 6
    assert spelt("Sabado, MANANA robot") == ["sábado", "mañana", "robot"]


def spoken_bank() -> Bank:
    """Both recorded voices, a synthetic user and the own voice."""
    list(fill())
    words = ["okay", "a", "cow", "one", "two", "wednesday", "no", "ten"]
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


def test_they_speak_in_training_now_and_then_and_never_in_tests():
    bank = spoken_bank()
    assert split_of(ALLISON) == split_of(ESTEFANIA) == "train" and not {ALLISON, ESTEFANIA} & {*user_voices("train"), *user_voices("test")}
    voices = [translate.script(np.random.default_rng(n), bank, "train").about["voice"] for n in range(150)]
    share = np.mean([voice in (ALLISON, ESTEFANIA) for voice in voices])
    assert 0.03 < share < 0.2 and {ALLISON, ESTEFANIA} <= set(voices)
    for n in range(20):
        script = translate.script(np.random.default_rng(n), bank, "test", "kokoro/em_santa")
        assert not {s.speech.voice for s in script.sounds} & {ALLISON, ESTEFANIA}
    with pytest.raises(DataError):
        translate.script(np.random.default_rng(0), bank, "test", ALLISON)


def test_what_they_say_is_put_into_english_behind_each_word():
    bank = spoken_bank()
    for n in range(20):
        script = translate.script(np.random.default_rng(n), bank, "train", ALLISON)
        spanish = [s for s in script.sounds if s.speech.line.intent != "rule"]
        assert {s.speech.voice for s in spanish} == {ALLISON}
        owns = iter([own for own in script.own if own.speech.text != "okay"])
        for sound in spanish:
            words = sound.speech.words
            assert sound.speech.text.replace(",", "") == " ".join(w.text for w in words) and len(words) <= 5
            assert all(a.end_s <= b.start_s for a, b in zip(words, words[1:], strict=False))
            if len(words) > 1:
                assert not held_out("translate", words[0].text, words[1].text, share=translate.PAIR_SHARE)
            for part in (translate.Part(*values) for values in sound.speech.line.slots["parts"]):
                own = next(owns)
                assert own.speech.text == part.english and own.start_s > sound.start_s + words[part.needs].end_s
        assert next(owns, None) is None
