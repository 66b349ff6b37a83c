"""Read: a note or typed request carries text to be said; the model speaks it when the user is not speaking."""

from collections.abc import Iterable

import numpy as np

from duologue.data.families.exchange import ends, finish, gap, pick, vary
from duologue.data.script import Check, Own, Script, Sound, reply_at
from duologue.errors import DataError

NAME = "read"
ASK = (
    "{say|read|read out|speak|please say|can you say|could you read|read this|say this|please read this}{:| :|} <>",
    "{read|say} {the following|this|this sentence|this out loud|aloud}: <>",
)
MOST_TEXTS = 3


def own_texts() -> Iterable[str]:
    """Open sentences come from the bank: whatever the own voice has said."""
    return ()


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """One to three texts, each as a note of the background side or typed; sometimes while the user is still speaking."""
    script = Script(NAME, 0.0, about={"voice": voice, "split": split, "intents": ["open"]})
    at_s = float(rng.uniform(0.4, 2.0))
    for _ in range(rng.integers(1, MOST_TEXTS + 1)):
        speech = bank.own_sentence(rng, split)
        free_s = _user_speaks(script, rng, bank, at_s) if rng.random() < 0.3 else at_s
        if rng.random() < 0.5:
            script.notes.append((at_s, pick(rng, ("background", "tool")), speech.text))
        else:
            script.typed.append((at_s, vary(rng, pick(rng, ASK)).replace("<>", speech.text)))
        own = Own(reply_at(max(free_s, at_s + 0.2 * _turns_of_text(speech.text))), speech)
        script.own.append(own)
        script.checks.append(Check("answer", free_s - 0.2, ends([own]) + 1.0, (speech.text,), free_s))
        at_s = ends([own]) + gap(rng)
    return finish(script, rng, at_s)


def _turns_of_text(text: str) -> int:
    """Turns until enough of the text has come in to begin: at most two, for the rest arrives faster than it is said."""
    return min(2, len(text.split()) // 5)


def _user_speaks(script: Script, rng: np.random.Generator, bank, at_s: float) -> float:
    """The user says an open sentence across the moment of the note; returns when the floor is free."""
    try:
        speech = bank.sample(rng, "hear", "open", voice=script.about["voice"], split=script.about["split"])
    except DataError:
        return at_s
    script.about["voice"] = speech.voice
    start_s = max(0.0, at_s - rng.uniform(0, speech.seconds))
    if script.sounds or (script.own and start_s < ends(script.own)):
        return at_s
    script.sounds.append(Sound(start_s, speech))
    return max(at_s, start_s + speech.seconds)
