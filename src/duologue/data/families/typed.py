"""Typed: the user types a request, silent or while talking; the model answers by voice and in text.

The requests are those of the other families. `lines` has only what is said aloud while typing: remarks that want no
answer. Read `script` first.
"""

from collections.abc import Iterable, Iterator
from math import ceil

import numpy as np

from duologue.data.families import exchange, facts, numbers, order, repeat, talk
from duologue.data.script import Check, Line, Script, Speech
from duologue.errors import DataError

NAME = "typed"
ASKED = (talk, numbers, order, facts, repeat)
WORDS_PER_TURN = 5  # typed text reaches the model eight tokens a turn; longer text queues
WHILE_TALKING = 0.25

_REMARKS = (
    "{let me|i'll|i will|i'm going to|i think i'll} {type|write} {it|that|this} {|down|for you|instead|in}",
    "{wait|hold on|one moment|just a second|hang on} {i'm|i am} {typing|writing} {|it|something|it down}",
    "{i'm|i am} {typing|writing} {it|this|something|my question} {|for you|now|right now|because it's loud here}",
    "{it's|it is} {easier|faster|better} {to type|to write|if i type|if i write} {|it|this|that}",
    "{i|we} {can't|cannot|don't want to} {say it|speak loudly|talk much} {|here|now} so {i type|i'll type} {|it}",
    "{read|look at|here is|see} {what i type|what i write|my message|this text}",
    "{so|now|okay} where is {the key|that letter|the question mark|the space bar}",
)


def _remark(rng: np.random.Generator) -> Line:
    return exchange.line(rng, NAME, "remark", _REMARKS, (), dressed=rng.random() < 0.5)


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless remarks said while typing; no answer is wanted to them."""
    return exchange.draw(rng, split, ((1, _remark),))


def own_texts() -> Iterable[str]:
    """Nothing of its own: the answers are those of the other families."""
    return ()


def request(rng: np.random.Generator, split: str) -> Line:
    """Something to type, from a random other family."""
    family = exchange.pick(rng, ASKED)
    return next(line for line in family.lines(rng, split) if line.answers)


def type_in(script: Script, rng: np.random.Generator, bank, asked: Line, at_s: float, quiet_s: float) -> float:
    """Types a request at `at_s`; the answer waits for the whole text and for the user's silence. Returns its end."""
    script.typed.append((at_s, asked.text))
    script.about["intents"].append(f"{asked.family}.{asked.intent}")
    read_s = at_s + 0.2 * (ceil(len(asked.text.split()) / WORDS_PER_TURN) - 1)
    end_s, before = max(read_s, quiet_s), len(script.own)
    done_s = exchange.answers(script, rng, bank, asked, end_s)
    said = script.own[before:]
    text = said[0].speech.text if len(said) == 1 else asked.answers[0]
    script.written.append((said[0].start_s, text))
    script.checks.append(Check("written", at_s, end_s + 2.5, (asked.slots.get("fact", text),), end_s))
    return done_s


def _remarked(script: Script, rng: np.random.Generator, bank) -> Speech | None:
    """What the user says while typing: mostly nothing, and nothing from a voice that has no such remark."""
    if rng.random() > WHILE_TALKING:
        return None
    try:
        return exchange.sample(script, rng, bank)
    except DataError:
        return None


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """One to four typed requests; in some the user talks while typing."""

    def exchange_at(script: Script, at_s: float) -> float:
        asked, remark = request(rng, split), _remarked(script, rng, bank)
        if remark is None:
            return type_in(script, rng, bank, asked, at_s, quiet_s=at_s)
        quiet_s = exchange.ask(script, rng, bank, at_s, remark)
        return type_in(script, rng, bank, asked, rng.uniform(at_s, quiet_s + 0.3), quiet_s)

    return exchange.conversation(rng, split, NAME, voice, exchange_at)
