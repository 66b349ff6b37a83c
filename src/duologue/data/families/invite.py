"""Invite: the user narrates and the model listens; only when the user hands over does it take the turn.

`script` is the function to read first.
"""

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np

from duologue.data.families.exchange import answers, draw, finish, line
from duologue.data.families.timing import Scene, open_scene
from duologue.data.script import Check, Line, Script, Sound, Speech

NAME = "invite"

HAND_OVER = {
    "opinion": (
        "{so|and|well|okay|um|} {what do you think|what's your view|what's your opinion|how do you see it|do you agree|"
        "what do you say|what would you do|what would you say|any thoughts|what are your thoughts|how does that sound|"
        "how do you like it|what do you make of it|do you see what i mean|what's your take|would you agree} {duo|then|}",
        "{so|and|well|} what do you think {about it|about that|of it|of that}",
    ),
    "turn": (
        "{okay|so|alright|now|and now|well|} {your turn|it's your turn|over to you|you go|go on|go ahead|"
        "you say something|say something|you talk now|tell me something|i'm done your turn|that's me done|you go on|"
        "the floor is yours|now you|your go|you take over|you can talk now|let's hear from you|say something back|"
        "your turn to talk|back to you} {duo|please|}",
    ),
    "trail": (
        "{so yeah|so anyway|well anyway|so that's that|and yeah|so you know|so um yeah|and so on|that was my day|"
        "that's my story|that's how it is|so yeah that's it|well that's it|and that's it|that's about it|so that's all|"
        "and that was that|so that's how it went|yeah so that's it|and so it goes|so there you go|well there you have it|"
        "and that's the story|so um that's it|that's all from me|so that's where we are|anyway that's it} "
        "{really|i guess|i suppose|duo|}",
    ),
}
REPLIES = {
    "opinion": (
        "i like it", "i think it sounds good", "it makes sense to me", "i think you are right", "that is a good idea",
        "sounds fine to me", "i would do the same", "i am not sure but i like it", "it sounds right to me",
        "i see it the same way",
    ),
    "turn": (
        "okay my turn", "thanks i liked listening to you", "i am happy to listen", "i think today is a good day",
        "sure i like talking with you", "i like to count and to listen", "okay i am here for you",
        "well i could listen all day", "thanks for telling me all that", "okay ask me anything",
    ),
    "trail": (
        "i see", "i see thanks for telling me", "that is interesting", "tell me more", "oh really", "okay i understand",
        "that sounds like a lot", "that is a nice story", "thanks for telling me", "i am listening",
    ),
}  # fmt: skip


def _hand_over(kind: str, rng: np.random.Generator) -> Line:
    return line(rng, NAME, kind, HAND_OVER[kind], REPLIES[kind], dressed=False)


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless hand-overs, each with the short replies that fit it; narration takes open sentences from "hear"."""
    return draw(rng, split, [(1, partial(_hand_over, kind)) for kind in HAND_OVER])


def own_texts() -> Iterable[str]:
    """The replies that take the turn."""
    for replies in REPLIES.values():
        yield from replies


def _narrates(scene: Scene, now_s: float, seconds: float) -> float:
    """The user tells something in open sentences for at least so long, with short gaps. Returns the end."""
    until_s = now_s + seconds
    while True:
        end_s = now_s + _speak(scene.script, now_s, scene.line("hear"))
        if end_s > until_s:
            return end_s
        now_s = end_s + scene.rng.uniform(0.3, 1.2)


def _speak(script: Script, now_s: float, speech: Speech) -> float:
    script.sounds.append(Sound(now_s, speech))
    return speech.seconds


def _hands_over(scene: Scene, began_s: float, now_s: float) -> float:
    """The user hands over and the model takes the turn; it was quiet since `began_s`. Returns the reply's end."""
    speech = scene.line(NAME)
    end_s = now_s + _speak(scene.script, now_s, speech)
    scene.script.checks.append(Check("quiet", began_s, end_s))
    scene.script.about["items"].append({"class": speech.line.intent, "listened_s": round(now_s - began_s, 2)})
    return answers(scene.script, scene.rng, scene.bank, speech.line, end_s)


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """A narration, then mostly a hand-over, then perhaps more narration; a quarter hand nothing over."""
    scene = open_scene(NAME, rng, bank, split, voice)
    began_s = float(rng.uniform(0.2, 1.0))
    end_s = _narrates(scene, began_s, rng.uniform(4, 11))
    if rng.random() < 0.75:
        now_s = _hands_over(scene, began_s, end_s + rng.uniform(0.1, 0.9))
        if rng.random() > 0.4 or now_s > 16:
            return finish(scene.script, rng, now_s)
        began_s = now_s + rng.uniform(0.4, 1.5)
        end_s = _narrates(scene, began_s, rng.uniform(2, 5))
    quiet_s = end_s + rng.uniform(2.0, 4.0)
    scene.script.checks.append(Check("quiet", began_s, quiet_s))
    scene.script.about["items"].append({"class": "open", "listened_s": round(end_s - began_s, 2)})
    return finish(scene.script, rng, quiet_s)
