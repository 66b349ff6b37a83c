"""`duologue bench voice`: the own voice under other ways of sampling it, the same words each time. Read `voice` first.

Every way has the same weights, requests and noise, so that only the number of flow steps and the temperature differ. No timing
is measured: it may run beside other work.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from duologue.bench.figures import Figures, bars
from duologue.engine.engine import Voiced, load
from duologue.evals.judge import whisper_ear
from duologue.evals.outcome import Outcome, outcome_of
from duologue.evals.stats import ratio
from duologue.evals.voice import quality, spoken
from duologue.evals.wording import errors, words_of
from duologue.live import Conversation
from duologue.model import drawn, flow
from duologue.turn import TurnOut, silence

TEXTS = (
    "seven", "hello", "the opposite is cold", "wednesday", "good morning", "it is green", "twelve", "let me check",
    "a dog says woof", "one two three four five", "the bridge is closed today", "please bring the yellow lamp",
    "we are leaving early tomorrow", "my sister bought a little house", "nobody knew the answer", "there is some bread on the table",
)  # fmt: skip
TURNS = 40  # after each request: eight seconds

Write = Callable[[np.ndarray], str]


def voice(
    checkpoint: Path | None, steps: Sequence[int], temperatures: Sequence[float], progress: Callable[[int, int], None] = lambda done, total: None
) -> Figures:
    """A row for each number of flow steps and temperature: words that Whisper gets wrong (missing ones too), and DNSMOS P808 (None:
    not installed, or less than a second was said). Raises ConfigError without the extra `eval`."""
    voiced, write, rows = load(checkpoint), whisper_ear().write, []
    ways = [(count, temperature) for count in steps for temperature in temperatures]
    for done, way in enumerate(ways):
        progress(done, len(ways))
        rows.append(_row(*way, said_under(voiced, *way), write))
    return Figures(f"the own voice, {len(TEXTS)} typed requests", rows, bars("sampled", "words wrong %"))


def said_under(voiced: Voiced, steps: int, temperature: float) -> list[Outcome]:
    """What comes of each request, in a conversation of its own."""
    with sampled(steps, temperature):
        return [outcome_of(answer(voiced, text)) for text in TEXTS]


@contextmanager
def sampled(steps: int, temperature: float) -> Iterator[None]:
    """Inside, live turns draw the voice so. The constants stay constants for everybody else: this is a measurement, not an option."""
    before = flow.STEPS, drawn.TEMPERATURE
    flow.STEPS, drawn.TEMPERATURE = steps, temperature
    try:
        yield
    finally:
        flow.STEPS, drawn.TEMPERATURE = before


def answer(voiced: Voiced, text: str) -> list[TurnOut]:
    """The request typed in the first turn, and the turns after it."""
    conversation = Conversation(voiced=voiced)
    return [conversation.step(replace(silence(k), typed=f"say: {text}" if k == 0 else "")) for k in range(TURNS)]


def _row(steps: int, temperature: float, outcomes: Sequence[Outcome], write: Write) -> dict:
    sounds = [spoken(outcome) for outcome in outcomes]
    wanted = [words_of(text) for text in TEXTS]
    wrong = [errors(words_of(write(sound_S)) if len(sound_S) else [], words) for sound_S, words in zip(sounds, wanted, strict=True)]
    rate, mos = ratio(wrong, [len(words) for words in wanted]), quality(np.concatenate(sounds))
    return {
        "sampled": f"{steps} steps at {temperature:g}",
        "words wrong %": round(rate[0], 1),
        "95 %": f"{rate[1]:.0f}-{rate[2]:.0f}",
        "P808": mos and round(mos, 2),
        "answered": sum(len(sound_S) > 0 for sound_S in sounds),
    }
