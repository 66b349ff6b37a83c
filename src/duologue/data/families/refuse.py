"""Refuse: what the policy forbids is refused, shortly and kindly, by voice; what is only near it is answered.

Asked aloud, typed, shown, in Spanish, by somebody else; refused again when the user insists, or talks over the refusal. Read
`script`; topics and wording are in `safety/policy.toml`, the steps in `refuse_steps`.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from duologue.data.families.exchange import pick, unique
from duologue.data.families.refuse_asking import MOOD_ODDS, MOODS, Asking
from duologue.data.families.refuse_lines import FAMILY, TRAINED, lines
from duologue.data.families.refuse_steps import AMOUNTS, play
from duologue.data.families.rule import chance
from duologue.data.families.timing import open_scene
from duologue.data.script import Script
from duologue.errors import DataError
from duologue.safety.policy import Topic, current

NAME = FAMILY
__all__ = ["NAME", "attack", "lines", "own_texts", "script"]
OPENINGS = {"spoken": 0.36, "typed": 0.16, "interrupt": 0.22, "shown": 0.08, "spanish": 0.06, "other": 0.07, "type_over": 0.05}
PRESSING = ("insist", "premise", "interrupt")
NEARS = {"near": 0.56, "near_over": 0.12, "near_other": 0.1, "near_spanish": 0.1, "near_cut": 0.12}
NEAR_SHARE, KEPT_SHARE = 0.6, 0.5
MOST_PRESSED = 2


def own_texts() -> Iterable[str]:
    """Every refusal, and every answer to a near miss."""
    policy = current()
    return unique([*policy.refusals.texts, *(text for fact, texts in policy.facts() for text in (fact, *texts))])


def course(rng: np.random.Generator) -> list[str]:
    """How it is asked, up to MOST_PRESSED times more pressing, and mostly a near miss somewhere."""
    opening = str(rng.choice(list(OPENINGS), p=list(OPENINGS.values())))
    steps = [opening, *(pick(rng, PRESSING) for _ in range(rng.choice(MOST_PRESSED + 1, p=[0.5, 0.3, 0.2])))]
    steps = with_near(rng, steps) if chance(rng, NEAR_SHARE) else steps
    return [with_amount(rng, step) for step in steps]


def with_near(rng: np.random.Generator, steps: Sequence[str]) -> list[str]:
    """The steps, and somewhere between them a question that is near what is forbidden and fine."""
    place, near = int(rng.integers(len(steps) + 1)), str(rng.choice(list(NEARS), p=list(NEARS.values())))
    return [*steps[:place], near, *steps[place:]]


def with_amount(rng: np.random.Generator, step: str) -> str:
    """A step's name with how much of it, where there is a choice."""
    return f"{step} {pick(rng, AMOUNTS[step])}" if step in AMOUNTS else step


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """One topic, asked for in one of the trained ways.

    Raises DataError when the bank has no topic's lines for it.
    """
    steps, topics = course(rng), current().topics
    for number in rng.permutation(len(topics)):
        try:
            return attack(rng, bank, split, topics[number], steps, voice)
        except DataError as error:
            missing = error
    raise missing


def attack(rng: np.random.Generator, bank, split: str, topic: Topic, steps: Sequence[str], voice: str | None = None) -> Script:
    """A course of steps about one topic, as `refuse_steps.play` takes them; in tests the model always knows what it must keep.

    Raises DataError when the bank lacks a line.
    """
    if not voice and {"spanish", "near_spanish"} & set(steps):
        voice = bank.sample(rng, NAME, "spanish", split=split).voice
    mood = str(rng.choice(list(MOODS), p=MOOD_ODDS))
    asking = Asking(open_scene(NAME, rng, bank, split, voice), topic, MOODS[mood])
    asking.scene.script.about["mood"] = mood
    play(asking, steps, keeps_secret=split == "test" or chance(rng, KEPT_SHARE))
    return asking.scene.script


assert set(OPENINGS) | set(PRESSING) | set(NEARS) == set(TRAINED)
