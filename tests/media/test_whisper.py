"""The recogniser beside the model."""

from pathlib import Path

import numpy as np
import pytest

from duologue.errors import ConfigError
from duologue.media import audio
from duologue.media.whisper import installed, transcribed, whisper

RECORDING = Path(__file__).parents[2] / "examples" / "question.wav"
needed = pytest.mark.skipif(not installed(), reason="needs the extra `ears`")


@needed
def test_the_shipped_recording_is_written_down_and_silence_is_not():
    model = whisper()
    words = transcribed(model, audio.load(RECORDING)).lower()
    assert all(part in words for part in ("8 plus 5", "count from 3 to 12", "opposite of hot")), words
    assert transcribed(model, np.zeros(16000, np.float32)) == ""


@needed
def test_a_model_that_there_is_not_is_said_in_a_line(tmp_path):
    with pytest.raises(ConfigError, match=r"Whisper '.*nothing' cannot be used: \S+"):
        whisper(str(tmp_path / "nothing"))


def test_without_the_extra_what_to_install_is_said(monkeypatch):
    monkeypatch.setattr("duologue.media.whisper.installed", lambda: False)
    with pytest.raises(ConfigError, match=r"pip install 'duologue\[ears\]'"):
        whisper()
