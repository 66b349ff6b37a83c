"""Real clients hold a spoken exchange with the server: with a stand-in for the model, then with nano. `make test-clients`.

Pipecat and LiveKit live in an environment of their own ($CLIENTS_PYTHON), see requirements.txt.
"""

import contextlib
import json
import os
import subprocess
import sys
import wave
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.server.stand_in import Engine, running

pytestmark = pytest.mark.slow
HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
RECORDING = ROOT / "examples" / "question.wav"
FOREIGN = os.environ.get("CLIENTS_PYTHON")
PROGRAMS = {
    "openai_live.py": ("http", sys.executable),
    "openai_realtime.py": ("http", sys.executable),
    "livekit_live.py": ("http", FOREIGN),
    "pipecat_live.py": ("ws", FOREIGN),
}


def exchange(program: str, port: int, recording: Path, tail_s: float) -> dict:
    """What came back, from the last line that the program prints."""
    scheme, python = PROGRAMS[program]
    if python is None:
        pytest.skip("CLIENTS_PYTHON is not set: run `make test-clients`")
    path = "/v1" if scheme == "http" else "/v1/live/sessions"
    command = [python, HERE / program, f"{scheme}://127.0.0.1:{port}{path}", "k" * 20, recording, str(tail_s)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def beginning(tmp_path_factory) -> Path:
    """The first seconds of the shipped recording."""
    path = tmp_path_factory.mktemp("recording") / "beginning.wav"
    with wave.open(str(RECORDING)) as whole, wave.open(str(path), "wb") as cut:
        cut.setparams(whole.getparams())
        cut.writeframes(whole.readframes(5 * whole.getframerate()))
    return path


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_exchange_with_the_stand_in(program, beginning):
    with running(speed=1.0, engine=Engine(answers=True)) as server:
        came = exchange(program, server.port, beginning, 4)
    assert "sound" in came["heard"] and "tone" in came["said"]
    assert came["loud_s"] > 0.3


@contextlib.contextmanager
def nano():
    """The shipped model on its schedule, in the stand-in's place."""
    from duologue.engine.engine import Engine as Model
    from duologue.engine.engine import load
    from duologue.engine.schedule import Schedule
    from duologue.live import Conversation

    schedule = Schedule(Model(load(), 2))
    yield SimpleNamespace(open=partial(Conversation.on, schedule))
    schedule.stop()


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_spoken_exchange_with_nano(program):
    with nano() as engine, running(speed=1.0, engine=engine) as server:
        came = exchange(program, server.port, RECORDING, 4)
    assert came["heard"].split() and came["said"].split()
    assert came["loud_s"] > 0.1
