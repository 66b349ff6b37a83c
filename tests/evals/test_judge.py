"""The referee's ear, as it is used: Whisper, its results kept."""

from pathlib import Path

import pytest

from duologue.evals import judge
from duologue.media import audio
from duologue.media.whisper import installed

RECORDING = Path(__file__).parents[2] / "examples" / "question.wav"


@pytest.mark.skipif(not installed(), reason="needs the extra `ears`")
def test_what_was_understood_once_is_kept(tmp_path, monkeypatch):
    sound_S = audio.load(RECORDING)
    words = judge.whisper_ear(tmp_path).write(sound_S)
    assert "opposite of hot" in words.lower()
    monkeypatch.setattr(judge, "transcribed", lambda *_: pytest.fail("it has been understood before"))
    assert judge.whisper_ear(tmp_path).write(sound_S) == words
