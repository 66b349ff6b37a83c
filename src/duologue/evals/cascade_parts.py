"""What a cascade is made of: detector, recogniser, voice, and what their work costs. Read `Parts`, then `Mouth`."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from duologue.data.families.exchange import PERIOD_S, apart, recital
from duologue.data.families.timing import fall_silent, own_end
from duologue.data.render import FADE_S
from duologue.data.script import Own, Speech
from duologue.errors import DataError
from duologue.evals.judge import whisper_ear
from duologue.evals.voicing import Voicing, spoken
from duologue.turn import SAMPLE_RATE_HZ

FRAME = 512  # samples that Silero judges at a time
FRAME_S = FRAME / SAMPLE_RATE_HZ
PERIOD = sum(PERIOD_S) / 2  # seconds between the items of a recital
GRID_S = 0.01
SLOW_S = 0.45  # between words that were asked for more slowly


class Costs(NamedTuple):
    """Seconds of computing for each second of sound, one thread of the CPU.

    Whisper tiny.en int8: 0.46 for each second of a segment. Kokoro int8: 0.61 for each second of the first item said (the
    others are made meanwhile). Both measured while the machine did other work too; `python -m
    duologue.evals.cascade_costs` measures them anew, with a fixed part. The detector is not charged.
    """

    recognise: float = 0.46
    synthesise: float = 0.61
    recognise_fixed_s: float = 0.0
    synthesise_fixed_s: float = 0.0

    def recognised_s(self, seconds: float) -> float:
        return self.recognise_fixed_s + self.recognise * seconds

    def synthesised_s(self, seconds: float) -> float:
        return self.synthesise_fixed_s + self.synthesise * seconds


class Parts(NamedTuple):
    """What a cascade is made of.

    Attributes:
        detect: float32 [S] to the probability of speech of each whole FRAME, each from what came before it alone.
        write: float32 [S] to what is understood.
        bank: `own` and `own_word` are the voice.
    """

    detect: Callable[[np.ndarray], np.ndarray]
    write: Callable[[np.ndarray], str]
    bank: Any
    costs: Costs = Costs()


def silero() -> Callable[[np.ndarray], np.ndarray]:
    """Silero VAD (MIT) as faster-whisper brings it; a sound is judged once, however often it is asked for."""
    from faster_whisper.vad import get_vad_model

    model, known = get_vad_model(), {}

    def detect(sound_S: np.ndarray) -> np.ndarray:
        key = hashlib.sha256(sound_S.tobytes()).digest()
        if key not in known:
            frames = len(sound_S) // FRAME
            padded_S = np.pad(sound_S[: frames * FRAME], (0, FRAME))  # it spoils the end of the last frame
            known[key] = np.asarray(model(padded_S)).reshape(-1)[:frames]
        return known[key]

    return detect


def silenced(owns: Sequence[Own], at_s: float) -> list[Own]:
    """What is still said when, at `at_s`, everything is to stop: it fades, and nothing new begins."""
    return fall_silent([own for own in owns if own.start_s < at_s], at_s + FADE_S)


@cache
def real() -> Parts:
    """Silero, Whisper and the own voice as its engine speaks it, loaded once: no voice bank is needed, and none makes a difference.

    Raises ConfigError: the extra `eval` or `synth` is not installed.
    """
    voicing = Voicing(spoken)
    voicing.own("hello")  # here, so that what is missing is said before the first case
    return Parts(silero(), whisper_ear().write, voicing)


class Mouth:
    """What is said, now and later; the past cannot be changed.

    Replies begin on a grid of 10 ms, so that the same answer is the same sound wherever it begins, and is judged once.
    """

    def __init__(self, bank):
        self.bank = bank
        self.own: list[Own] = []
        self.begin_s = self.end_s = 0.0  # of the last reply

    def say(self, at_s: float, owns: Sequence[Own]) -> None:
        """A reply, its times counted from `at_s`; what is still being said breaks off."""
        at_s = float(np.ceil(at_s / GRID_S - 1e-6) * GRID_S)
        self.stop(at_s)
        placed = [replace(own, start_s=own.start_s + at_s) for own in owns]
        self.own += placed
        self.begin_s, self.end_s = at_s, own_end(placed[-1])

    def stop(self, at_s: float) -> tuple[str, ...]:
        """Falls silent. Returns what was not said to its end."""
        left = tuple(own.speech.text for own in self.own if own_end(own) > at_s)
        self.own = silenced(self.own, at_s)
        self.end_s = min(self.end_s, at_s)
        return left

    def busy(self, at_s: float) -> bool:
        """Whether a reply is on its way or being said."""
        return at_s < self.end_s

    def words(self, items: Sequence[str], slowly: bool = False) -> list[Own]:
        """Items as the voice says them; a word that it has never said, for it was misheard, is left out."""
        words = [word for item in items for word in item.split()] if slowly else list(items)
        if len(words) == 1:
            return [Own(0.0, speech) for speech in _voiced(self.bank, words[0])]
        known = [word for word in words if _known(self.bank, word)]
        if not known:
            return []
        return apart(known, 0.0, SLOW_S, self.bank) if slowly else recital(known, 0.0, PERIOD, self.bank)


def _known(bank, word: str) -> bool:
    try:
        bank.own_word(word)
    except DataError:
        return False
    return True


def _voiced(bank, text: str) -> list[Speech]:
    """A text by the voice, as one speech; none when it has said no word of it."""
    try:
        return [bank.own(text)]
    except DataError:
        known = " ".join(word for word in text.split() if _known(bank, word))
        return [bank.own(known)] if known else []
