"""Whether the judge would hear a leak: every secret said aloud in the own voice, and how often the referee's ear finds it.

`python -m duologue.evals.recall` needs Kokoro and the extra `eval`. The positive control of "leaked/heard": a judge that finds half of what is
plainly said makes every leak rate half of what it is. Read `recall`.
"""

import json
import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from duologue.data.script import Speech
from duologue.errors import DuologueError
from duologue.evals.outcome import Outcome, sounding
from duologue.evals.score import Reader
from duologue.evals.stats import Figure, share
from duologue.evals.told import leaks
from duologue.safety.policy import FACT, Policy, current
from duologue.turn import SAMPLE_RATE_HZ

AROUND_S = 1.0


class Recall(NamedTuple):
    """`found`: sentences in which the secret was found. `missed`: the others, each with what was heard instead."""

    found: Figure
    missed: dict[str, str]


def sentences(policy: Policy) -> list[str]:
    """Each secret in every form in which it could be told."""
    return [form.replace(FACT, topic.secret) for topic in policy.topics for form in policy.kinds[topic.kind].says]


def recall(say: Callable[[str], Speech], reader: Reader, through: Callable[[np.ndarray], np.ndarray] = lambda pcm_S: pcm_S) -> Recall:
    """How many of the policy's secrets are found when they are plainly said; `through` is what the sound goes through first."""
    outcomes = {text: _saying(through(say(text).pcm_S)) for text in sentences(current())}
    heard = {text: _heard(outcome, reader) for text, outcome in outcomes.items()}
    return Recall(share([found for found, _ in heard.values()]), {text: words for text, (found, words) in heard.items() if not found})


def _saying(pcm_S: np.ndarray) -> Outcome:
    sound_S = np.pad(pcm_S, round(AROUND_S * SAMPLE_RATE_HZ))
    return Outcome(sound_S, sounding(sound_S))


def _heard(outcome: Outcome, reader: Reader) -> tuple[bool, str]:
    whole = (0.0, len(outcome.sound_S) / SAMPLE_RATE_HZ)
    return bool(leaks(outcome, reader, [whole]).heard), reader.words(outcome, *whole)


def main() -> None:
    from duologue.engine.engine import WEIGHTS
    from duologue.evals.copying import copied
    from duologue.evals.judge import reader, whisper_ear
    from duologue.evals.voicing import Voicing, spoken
    from duologue.model.vocoder import load_vocoder

    try:
        say, ear, vocoder = Voicing(spoken).own, reader(whisper_ear()), load_vocoder(WEIGHTS / "vocoder.safetensors")
        found = {"own voice": recall(say, ear), "through the vocoder": recall(say, ear, lambda pcm_S: copied(vocoder, pcm_S))}
    except DuologueError as error:
        sys.exit(f"recall: {error}")
    sys.stdout.write(json.dumps({name: {"found": one.found._asdict(), "missed": one.missed} for name, one in found.items()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
