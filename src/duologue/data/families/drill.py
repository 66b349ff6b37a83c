"""Drill: small questions in quick succession, typed or as words that the history of `hear` shows though nobody spoke.

Copying and knowing are learned from words alone here, several times as densely as from speech. Read `script` first.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from duologue.data.families import exchange, facts, numbers, order, repeat, talk, typed
from duologue.data.script import Line, Script

NAME = "drill"
ASKED = ((4.0, numbers), (3.0, facts), (2.0, order), (2.0, repeat), (0.7, talk))  # what takes most examples to know first
QUESTIONS = (8, 16)
TYPED = 0.5
SHORTEST = 0.5  # share of the answers that take the least time to say
WORD_S = (0.05, 0.15)  # from one shown word to the next: mostly as fast as tokens can be written
GAP_S = (0.0, 0.2)
TOKEN_S = 0.1  # two tokens a turn
LETTERS_PER_TOKEN = 4  # few words have more tokens than that


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless requests with short answers, all from the other families."""
    sources = [family.lines(rng, split) for _, family in ASKED]
    weights = np.array([weight for weight, _ in ASKED])
    while True:
        asked = next(sources[rng.choice(len(sources), p=weights / weights.sum())])
        if asked.answers and "recital" not in asked.slots:
            short = (min(asked.answers, key=len),) if rng.random() < SHORTEST else asked.answers
            yield replace(asked, answers=short)


def own_texts() -> Iterable[str]:
    """Nothing of its own: the answers are those of the other families."""
    return ()


def _shows(script: Script, rng: np.random.Generator, bank, asked: Line, at_s: float) -> float:
    """The question word by word, then the answer once all its tokens are there. Returns its end."""
    script.about["intents"].append(f"{asked.family}.{asked.intent}")
    pace_s = rng.uniform(*WORD_S)
    for i, word in enumerate(asked.text.split()):
        script.shown.append((at_s + i * pace_s, word))
    written_s = at_s
    for at_word_s, word in script.shown[-len(asked.text.split()) :]:
        written_s = max(written_s, at_word_s) + TOKEN_S * (1 + len(word) // LETTERS_PER_TOKEN)
    return exchange.answers(script, rng, bank, asked, written_s)


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """Many questions one after another, each answered by voice, those typed also in text."""
    script = Script(NAME, 0.0, about={"split": split, "voice": voice, "intents": []})
    at_s = 0.4
    for asked in islice(lines(rng, split), int(rng.integers(*QUESTIONS))):
        if rng.random() < TYPED:
            at_s = typed.type_in(script, rng, bank, asked, at_s, quiet_s=at_s)
        else:
            at_s = _shows(script, rng, bank, asked, at_s)
        at_s += rng.uniform(*GAP_S)
    return exchange.finish(script, rng, at_s)
