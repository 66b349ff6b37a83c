"""Drill: small questions in quick succession, typed or as words that the history of `hear` shows though nobody spoke.

Copying and knowing are learned from words alone here, several times as densely as from speech. Read `script` first.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from duologue.data.families import exchange, facts, numbers, order, repeat, talk, time, typed
from duologue.data.script import Line, Own, Script, reply_at

NAME = "drill"
ASKED = (  # what takes most examples to know first
    (6.0, numbers), (3.0, facts), (2.0, order), (3.0, repeat), (0.7, talk), (2.0, time),
)  # fmt: skip
QUESTIONS = (8, 16)
TYPED = 0.5
SHORTEST = 0.5  # share of the answers that take the least time to say
WORD_S = (0.05, 0.15)  # from one shown word to the next: mostly as fast as tokens can be written
GAP_S = (0.0, 0.2)
LONGEST_WAIT_S = 12
OFTEN = (2, 5)  # how many times a word that is to come every few seconds comes before "stop"
HEARD_AFTER_S = 0.4  # from the end of a spoken word to its last token
TOKEN_S = 0.1  # two tokens a turn
LETTERS_PER_TOKEN = 4  # few words have more tokens than that


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless requests with short answers, all from the other families."""
    sources = [family.lines(rng, split) for _, family in ASKED]
    weights = np.array([weight for weight, _ in ASKED])
    while True:
        asked = next(sources[rng.choice(len(sources), p=weights / weights.sum())])
        if asked.family == time.NAME:
            if asked.intent in ("once", "every") and asked.slots["seconds"] <= LONGEST_WAIT_S:
                yield asked
        elif asked.answers and "recital" not in asked.slots:
            short = (min(asked.answers, key=len),) if rng.random() < SHORTEST else asked.answers
            yield replace(asked, answers=short)


def own_texts() -> Iterable[str]:
    """Nothing of its own: the answers are those of the other families."""
    return ()


def asks(script: Script, rng: np.random.Generator, bank, asked: Line, at_s: float) -> float:
    """A question, typed or shown, and its answer. Returns its end."""
    if rng.random() < TYPED:
        return typed.type_in(script, rng, bank, asked, at_s, quiet_s=at_s)
    return exchange.answers(script, rng, bank, asked, _shows(script, rng, asked, at_s))


def _shows(script: Script, rng: np.random.Generator, asked: Line, at_s: float) -> float:
    """The question word by word. Returns when all its tokens are there."""
    script.about["intents"].append(f"{asked.family}.{asked.intent}")
    return _words(script, rng, asked.text, at_s)


def _words(script: Script, rng: np.random.Generator, text: str, at_s: float) -> float:
    pace_s, written_s = rng.uniform(*WORD_S), at_s
    for i, word in enumerate(text.split()):
        script.shown.append((at_s + i * pace_s, word))
        written_s = max(written_s, at_s + i * pace_s) + TOKEN_S * (1 + len(word) // LETTERS_PER_TOKEN)
    return written_s


def _timed(script: Script, rng: np.random.Generator, bank, asked: Line, at_s: float) -> float:
    """As in "in four seconds say tea", or every four seconds until "stop"; what is shown would have been said HEARD_AFTER_S
    before. Returns its end."""
    written_s, seconds = _shows(script, rng, asked, at_s), asked.slots["seconds"]
    if seconds > 3 and time.polite(asked.text):
        script.own.append(Own(reply_at(written_s), bank.own(time.ACK)))
    word, often = bank.own_word(asked.slots["word"]), asked.intent == "every"
    for k in range(1, 1 + (int(rng.integers(*OFTEN)) if often else 1)):
        slot_s = written_s - HEARD_AFTER_S + k * seconds
        script.own.append(Own(max(time.due(slot_s, script.about["split"], rng), reply_at(written_s)), word))
        time.slot(script, slot_s, seconds, word)
    end_s = exchange.ends(script.own)
    return _words(script, rng, "stop", end_s + rng.uniform(*GAP_S)) if often else end_s


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """Many questions one after another, each answered by voice, those typed also in text."""
    script = Script(NAME, 0.0, about={"split": split, "voice": voice, "intents": []})
    at_s = 0.4
    for asked in islice(lines(rng, split), int(rng.integers(*QUESTIONS))):
        if asked.family == time.NAME:
            at_s = _timed(script, rng, bank, asked, at_s)
        else:
            at_s = asks(script, rng, bank, asked, at_s)
        at_s += rng.uniform(*GAP_S)
    return exchange.finish(script, rng, at_s)
