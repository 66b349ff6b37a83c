"""Hear: the user says open English sentences that ask nobody anything; the model writes them down and keeps quiet.

In training, some are fragments of other sentences in a row, so that a phrase cannot be guessed from its beginning.
"""

from collections.abc import Iterable

import numpy as np

from duologue.data.bank import recombined
from duologue.data.families.exchange import finish, gap
from duologue.data.script import Check, Script, Sound, Speech

NAME = "hear"
MOST_SENTENCES = 8
LONGEST_S = 24.0
LONG_PAUSES = 0.35  # share of the pauses; the more speech in a minute, the more it teaches
RECOMBINED = 0.6  # share of the training sentences that are fragments in a row


def own_texts() -> Iterable[str]:
    """The model says nothing here."""
    return ()


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """One to eight sentences of one voice with pauses between, some so short that they run into each other."""
    script = Script(NAME, 0.0, about={"voice": voice, "split": split, "intents": ["open"]})
    at_s = float(rng.uniform(0.2, 1.5))
    for _ in range(rng.integers(1, MOST_SENTENCES + 1)):
        speech = _sentence(rng, bank, split, script.about["voice"])
        if at_s + speech.seconds > LONGEST_S:
            break
        script.about["voice"] = speech.voice
        script.sounds.append(Sound(at_s, speech))
        at_s += speech.seconds + (gap(rng) if rng.random() < LONG_PAUSES else rng.uniform(0.05, 0.3))
    script = finish(script, rng, at_s)
    script.checks.append(Check("quiet", 0.0, script.length_s))
    return script


def _sentence(rng: np.random.Generator, bank, split: str, voice: str | None) -> Speech:
    if split == "train" and rng.random() < RECOMBINED:
        return recombined(rng, bank, split, voice)
    return bank.sample(rng, NAME, "open", voice=voice, split=split)
