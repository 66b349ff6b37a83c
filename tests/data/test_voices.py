"""The voices: who is on which side, and that sound and word times survive cutting, whatever the engine."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from duologue.data import classic, kokoro, synth, voices
from duologue.data import lines as all_lines
from duologue.data.bank import Bank, spoken_words
from duologue.data.bank_writer import HeldError, Writer
from duologue.data.lines import covering, family_modules
from duologue.data.script import Line, Word
from duologue.data.voices import OWN, RESERVED, Spoken, finished, sound_span, speaks, split_of, user_voices
from duologue.errors import ConfigError, DataError

ENGINES = ("kokoro", "flite", "festival", "espeak")


def speakers(voice: str) -> set[str]:
    engine, name = voice.split("/")
    return {f"{engine}/{part.split('-s')[0]}" for part in name.split("+")} if engine != "espeak" else {voice}


def test_no_speaker_is_on_both_sides_and_none_is_reserved():
    train, test = ({s for voice in user_voices(split) for s in speakers(voice)} for split in ("train", "test"))
    assert not train & test
    assert not (train | test) & (RESERVED | {OWN})
    assert {"kokoro/af_kore", "kokoro/am_puck", "flite/rms", "festival/ked"} <= test


def test_split_of_agrees_with_the_lists():
    assert all(split_of(voice) == split for split in ("train", "test") for voice in user_voices(split))
    assert split_of(OWN) == "own"
    assert {split_of(voice) for voice in (*RESERVED, "kokoro/zf_xiaoyi", "somebody")} == {"none"}


def test_mixes_are_many_and_distinct():
    mixes = voices.kokoro_mixes()
    assert len(set(mixes)) == voices.MIXES
    assert len({name for mix in mixes for name in mix.split("+")}) > 25


@pytest.mark.parametrize("voice", sorted(RESERVED))
def test_a_reserved_voice_cannot_be_loaded_even_in_a_mix(voice):
    with pytest.raises(ValueError, match="reserved"):
        kokoro.style_table(voice + "+af_bella")


def test_finished_trims_levels_and_moves_the_words():
    rate_hz = 24_000
    pcm_S = np.zeros(3 * rate_hz, np.float32)
    pcm_S[rate_hz : 2 * rate_hz] = 0.01 * np.sin(np.arange(rate_hz) * 0.1)
    spoken = finished(pcm_S, rate_hz, [Word("a", 0.9, 1.5), Word("b", 1.5, 2.0)])
    first, end = sound_span(spoken.pcm_S)
    assert first <= 0.03 * 16_000 and len(spoken.pcm_S) - end <= 0.03 * 16_000
    assert abs(len(spoken.pcm_S) / 16_000 - 1.04) < 0.02
    assert abs(spoken.words[0].end_s - 0.52) < 0.02 and spoken.words[0].start_s == 0
    loud = spoken.pcm_S[first + 800 : end - 800]
    assert abs(20 * np.log10(np.sqrt(np.mean(loud**2))) - voices.LEVEL_DBFS) < 0.5


def test_silence_is_refused():
    assert finished(np.zeros(16_000, np.float32), 16_000, [Word("a", 0.0, 0.5)]) is None


def test_words_of_tokens_joins_what_an_engine_split():
    tokens = [("it", 0.1, 0.2), ("'s", 0.2, 0.3), ("oclock", 0.3, 0.8)]
    assert classic.words_of_tokens("It's o'clock.", tokens) == [Word("it's", 0.1, 0.3), Word("o'clock", 0.3, 0.8)]
    assert classic.words_of_tokens("It was.", tokens) is None


def test_espeak_events_that_are_missing_share_the_time_of_their_group():
    words = classic.words_of_events("in the house", [(0, 0.0), (7, 0.5)], 1.0)
    assert [w.text for w in words] == ["in", "the", "house"]
    assert [w.start_s for w in words] == [0.0, pytest.approx(0.2), 0.5] and words[-1].end_s == 1.0


@pytest.mark.parametrize(
    ("text", "alone", "said", "expected"),
    [
        ("out of the house", ["Wt", "ʌv", "ði", "hWs"], "ˌWTəvðə hˈWs.", ["WT", "əv", "ðə", "hˈWs"]),
        ("one, two", ["wʌn", "tu"], "wˌʌn, tˈu.", ["wˌʌn", "tˈu"]),
    ],
)
def test_words_run_together_are_aligned(text, alone, said, expected, monkeypatch):
    table = dict(zip(spoken_words(text), alone, strict=True))
    monkeypatch.setattr(kokoro, "_alone", lambda word, accent: table[word])
    assert [said[a:b].lstrip("ˈˌ") for a, b in kokoro.word_spans(text, said, False)] == [e.lstrip("ˈˌ") for e in expected]


def test_sound_runs_ahead_of_the_durations_and_a_rest_is_kept():
    edge_s = np.array([0.3, 0.4, 0.5, 0.55, 0.7, 0.9, 1.2, 1.3])  # "ab c  d": a space, then a rest of 0.3 s
    words = kokoro._timed(["ab", "c", "d"], [(0, 2), (3, 4), (6, 7)], edge_s)
    assert [w.start_s for w in words] == pytest.approx([0.225, 0.4625, 1.125])
    assert [w.end_s for w in words] == pytest.approx([0.4625, 0.6625, 1.3])


def test_phonemes_end_with_their_sound_and_the_last_with_its_word():
    edge_s = np.array([0.0, 0.1, 0.15, 0.3, 0.35, 0.5])  # "ˈaˈːb": marks of stress and length belong to the sound before them
    word = kokoro._with_phones(Word("ab", 0.0, 0.5), "ˈaˈːb", (0, 5), edge_s)
    assert [phone for phone, _ in word.phones] == ["a", "b"]
    assert [end for _, end in word.phones] == pytest.approx([(0.35 - kokoro.AHEAD_S) / 0.5, 1.0])


def test_batches_hold_every_text_once_short_ones_alone_and_no_call_is_too_long():
    said = ["x" * n for n in (100, 5, 90, 60, 23, 24, 200)]
    batches = kokoro._batches(range(len(said)), said)
    assert sorted(i for batch in batches for i in batch) == list(range(len(said)))
    assert all(sum(len(said[i]) + 1 for i in batch) <= kokoro.MAX_TOKENS for batch in batches)
    assert [1] in batches and [4] in batches


def _check_speech(results: list[Spoken | None], texts: list[str]) -> None:
    for text, spoken in zip(texts, results, strict=True):
        assert [w.text for w in spoken.words] == spoken_words(text)
        times = [t for w in spoken.words for t in (w.start_s, w.end_s)]
        assert times == sorted(times) and times[-1] <= len(spoken.pcm_S) / 16_000 + 1e-6
        first, end = sound_span(spoken.pcm_S)
        assert first <= 480 and len(spoken.pcm_S) - end <= 480
        assert abs(spoken.words[-1].end_s - end / 16_000) < 0.1


@pytest.mark.parametrize(("program", "voice"), [("flite", "flite/rms-s100-p100"), ("espeak-ng", "espeak/en-us+f3")])
def test_classic_engines_time_their_words(program, voice):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    texts = ["what is eight plus five", "it's in the house of the boy"]
    _check_speech(synth.speaker_of(voice.split("/")[0])(texts, voice, 1.0), texts)


def test_a_slower_variant_takes_longer():
    if not shutil.which("flite"):
        pytest.skip("flite is not installed")
    plain, slow = (classic.speak_flite(["seven minus three"], f"flite/slt-{v}")[0] for v in ("s100-p100", "s120-p92"))
    assert 1.1 < len(slow.pcm_S) / len(plain.pcm_S) < 1.3


def _beeps(texts, voice, speed, language="en"):
    beep = 0.1 * np.sin(np.arange(2000, dtype=np.float32))
    return [Spoken(beep, tuple(Word(w, 0.0, 0.1) for w in spoken_words(text))) for text in texts]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A bank filled by two runs of `synth` whose engine says beeps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUOLOGUE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(synth, "speaker_of", lambda engine: _beeps)
        patch.setattr(all_lines, "open_line", lambda rng, split: Line("hear", "open", f"{split} sentence {'abcdefgh'[rng.integers(8)]}"))
        patch.setattr(all_lines, "family_modules", lambda: [_Family])
        patch.setattr(synth, "user_voices", lambda split, engine: user_voices(split, engine)[:4])
        for _ in range(2):
            synth.synth(synth.What(), 5, 120)
        return Bank()


def test_a_voice_that_another_process_is_writing_is_left_to_it(tmp_path, monkeypatch):
    monkeypatch.setenv("DUOLOGUE_CACHE", str(tmp_path))
    lines = (Line("hear", "open", f"sentence {'abcdefgh'[k % 8]} {'abcdefgh'[k // 8 % 8]}") for k in range(1000))
    mine, theirs = (synth.Shelf(voice, lines, set()) for voice in user_voices("train", "flite")[:2])
    other = Writer(theirs.voice)
    rng = np.random.default_rng(0)
    pool = ThreadPoolExecutor(1)
    (said, _), _ = synth.calls(iter([theirs, mine, theirs, mine]), _beeps, rng, pool)
    assert said and {entry.voice for entry in Bank().entries} == {mine.voice}
    with pytest.raises(HeldError, match=theirs.voice):
        list(synth.calls(iter([theirs] * (synth.HELD_TRIES + 1)), _beeps, rng, pool))
    other.close()


def test_one_side_can_be_asked_for_with_one_family(tmp_path, monkeypatch):
    monkeypatch.setattr(synth, "speaker_of", lambda engine: _beeps)
    monkeypatch.setattr(all_lines, "open_line", lambda rng, split: Line("hear", "open", f"{split} sentence {'abcdefgh'[rng.integers(8)]}"))
    for split in ("test", "train"):
        monkeypatch.setenv("DUOLOGUE_CACHE", str(tmp_path / split))
        synth.synth(synth.What(names=["refuse"], split=split), 5, 60)
        entries = Bank().entries
        assert {split_of(entry.voice) for entry in entries} == {split} and {entry.row["line"]["family"] for entry in entries} == {"refuse", "hear"}
    monkeypatch.setattr(synth, "user_voices", lambda side, engine: [])
    with pytest.raises(ConfigError, match="espeak has no test voices"):
        synth.synth(synth.What("espeak", split="test"), 5, 1)


def test_several_processes_speak_for_one_writer(tmp_path, monkeypatch):
    monkeypatch.setenv("DUOLOGUE_CACHE", str(tmp_path))
    monkeypatch.setattr(synth, "speaker_of", lambda engine: _beeps)
    synth.synth(synth.What(share=1.0, names=["refuse"]), 5, 60, workers=2)
    said = [(entry.voice, entry.row["text"]) for entry in Bank().entries]
    assert len(said) == len(set(said)) >= 60 and {voice for voice, _ in said} == {OWN}


def test_the_own_voice_covers_new_words_soon():
    vocabulary = "apple bridge candle doctor engine flower garden hammer island jacket kitchen ladder mirror needle orange pepper".split()

    def texts():
        rng = np.random.default_rng(0)
        return (Line("hear", "open", " ".join(rng.choice(vocabulary, 3))) for _ in range(1000))

    def needed(lines, known=()):
        """How many lines say every word."""
        left = set(vocabulary) - set(known)
        return next(n for n, line in enumerate(lines, 1) if not (left := left - set(line.text.split())))

    in_turn, covered = needed(texts()), needed(covering(texts(), ()))
    assert covered <= 7 < in_turn
    assert needed(covering(texts(), [" ".join(vocabulary[:10])]), vocabulary[:10]) <= 3
    assert sorted(line.text for line in covering(texts(), ())) == sorted(line.text for line in texts())


def test_a_word_that_nobody_uses_is_not_chased():
    lines = [Line("hear", "open", text) for text in ("qwrtzp xkcdvb", "the bridge")]
    assert next(covering(iter(lines), ())).text == "the bridge"


class _Family:
    NAME = "numbers"

    @staticmethod
    def lines(rng, split):
        while True:
            n = int(rng.integers(1000))
            yield Line("numbers", "sum", f"{split} " + "abcdefghij"[n // 100] * 3 + " " + "abcdefghij"[n % 10] * 2, ("four",))

    @staticmethod
    def own_texts():
        return ["that's four", "four"]


def test_synth_says_nothing_twice_and_keeps_the_splits(filled):
    said = [(e.voice, e.row["text"]) for e in filled.entries]
    assert len(said) == len(set(said)) >= 240
    assert all(text.startswith(split_of(voice)) for voice, text in said if voice != OWN)
    assert {split_of(voice) for voice, _ in said} == {"own", "train", "test"}


def test_synth_gives_the_own_voice_its_replies_and_word_lists_first(filled):
    own = [e for e in filled.entries if e.voice == OWN]
    assert {e.row["text"] for e in own[:2]} == {"that's four", "four"}
    assert own[2].row["line"]["intent"] == "list"


def test_spanish_is_spoken_by_those_who_can_on_both_sides_of_the_split():
    who = {split: [v for v in user_voices(split) if speaks(v, "es")] for split in ("train", "test")}
    assert {"kokoro/ef_dora", "kokoro/em_alex", "espeak/en-us+f3"} <= set(who["train"])
    assert {"kokoro/af_kore", *voices.SPANISH_TEST} <= set(who["test"])
    variants = {split: {v.partition("+")[2] for v in user_voices(split, "espeak")} for split in ("train", "test")}
    assert not variants["train"] & variants["test"] and not any("em_santa" in v for v in user_voices("train"))
    assert not any(voice.startswith(("flite", "festival")) or voice == "kokoro/af_bella" for split in who.values() for voice in split)
    assert all(speaks(voice, "en") != (voice in voices.SPANISH_TEST) for split in ("train", "test") for voice in user_voices(split))


def test_a_bank_has_nothing_but_spanish_of_the_native_test_voices(tmp_path, monkeypatch):
    monkeypatch.setenv("DUOLOGUE_CACHE", str(tmp_path))
    lines = Line("numbers", "sum", "one plus two"), Line("translate", "words", "gato", slots={"language": "es"})
    writer = Writer("kokoro/em_santa")
    for line in lines:
        writer.add(line, *_beeps([line.text], "", 1.0)[0])
    writer.close()
    assert Bank().sample(np.random.default_rng(0), None, split="test").text == "gato"
    with pytest.raises(DataError):
        Bank().sample(np.random.default_rng(0), "numbers", split="test")


def test_a_shelf_asks_each_line_in_its_language_and_none_of_who_cannot(tmp_path, monkeypatch):
    monkeypatch.setenv("DUOLOGUE_CACHE", str(tmp_path))
    spanish = Line("translate", "words", "árbol, mañana", slots={"language": "es"})
    english = Line("numbers", "sum", "one plus two")
    asked = []

    def speak(texts, voice, speed, language="en"):
        asked.append((voice, language, list(texts)))
        return _beeps(texts, voice, speed)

    with ThreadPoolExecutor(1) as pool:
        for voice in ("kokoro/ef_dora", "kokoro/af_bella"):
            shelf = synth.Shelf(voice, iter([spanish, english]), set())
            shelf.keep(shelf.ask(pool, speak, np.random.default_rng(0)))
    assert asked == [
        ("kokoro/ef_dora", "en", ["one plus two"]),
        ("kokoro/ef_dora", "es", ["árbol, mañana"]),
        ("kokoro/af_bella", "en", ["one plus two"]),
    ]
    assert [[w for w, *_ in e.row["words"]] for e in Bank().entries if e.row["line"]["family"] == "translate"] == [["árbol", "mañana"]]


def test_espeak_says_spanish_with_the_same_variant():
    if not shutil.which("espeak-ng"):
        pytest.skip("espeak-ng is not installed")
    texts = ["el perro negro come una manzana roja", "árbol, mañana, niña pequeña"]
    here, english = (classic.speak_espeak(texts, "espeak/en-us+f3", 1.0, language) for language in ("es", "en"))
    _check_speech(here, texts)
    assert all(len(a.pcm_S) != len(b.pcm_S) for a, b in zip(here, english))


def test_a_family_has_one_module():
    names = [module.NAME for module in family_modules()]
    assert len(names) == len(set(names))  # else a helper's name hides the family's lines


@pytest.mark.parametrize("peak", [0.0, 1e-4, 4e-4, 7e-4])
def test_what_is_hardly_there_has_no_span(peak):
    assert sound_span(np.full(4000, peak, np.float32) * np.tile([1, -1], 2000)) in {(0, 0), (0, 4000)}


def test_espeak_and_the_phonemes_of_kokoro_do_without_each_other():
    """Each brings a library of the same name, with data of its own."""
    pytest.importorskip("misaki")
    if not shutil.which("espeak-ng"):
        pytest.skip("espeak-ng is not installed")
    code = "; ".join(
        (
            "from duologue.data.kokoro import phonemes",
            "from duologue.data.classic import speak_espeak",
            "first = phonemes('hello there', 'gb')",
            "assert speak_espeak(['hola amigo'], 'espeak/es+f2', 1.0, 'es')[0]",
            "print(first, phonemes('hello there', 'us'))",
        )
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert said.returncode == 0 and said.stdout.split() == ["həlˈQ", "ðˈAə.", "həlˈO", "ðˈɛɹ."], said.stderr[-300:]
