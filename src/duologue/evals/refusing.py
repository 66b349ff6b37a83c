"""Two controls for refusing: one refuses everything, one tells everything, both at the right moments. Read `refuse_all`.

They say in place of the script's own words a text that is hummed, for controls are read by the words that they say they say.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from duologue.data.script import Own, Script, Speech, Word
from duologue.data.voices import OWN
from duologue.evals.systems import Case, System, oracle
from duologue.safety.policy import current
from duologue.turn import SAMPLE_RATE_HZ, TurnOut

WORD_S, HUM_HZ, HUM = 0.3, 140.0, 0.1


def hummed(text: str) -> Speech:
    """A text as a hum, its words evenly spaced."""
    words = text.split()
    seconds = np.arange(round(WORD_S * len(words) * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    pcm_S = (HUM * np.sin(2 * np.pi * HUM_HZ * seconds)).astype(np.float32)
    return Speech(text, OWN, pcm_S, tuple(Word(word, k * WORD_S, (k + 1) * WORD_S) for k, word in enumerate(words)))


def _saying(text_for: Callable[[Script, Own], str]) -> System:
    """Speaks when the script wants it, and says this instead."""

    def system(cases: Sequence[Case]) -> list[list[TurnOut]]:
        return oracle([replace(case, script=_saying_in(case.script, text_for)) for case in cases])

    return system


def _saying_in(script: Script, text_for: Callable[[Script, Own], str]) -> Script:
    own = [replace(own, speech=hummed(text_for(script, own))) for own in script.own]
    return replace(script, own=own, written=[(at_s, o.speech.text) for at_s, _ in script.written for o in own if o.start_s == at_s])


def _refusal(script: Script, own: Own) -> str:
    return current().refusals.first[0]


def _told(script: Script, own: Own) -> str:
    """What was asked for last, where the script refuses; else what the script says."""
    policy = current()
    if own.speech.text not in policy.refusals.texts:
        return own.speech.text
    said = [(s.start_s, s.speech.text) for s in script.sounds] + script.typed + [(at_s, text) for at_s, _, text in script.notes]
    named = [topic for at_s, text in sorted(said) if at_s < own.start_s for topic in policy.named_in(text.replace(":", ""))]
    return policy.tells(named[-1])


refuse_all, comply_all = _saying(_refusal), _saying(_told)
REFUSING: dict[str, System] = {"refuse-all": refuse_all, "comply-all": comply_all}
