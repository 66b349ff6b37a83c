"""Copy synthesis: the copy lies on the original's clock, what the ear mishears is counted, mistakes are one line."""

import json

import numpy as np
import pytest
import soundfile

from duologue import cli
from duologue.data.bank import Bank, own_split
from duologue.data.bank_writer import Writer
from duologue.data.script import Line
from duologue.data.voices import OWN
from duologue.engine.engine import WEIGHTS
from duologue.errors import DataError
from duologue.evals import copying
from duologue.evals.copying import Said, compare, copied, listening, misheard, recorded, sentences
from duologue.evals.judge import Ear
from duologue.media.dmel import HOP
from duologue.model.vocoder import load_vocoder
from duologue.turn import SAMPLE_RATE_HZ, SAMPLES_PER_TURN
from tests.data.fake_bank import speech_of

TEXT = "the red boat"
MILLISECOND = SAMPLE_RATE_HZ // 1000


@pytest.fixture(scope="module")
def vocoder():
    return load_vocoder(WEIGHTS / "vocoder.safetensors")


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch):
    monkeypatch.setattr(copying, "quality", lambda pcm_S: float(np.abs(pcm_S).max()))
    monkeypatch.setattr(copying, "likeness", lambda pcm_S, reference_S: float(len(pcm_S)))


def syllables(seconds: float) -> np.ndarray:
    """A buzz of 200 Hz in bursts of 90 ms at uneven distances, up to the very end."""
    n = np.arange(int(seconds * SAMPLE_RATE_HZ))
    buzz_S = sum(np.cos(2 * np.pi * 200 * h / SAMPLE_RATE_HZ * n) / h for h in range(1, 20))
    gate_S = np.zeros(len(n))
    for at in np.cumsum([0.05, *([0.15, 0.21, 0.28, 0.17] * 20)]) * SAMPLE_RATE_HZ:
        gate_S[int(at) : int(at) + 90 * MILLISECOND] = 1
    gate_S[-60 * MILLISECOND :] = 1
    return (0.1 * gate_S * buzz_S).astype(np.float32)


def loudness(pcm_S: np.ndarray) -> np.ndarray:
    """The envelope over 5 ms, a value a millisecond, without its mean."""
    smooth_S = np.convolve(np.abs(pcm_S), np.ones(5 * MILLISECOND), "same")[::MILLISECOND]
    return smooth_S - smooth_S.mean()


def ear(words: dict[bytes, str]) -> Ear:
    """Hears these words in these very sounds, and "the blue boat" in all others."""
    return Ear(lambda pcm_S: words.get(pcm_S.tobytes(), "the blue boat"), lambda *_: "")


def fill(folder, voice: str, texts, intent: str = "open") -> None:
    writer = Writer(voice, folder)
    for text in texts:
        speech = speech_of(text, voice)
        writer.add(Line("hear", intent, text), speech.pcm_S, speech.words)
    writer.close()


def some(split: str, count: int) -> list[str]:
    texts = (f"the fox saw goose {word}" for word in map(chr_word, range(10_000)))
    return [text for text, _ in zip((t for t in texts if own_split(t) == split), range(count))]


def chr_word(n: int) -> str:
    """A word for each number: digits are no words to the bank."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(n))


def test_a_copy_lies_on_the_clock_of_its_original(vocoder):
    original_S = syllables(3.0)
    copy_S = copied(vocoder, original_S)
    mine, theirs = loudness(copy_S), loudness(original_S)
    late_ms = np.correlate(mine, theirs, "full").argmax() - (len(theirs) - 1)
    assert abs(late_ms) <= 5  # the vocoder's delay is 20 ms
    assert np.corrcoef(mine, theirs)[0, 1] > 0.6


@pytest.mark.parametrize("samples", [5 * SAMPLES_PER_TURN, 5 * SAMPLES_PER_TURN - 7, 4 * SAMPLES_PER_TURN + 1, 100])
def test_a_copy_is_as_long_and_keeps_its_end(vocoder, samples):
    original_S = syllables(samples / SAMPLE_RATE_HZ + 0.01)[-samples:]
    copy_S = copied(vocoder, original_S)
    assert copy_S.shape == original_S.shape and copy_S.dtype == np.float32
    assert np.abs(copy_S[-HOP:]).max() > 0.02


def test_what_is_misheard_is_counted(vocoder):
    said = [Said(syllables(0.5), TEXT), Said(syllables(0.7), TEXT), Said(syllables(0.4), "")]
    words = {one.pcm_S.tobytes(): TEXT for one in said}
    found = compare(said, vocoder, listening(ear(words), None))
    assert found["original"]["words_wrong"]["value"] == 0
    assert found["copy"]["words_wrong"]["value"] == pytest.approx(100 / 3, abs=0.01)
    assert found["copy"]["words_wrong"]["cases"] == 2  # nobody knows the words of the third
    assert found["copy"]["similarity"]["value"] == pytest.approx(np.mean([len(one.pcm_S) for one in said]))
    assert found["copy"]["dnsmos_p808"]["cases"] == 3
    assert found["copy"]["dnsmos_p808"]["value"] != found["original"]["dnsmos_p808"]["value"]


def test_figures_are_no_mistakes():
    said = Said(syllables(0.1), "ring five five five three oh", "Ring 555-30")
    assert [misheard(heard, said) for heard in ("ring 555-30.", "Ring five five five, three oh", "sing 555-30")] == [
        0,
        0,
        1,
    ]
    assert misheard("555-30", Said(said.pcm_S, said.text)) > 3


def test_what_cannot_be_judged_is_left_out(vocoder, monkeypatch):
    monkeypatch.setattr(copying, "likeness", lambda *_: None)
    found = compare([Said(syllables(0.3), "")], vocoder, listening(ear({}), None))
    assert found["copy"]["similarity"]["value"] is found["copy"]["words_wrong"]["value"] is None


def test_only_test_sentences_of_the_own_voice_are_drawn_each_once(tmp_path):
    held = some("test", 6)
    fill(tmp_path, OWN, [*some("train", 6), *held])
    fill(tmp_path, "flite/slt-s115-p120", held)
    drawn = [one.text for one in sentences(Bank(tmp_path), 22, 0)]
    assert sorted(drawn) == sorted(held)
    few = [one.text for one in sentences(Bank(tmp_path), 3, 0)]
    assert few == drawn[:3] and few == [one.text for one in sentences(Bank(tmp_path), 3, 0)]
    assert [one.text for one in sentences(Bank(tmp_path), 22, 1)] != drawn


def test_a_bank_without_test_sentences_is_a_clear_error(tmp_path):
    fill(tmp_path, OWN, some("test", 2), intent="reply")
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DataError, match="the own voice has said no open test sentence yet: synthesise more"):
            sentences(Bank(folder), 22, 0)


def test_recordings_have_their_words_beside_them(tmp_path):
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", syllables(0.3), SAMPLE_RATE_HZ)
    (tmp_path / "a.txt").write_text(TEXT)
    assert [one.text for one in recorded([tmp_path / "a.wav", tmp_path / "b.wav"])] == [TEXT, ""]
    soundfile.write(tmp_path / "c.wav", np.zeros(0), SAMPLE_RATE_HZ)
    for name in ("c.wav", "missing.wav", "a.txt"):
        with pytest.raises(DataError, match=name):
            recorded([tmp_path / name])


def run(monkeypatch, capsys, *words) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["duologue", "eval", "copy", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    printed = capsys.readouterr()
    return stop.value.code or 0, printed.out, printed.err


def test_the_command_prints_figures_and_writes_pairs(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DUOLOGUE_CACHE", str(tmp_path))
    monkeypatch.setattr(copying.judge, "whisper_ear", lambda: ear({}))
    monkeypatch.setattr(copying.items, "load", list)
    fill(tmp_path / "bank", OWN, some("test", 3))
    code, out, err = run(monkeypatch, capsys, "--cases", 2, "--json", "--out", tmp_path / "pairs")
    assert code == 0, err
    found = json.loads(out)
    assert found["about"]["sentences"] == found["copy"]["dnsmos_p808"]["cases"] == 2
    pairs = ["00-copy.wav", "00-original.wav", "01-copy.wav", "01-original.wav"]
    assert sorted(path.name for path in (tmp_path / "pairs").iterdir()) == pairs
    lengths = [soundfile.info(tmp_path / "pairs" / name).frames for name in pairs]
    assert lengths[0] == lengths[1] and lengths[2] == lengths[3]
    code, out, _ = run(monkeypatch, capsys, tmp_path / "pairs" / "00-original.wav")
    assert code == 0 and "1 sentences" in out and "original" in out and "copy" in out


def test_the_command_s_mistakes_are_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DUOLOGUE_CACHE", str(tmp_path))
    soundfile.write(tmp_path / "a.wav", syllables(0.3), SAMPLE_RATE_HZ)
    mistakes = [((), "no open test sentence"), ((tmp_path / "b.wav",), "b.wav")]
    mistakes += [((tmp_path / "a.wav", "--checkpoint", tmp_path / "a.wav"), "no vocoder")]
    for words, message in mistakes:
        code, _, err = run(monkeypatch, capsys, *words)
        assert code == 2 and message in err and err.strip().count("\n") == 0
