"""Repeat: any one to six everyday words, then perhaps "say it again" or "slower". Read `script` first."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from duologue.data.families import exchange
from duologue.data.families.lexicon import COLOURS, DAYS, MONTHS, NUMBERS, SIZES, WORDS
from duologue.data.script import Check, Line, Own, Script, Speech, reply_at
from duologue.errors import DataError

NAME = "repeat"
MOST_WORDS = 6
COMMON = 300
LIST_WORDS = 8  # words in one own list, from which single words are cut
_PLAIN = tuple(word for word in (*NUMBERS[:21], *DAYS, *MONTHS, *COLOURS.values(), *SIZES) if " " not in word)
VOCABULARY = tuple(word for word in dict.fromkeys((*WORDS, *_PLAIN)) if word != "please")  # or is it a courtesy?

_REPEAT = (
    "repeat after me <text>",
    "say <text>",
    "{repeat|say} after me {please|now|the following|these words|this} <text>",
    "{can|could|would|will} you {|please }{repeat|say} after me <text>",
    "{please|now|okay|just} repeat after me <text>",
    "{say|please say|now say|just say|say after me|can you say|could you say|try to say} <text>",
    "repeat {|these words|the words|this|the following|what i say|this please|these} <text>",
    "{i say|i'm saying|listen i say} <text> {and you repeat|you say it too|now you|now you say it}",
    "{i want you to|i'd like you to|i need you to} {say|repeat} <text>",
    "say {the words|the word|these words|this|this after me|the following} <text>",
    "{say|repeat} <text> {for me|after me|back to me|please|to me}",
    "{let me hear|let's hear|let me hear you say} <text>",
    "{after me|copy me|echo me|my words} <text>",
    "{what i say is|here are the words|the words are|these are the words} <text> {now you|please repeat|repeat them}",
)
_AGAIN = (
    "say it again",
    "again",
    "{say|repeat} {it|that} {again|once more|one more time|another time} {|please}",
    "{can|could|would|will} you {say|repeat} {it|that} {|again|once more|one more time} {|please}",
    "{once more|again|one more time|and again|once again} {|please}",
    "{sorry|pardon|excuse me|what} {what was that|what did you say|can you repeat that|i didn't hear you|say again}",
    "{what did you say|what was that|i didn't catch that|i missed that|come again|i didn't get that}",
    "{please repeat|repeat please|tell me again|repeat what you said}",
)
_SLOWER = (
    "slower",
    "say it slower",
    "{slower|more slowly|a bit slower|slowly|not so fast|a little slower} {|please}",
    "{say|repeat} {it|that} {slower|more slowly|slowly|a bit slower|again slowly|again but slower} {|please}",
    "{can|could|would|will} you {say|repeat} {it|that} {slower|more slowly|slowly|again more slowly} {|please}",
    "{and now|now|once more|again} {slowly|slower|but slower|more slowly} {|please}",
    "{that was|you are|you're} too fast {|for me|say it slower|slow down}",
    "{speak|talk|say the words} {slower|more slowly|a little slower} {|please}",
    "{slow down|please slow down|slow it down|can you slow down} {|a bit|a little}",
)


def _repeat(rng: np.random.Generator) -> Line:
    pool = COMMON if rng.random() < 0.3 else len(VOCABULARY)  # common words more often than their share
    words = tuple(VOCABULARY[i] for i in rng.choice(pool, rng.integers(1, MOST_WORDS + 1), replace=False))
    text = " ".join(words)
    new = len(words) > 1 and exchange.held_out("repeat", *words, share=exchange.COMBO_SHARE)
    slots = {"text": text, "words": words}
    made = exchange.line(rng, NAME, "repeat", _REPEAT, (text,), slots, new_combo=new, dressed=False)
    opener = exchange.pick(rng, exchange.OPENERS) + " " if rng.random() < 0.3 else ""
    return replace(made, text=opener + made.text)  # nothing is put after it, for that would have to be repeated too


def _again(rng: np.random.Generator) -> Line:
    return exchange.line(rng, NAME, "again", _AGAIN, ())


def _slower(rng: np.random.Generator) -> Line:
    return exchange.line(rng, NAME, "slower", _SLOWER, ())


MAKERS = ((6, _repeat), (1, _again), (1, _slower))


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless requests to repeat; "again" and "slower" carry no answer, for it depends on what was said before."""
    return exchange.draw(rng, split, MAKERS)


def own_texts() -> Iterable[str]:
    """Every word of the vocabulary, in lists from which it can be cut."""
    return [", ".join(VOCABULARY[i : i + LIST_WORDS]) for i in range(0, len(VOCABULARY), LIST_WORDS)]


def _said(owns: list[Own]) -> tuple[str, ...]:
    """The single words of an answer."""
    return tuple(word for own in owns for word in own.speech.text.replace(",", "").split())


def _answer_again(script: Script, rng, bank, slower: bool, last: list[Own], end_s: float) -> float:
    """Says the last answer once more, the same or word by word with pauses. Returns its end."""
    start_s, words = reply_at(end_s), _said(last)
    if slower:
        owns = exchange.apart(words, start_s, rng.uniform(0.3, 0.6), bank)
    else:
        owns = [Own(start_s + own.start_s - last[0].start_s, own.speech) for own in last]
    script.own += owns
    script.checks.append(Check("answer", end_s - 0.2, end_s + 2.5, (" ".join(words),), end_s))
    return exchange.ends(owns)


def _sample(script: Script, rng, bank, intent: str) -> Speech:
    """The user's next line of this intent; something to repeat if this voice has none of the kind."""
    asked = exchange.pick(rng, ("numbers", "facts")) if script.sounds and rng.random() < 0.15 else NAME
    try:
        if intent == "repeat" and asked != NAME:
            return exchange.sample(script, rng, bank, asked, where=_is_short)
        return exchange.sample(script, rng, bank, intent=intent)
    except DataError:
        return exchange.sample(script, rng, bank, intent="repeat")


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """Something to repeat (later also small questions), then perhaps "again" or "slower", or more of it."""
    last: list[Own] = []
    choice = ("repeat",)

    def exchange_at(script: Script, at_s: float) -> float:
        nonlocal last, choice
        before, speech = len(script.own), _sample(script, rng, bank, exchange.pick(rng, choice))
        end_s, intent = exchange.ask(script, rng, bank, at_s, speech), speech.line.intent
        if intent in ("again", "slower"):
            end_s = _answer_again(script, rng, bank, intent == "slower", last, end_s)
        last = script.own[before:]
        slow = intent == "slower" or (intent == "again" and "slower" not in choice)
        choice = ("repeat", "again") if slow else ("repeat", "again", "slower")
        return end_s

    return exchange.conversation(rng, split, NAME, voice, exchange_at)


def _is_short(line: Line) -> bool:
    """Whether the line's answer can be said again in a few seconds."""
    return "recital" not in line.slots
