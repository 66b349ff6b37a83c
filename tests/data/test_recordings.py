"""People's recordings in the layouts in which they come, and as a voice bank."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from duologue.data import recordings
from duologue.data.bank import RECORDED_SHARE, Bank
from duologue.data.bank_writer import Writer
from duologue.data.families import hear
from duologue.data.recordings import adopted, is_unheard
from duologue.data.script import Line
from duologue.data.word_times import by_letters
from duologue.errors import DataError
from tests.data.synthetic import speech

TEXTS = [f"{a} {b} {c}" for a in ("late", "early", "slow") for b in ("boats", "trains", "riders") for c in ("come", "leave", "rest", "sink")]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DUOLOGUE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(recordings, "timer", lambda: by_letters)
    return tmp_path / "cache"


def put(path: Path, text: str, rate: int = 16_000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, speech(text.lower()).pcm_S[:: 16_000 // rate], rate)


def text_files(folder: Path) -> None:
    for speaker, texts in (("ann", TEXTS[:20]), ("bo", TEXTS[20:])):
        for n, text in enumerate(texts):
            put(folder / speaker / f"{n}.wav", text)
            (folder / speaker / f"{n}.txt").write_text(text.capitalize() + ".\n")


def lj_speech(folder: Path) -> None:
    rows = [f"LJ-{n}|{text} 1|{text}" for n, text in enumerate(TEXTS[:3])]
    folder.mkdir()
    (folder / "metadata.csv").write_text("\n".join(rows))
    for n, text in enumerate(TEXTS[:3]):
        put(folder / "wavs" / f"LJ-{n}.wav", text)


def libri_speech(folder: Path) -> None:
    for n, text in enumerate(TEXTS[:3]):
        put(folder / "84" / "121" / f"84-121-{n}.flac", text)
    (folder / "84" / "121" / "84-121.trans.txt").write_text("".join(f"84-121-{n} {t.upper()}\n" for n, t in enumerate(TEXTS[:3])))


def common_voice(folder: Path) -> None:
    rows = ["client_id\tpath\tsentence"] + [f"{'abc' * 20}\tc{n}.mp3\t{text}." for n, text in enumerate(TEXTS[:3])]
    folder.mkdir()
    (folder / "validated.tsv").write_text("\n".join(rows))
    for n, text in enumerate(TEXTS[:3]):
        put(folder / "clips" / f"c{n}.mp3", text)


def manifest(folder: Path) -> None:
    """Lhotse's own format: one cut of three supervisions, the first with its words aligned."""
    folder.mkdir()
    said = [speech(text) for text in TEXTS[:3]]
    soundfile.write(folder / "long.wav", np.concatenate([one.pcm_S for one in said]), 16_000)
    at, supervisions = 0.0, []
    for n, one in enumerate(said):
        row = {"id": f"s{n}", "recording_id": "r", "start": at, "duration": one.seconds, "channel": 0, "text": one.text, "speaker": "ann"}
        if n == 0:
            row["alignment"] = {"word": [[w.text.upper(), w.start_s, w.end_s - w.start_s, None] for w in one.words]}
        supervisions.append(row)
        at += one.seconds
    source = {"type": "file", "channels": [0], "source": str(folder / "long.wav")}
    recording = {"id": "r", "sources": [source], "sampling_rate": 16_000, "num_samples": round(at * 16_000), "duration": at}
    cut = {"id": "c", "start": 0.0, "duration": at, "channel": 0, "supervisions": supervisions, "recording": recording, "type": "MonoCut"}
    (folder / "cuts.jsonl.gz").write_bytes(gzip.compress(json.dumps(cut).encode()))


@pytest.mark.parametrize(
    ("layout", "speaker"),
    [(lj_speech, "there"), (libri_speech, "84"), (common_voice, "abcabcabcabcabca"), (manifest, "ann")],
)
def test_every_layout_is_read(tmp_path, layout, speaker):
    layout(tmp_path / "there")
    found = recordings.recordings(tmp_path / "there")
    assert [one.text.lower().strip(".") for one in found] == TEXTS[:3] and {one.speaker for one in found} == {speaker}
    for one, text in zip(found, TEXTS, strict=False):
        assert abs(len(one.sound()) / 16_000 - speech(text).seconds) < 0.15  # an mp3 has some silence around it


def test_aligned_words_of_a_manifest_are_used(tmp_path):
    manifest(tmp_path / "there")
    first, second, _ = recordings.recordings(tmp_path / "there")
    assert [word.text for word in first.times] == TEXTS[0].split() and not second.times
    assert first.times[1].start_s == pytest.approx(0.4, abs=1e-3)


def test_recordings_become_a_bank_split_by_sentence(tmp_path):
    text_files(tmp_path / "there")
    taken = adopted(tmp_path / "there")
    bank, rng = Bank(taken.folder), np.random.default_rng(0)
    assert taken.utterances == len(TEXTS) == len(bank.entries)
    assert set(bank.voices("train")) == {"recorded/ann", "recorded/bo"} and set(bank.voices("test")) <= {"unheard/ann", "unheard/bo"}
    kept = {entry.row["text"] for entry in bank.entries if entry.voice.startswith("unheard")}
    assert kept and all(is_unheard(text) == (text in kept) for text in (e.row["text"] for e in bank.entries))
    said = bank.sample(rng, "hear", "open", "recorded/ann")
    assert [word.text for word in said.words] == said.text.lower().rstrip(".").split()
    true = speech(said.text.lower().rstrip("."))
    assert max(abs(a.end_s - b.end_s) for a, b in zip(said.words, true.words, strict=True)) < 0.15


def test_what_was_read_is_not_read_again_and_new_files_are(tmp_path, monkeypatch):
    text_files(tmp_path / "there")
    adopted(tmp_path / "there")
    put(tmp_path / "there" / "ann" / "new.wav", "one more")
    (tmp_path / "there" / "ann" / "new.txt").write_text("one more")
    read = []
    monkeypatch.setattr(recordings, "load", lambda path: read.append(path) or speech("one more").pcm_S)
    assert adopted(tmp_path / "there").utterances == len(TEXTS) + 1
    assert [Path(path).name for path in read] == ["new.wav"]


def test_what_cannot_be_used_is_counted(tmp_path):
    text_files(tmp_path / "there")
    put(tmp_path / "there" / "ann" / "long.wav", " ".join(["long"] * 60))
    (tmp_path / "there" / "ann" / "long.txt").write_text("long")
    (tmp_path / "there" / "ann" / "0.txt").write_text("...")
    taken = adopted(tmp_path / "there")
    assert (taken.utterances, taken.too_long, taken.empty) == (len(TEXTS) - 1, 1, 1)
    assert "1 over 20 s" in str(taken)


def test_mistakes_are_explained(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        recordings.recordings(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"put a \.txt"):
        recordings.recordings(tmp_path)
    (tmp_path / "a.txt").write_text("words")
    (tmp_path / "a.wav").write_bytes(b"nonsense")
    with pytest.raises(DataError, match=r"a\.wav"):
        adopted(tmp_path)


def test_half_of_what_is_heard_is_recorded(tmp_path, cache):
    text_files(tmp_path / "there")
    writer = Writer("flite/slt-s100-p100", cache / "bank")
    for text in TEXTS:
        writer.add(Line("hear", "open", text), speech(text).pcm_S, speech(text).words)
    writer.close()
    bank, rng = Bank(recordings=adopted(tmp_path / "there").folder), np.random.default_rng(1)
    voices = [hear.script(rng, bank, "train").about["voice"] for _ in range(200)]
    assert abs(np.mean([voice.startswith("recorded/") for voice in voices]) - RECORDED_SHARE) < 0.12
    assert not any(voice.startswith("unheard/") for voice in voices)
