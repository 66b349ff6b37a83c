"""Measures what a cascade's work costs here, one thread: `python -m duologue.evals.cascade_costs`, on an idle machine.

What it prints goes into `cascade_parts.Costs`. A cost is a fixed part and one for each second of sound, the straight line
with the least squared error through CLIPS clips. Read `line`.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from duologue.data.script import Sound
from duologue.errors import DuologueError
from duologue.evals import items
from duologue.evals.cascade_parts import Costs
from duologue.turn import SAMPLE_RATE_HZ

CLIPS = 40
TEXTS = (
    "it's seven", "it's a planet", "okay", "yes it is", "no it isn't", "it says woof", "i'm doing great", "you're welcome",
    "i can talk count and answer small questions", "about thirteen seconds", "i like talking with you", "tell me more",
)  # fmt: skip


def line(work: Callable, things: Iterable, seconds_of: Callable) -> tuple[float, float]:
    """Seconds that `work` takes: (fixed, for each second of sound); the first thing warms up and is not counted.

    Args:
        seconds_of: of a thing and its result, how long the sound is.
    """
    points = []
    for thing in things:
        began = time.perf_counter()
        result = work(thing)
        points.append((seconds_of(thing, result), time.perf_counter() - began))
    per_second, fixed_s = np.polyfit(*np.array(points[1:]).T, 1)
    return float(fixed_s), float(per_second)


def measure(clips: int = CLIPS) -> Costs:
    """Whisper on users' lines of the frozen items, Kokoro on the own voice's answers. Raises ConfigError without them."""
    from duologue.data.kokoro import speak
    from duologue.data.voices import OWN
    from duologue.evals.judge import whisper_ear

    with tempfile.TemporaryDirectory() as folder:
        write = whisper_ear(Path(folder)).write
        recognise_fixed_s, recognise = line(write, _user_lines(clips + 1), lambda pcm_S, _: len(pcm_S) / SAMPLE_RATE_HZ)
    texts = (TEXTS * clips)[: clips + 1]
    synthesise_fixed_s, synthesise = line(lambda text: speak([text], OWN)[0], texts, lambda _, said: len(said.pcm_S) / SAMPLE_RATE_HZ)
    return Costs(*(round(s, 3) for s in (recognise, synthesise, recognise_fixed_s, synthesise_fixed_s)))


def _user_lines(clips: int) -> list[np.ndarray]:
    """Different ones, spread over all the frozen items."""
    sounds: list[Sound] = [sound for script, _ in items.load() for sound in script.sounds if sound.speech.words]
    return [sounds[i].speech.pcm_S for i in np.linspace(0, len(sounds) - 1, clips).astype(int)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=CLIPS)
    try:
        print(measure(parser.parse_args().clips))  # noqa: T201
    except DuologueError as error:
        sys.exit(f"cascade_costs: {error}")


if __name__ == "__main__":
    main()
