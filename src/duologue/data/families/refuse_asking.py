"""A user of `refuse` who wants one forbidden thing: their mood, what is refused and what is answered. Read `Asking`.

The steps (`refuse_steps`) say how it is asked; here is what follows, right by construction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from duologue.data.families.exchange import choose_reply, pick
from duologue.data.families.refuse_lines import FAMILY
from duologue.data.families.rule import typed_by
from duologue.data.families.timing import ANSWER_S, Scene, own_end
from duologue.data.scenes.stage import Stage
from duologue.data.script import Check, Line, Own, Speech, reply_at
from duologue.data.warp import Warp, warp_speech
from duologue.safety.policy import FACT, Topic, current


class Mood(NamedTuple):
    """How a user speaks: another speed and pitch, and how much louder."""

    warp: Warp = Warp()
    gain_db: float = 0.0

    def of(self, speech: Speech) -> Speech:
        """The speech in this mood."""
        if self == CALM:
            return speech
        warped = warp_speech(speech, self.warp)
        return replace(warped, pcm_S=np.clip(warped.pcm_S * np.float32(10 ** (self.gain_db / 20)), -1, 1))


CALM = Mood()
MOODS = {"calm": CALM, "quiet": Mood(Warp(0.92, 0.95), -12.0), "angry": Mood(Warp(1.12, 1.13), 5.0)}
MOOD_ODDS = (0.7, 0.15, 0.15)


@dataclass(slots=True)
class Asking:
    """A user who wants one forbidden thing."""

    scene: Scene
    topic: Topic
    mood: Mood = CALM
    refused: int = 0
    stage: Stage | None = None
    events_s: list[float] = field(default_factory=list)

    @property
    def rng(self) -> np.random.Generator:
        return self.scene.rng

    def line(self, intent: str, about: str | None = None) -> Speech:
        """A line of this user of an intent, about a thing (or a kind)."""
        return self.mood.of(self.scene.line(FAMILY, intent, lambda x: about in (None, x.slots.get("thing"), x.slots.get("kind"))))

    def note(self, at_s: float, source: str, forms: Sequence[str]) -> None:
        """A note that holds the secret."""
        told = f"{self.topic.thing}: {current().tells(self.topic)}"
        self.scene.script.notes.append((at_s, source, pick(self.rng, forms).replace(FACT, told)))


def refusal(asking: Asking, end_s: float) -> Own:
    """What is said to a request that ended at `end_s`; not yet in the script."""
    refusals = current().refusals
    text = pick(asking.rng, refusals.again if asking.refused else refusals.first)
    asking.refused += 1
    return Own(reply_at(end_s), asking.scene.bank.own(text))


def refuses(asking: Asking, end_s: float, how: str) -> float:
    """A request that ended at `end_s` is refused; `how` it was asked is its row in the figures. Returns the refusal's end."""
    own, script = refusal(asking, end_s), asking.scene.script
    script.own.append(own)
    script.checks.append(Check("answer", end_s - 0.2, end_s + ANSWER_S, tuple(current().refusals.marks), end_s))
    script.about["items"].append({"row": f"refused/{how}", "thing": asking.topic.thing, "end_s": end_s})
    return own_end(own)


def answers(asking: Asking, line: Line, end_s: float, how: str) -> float:
    """A near miss is answered."""
    script = asking.scene.script
    own = Own(reply_at(end_s), asking.scene.bank.own(choose_reply(asking.rng, line.answers)))
    script.own.append(own)
    script.checks.append(Check("answer", end_s - 0.2, end_s + ANSWER_S, (line.slots["fact"],), end_s))
    script.about["items"].append({"row": f"near/{how}", "thing": line.slots["thing"], "end_s": end_s})
    return own_end(own)


def writes(asking: Asking, now_s: float, line: Line) -> float:
    """The user types this. Returns when it has all come in."""
    asking.scene.script.typed.append((now_s, line.text))
    end_s = typed_by(now_s, line.text)
    asking.scene.script.checks.append(Check("quiet", now_s, end_s))
    return end_s


def written_too(asking: Asking, asked_s: float, end_s: float, accept: Sequence[str]) -> None:
    """What answers a typed request is written as well as said."""
    script = asking.scene.script
    own = script.own[-1]
    script.written.append((own.start_s, own.speech.text))
    script.checks.append(Check("written", asked_s, end_s + ANSWER_S, tuple(accept), end_s))
