"""Hear: the user says open English sentences that ask nobody anything; the model writes them down and keeps quiet.

In training, some are fragments of other sentences in a row, so that a phrase cannot be guessed from its beginning; some are
broken by a pause; and now and then somebody else speaks in the background, or the user coughs or laughs, which is not written down.
"""

from collections.abc import Iterable

import numpy as np

from duologue.data.families.exchange import finish, gap, pick
from duologue.data.families.hold import body_noise
from duologue.data.pieces import recombined, tight
from duologue.data.script import Check, Script, Sound, Speech
from duologue.errors import DataError

NAME = "hear"
MOST_SENTENCES = 8
LONGEST_S = 24.0
LONG_PAUSES = 0.35  # share of the pauses; the more speech in a minute, the more it teaches
RECOMBINED = 0.6  # share of the training sentences that are fragments in a row
BROKEN, BREAK_S = 0.15, (0.3, 2.5)  # share of the training sentences with a pause inside, and its length
OTHERS, OTHERS_DB = 0.15, (-20.0, -8.0)  # share of the training scripts with a voice behind, and how loud it is
NOISES = 0.1  # share of the gaps with a cough, a laugh or a breath


def own_texts() -> Iterable[str]:
    """The model says nothing here."""
    return ()


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """One to eight sentences of one voice with pauses between, some so short that they run into each other."""
    script = Script(NAME, 0.0, about={"voice": voice, "split": split, "intents": ["open"]})
    at_s = float(rng.uniform(0.2, 1.5))
    for _ in range(rng.integers(1, MOST_SENTENCES + 1)):
        speech = _sentence(rng, bank, split, script.about["voice"])
        script.about["voice"] = speech.voice
        sounds = _broken(rng, speech, at_s) if split == "train" and rng.random() < BROKEN else [Sound(at_s, speech)]
        if _end(sounds[-1]) > LONGEST_S:
            break
        script.sounds += sounds
        at_s = _end(sounds[-1]) + (gap(rng) if rng.random() < LONG_PAUSES else rng.uniform(0.05, 0.3))
        at_s = _noise(script, rng, at_s) if split == "train" and rng.random() < NOISES else at_s
    if split == "train" and rng.random() < OTHERS:
        _somebody_behind(script, rng, bank)
    script = finish(script, rng, at_s)
    script.checks.append(Check("quiet", 0.0, script.length_s))
    return script


def _end(sound: Sound) -> float:
    return sound.start_s + sound.speech.seconds


def _broken(rng: np.random.Generator, speech: Speech, at_s: float) -> list[Sound]:
    """The sentence in two parts with a pause between."""
    if len(speech.words) < 2:
        return [Sound(at_s, speech)]
    middle = int(rng.integers(1, len(speech.words)))
    parts = [tight(speech.cut(*span)) for span in ((0, middle), (middle, len(speech.words)))]
    return [Sound(at_s, parts[0]), Sound(at_s + parts[0].seconds + rng.uniform(*BREAK_S), parts[1])]


def _noise(script: Script, rng: np.random.Generator, at_s: float) -> float:
    """The user coughs, laughs or breathes; returns when that is over."""
    noise = body_noise(rng, pick(rng, ("cough", "laugh", "breath")))
    script.sounds.append(Sound(at_s, noise))
    return at_s + noise.seconds + rng.uniform(0.05, 0.3)


def _somebody_behind(script: Script, rng: np.random.Generator, bank) -> None:
    """Another voice, softer, across what the user says."""
    try:
        speech = bank.sample(rng, NAME, "open", split=script.about["split"])
    except DataError:
        return
    if speech.voice != script.about["voice"]:
        start_s = float(rng.uniform(0, max(0.1, _end(script.sounds[-1]) - speech.seconds)))
        script.sounds.append(Sound(start_s, speech, "other", float(rng.uniform(*OTHERS_DB)), transcribed=False))


def _sentence(rng: np.random.Generator, bank, split: str, voice: str | None) -> Speech:
    if split == "train" and rng.random() < RECOMBINED:
        return recombined(rng, bank, split, voice)
    return bank.sample(rng, NAME, "open", voice=voice, split=split)
