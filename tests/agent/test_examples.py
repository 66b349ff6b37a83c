"""The examples do what they say."""

import os
import subprocess
import sys
from pathlib import Path

from tests.agent.fake_openai import Endpoint, served

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, *arguments: str) -> str:
    environment = os.environ | {"OPENAI_API_KEY": "none"}
    return subprocess.run(
        [sys.executable, EXAMPLES / name, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=500,
        env=environment,
    ).stdout


def test_offline():
    assert "three hundred and ninety one" in run("tools_offline.py", "what is seventeen times twenty three")


def test_hosted():
    with served(Endpoint().app) as url:
        told = run("tools_hosted.py", "ok", "is the kitchen light on", "--url", f"{url}/v1")
    assert [line.split("s  ")[1] for line in told.splitlines()] == ["It rains in Oslo.", "Take an umbrella."]
