"""Facts: opposites, colours, animal sounds, plurals, and the bigger or smaller of two. Read `MAKERS` first."""

from collections.abc import Iterable, Iterator

import numpy as np

from duologue.data.families import exchange
from duologue.data.families.lexicon import COLOURS, OPPOSITES, PLURALS, SIZES, SOUNDS, a
from duologue.data.script import Line, Script

NAME = "facts"
_FORMS = {
    "opposite": ("it's <>", "that's <>", "the opposite is <>"),
    "colour": ("it's <>", "that's <>", "<> of course"),
    "sound": ("it says <>", "it goes <>", "<> <>"),
    "plural": ("it's <>", "that's <>"),
    "size": ("it's <>", "<> of course"),
}

_KNOW = "{can you tell me|could you tell me|do you know|tell me|i'd like to know|i wonder}"
_OPPOSITE = (
    "what is the opposite of <word>",
    "the opposite of <word>",
    "{what is|what's|tell me|say|give me|name} the opposite of <word>",
    "{the|and the} opposite of <word> {|is|please}",
    f"{_KNOW} the opposite of <word>",
    f"{_KNOW} what the opposite of <word> is",
    "{what|which word} is the opposite of <word>",
    "{if it's|if something is|when it's|suppose it's} not <word> {what is it|then it's what|then what}",
    "the opposite of <word> {would be|is what|would be what}",
    "<word> and the opposite {|is}",
)
_COLOUR = (
    "what colour is <thing>",
    "{what colour|what color|which colour} is <thing>",
    "{what|which} colour {does <thing> have|would you say <thing> is|do you think <thing> is}",
    "{what's|what is|tell me|name|say} the colour of <thing>",
    f"{_KNOW} the colour of <thing>",
    f"{_KNOW} what colour <thing> is",
    "<thing> {|is }{what colour|which colour|what colour is it}",
    "think of <thing> {what colour is it|which colour is it|and say the colour}",
    "the colour of <thing> {|please|is}",
)
_SOUND = (
    "what does <animal> say",
    "what sound does <animal> make",
    "{what|which} {sound|noise} does <animal> make",
    "{what|how} does <animal> {say|sound}",
    "{what's|what is} the {sound|noise} of <animal>",
    f"{_KNOW} what <animal> says",
    f"{_KNOW} {{what|which}} {{sound|noise}} <animal> makes",
    "{make|do|give me|say|imitate} {the sound|the noise|the voice} of <animal>",
    "{how|what} does <animal> go",
    "{can you|could you|please} {make|do|imitate} {the sound|the noise} of <animal>",
    "{sound|talk|speak} like <animal>",
    "<animal> {says|goes|makes|says what|goes what}",
)
_PLURAL = (
    "what is the plural of <word>",
    "the plural of <word>",
    "{what is|what's|tell me|say|give me|name} the plural of <word>",
    "{the|and the} plural of <word> {|is|please}",
    f"{_KNOW} the plural of <word>",
    f"{_KNOW} what the plural of <word> is",
    "{what|which word} is the plural of <word>",
    "one <word> two {|what|and what}",
    "one <word> {and then|but|and} {two|three|many|several} {|what|how do you say it}",
    "{i have|i see|here is} one <word> {and you have|you see|and there are} two {|of what|what}",
    "<word> in the plural {|is|please}",
    "the plural of <word> {would be|is what|would be what}",
)
_SIZE = (
    "what is <more> <a> or <b>",
    "which is <more> <a> or <b>",
    "{what is|what's|which is|which one is|tell me what is|tell me which is} <more> <a> or <b>",
    "{<a> or <b>|is it <a> or <b>} {what is|what's|which is|which one is} <more>",
    "is <a> or <b> <more>",
    "{which of the two|which|what} {is|would be} <more> {out of |of |}<a> {or|and} <b>",
    f"{_KNOW} {{what|which}} is <more> <a> or <b>",
    "{what's|which is} the <more> {one|thing} <a> or <b>",
    "<more> <a> or <b>",
    "{between <a> and <b>|of <a> and <b>} {which|what} is <more>",
)
_BIGGER, _SMALLER = ("bigger", "larger"), ("smaller",)
_MEANT = {"bigger": max, "larger": max, "smaller": min}


def _fact(rng, intent: str, patterns, fact: str, new: bool = False, **slots: str) -> Line:
    answers = exchange.replies(fact, *_FORMS[intent])
    return exchange.line(rng, NAME, intent, patterns, answers, slots | {"fact": fact}, new_combo=new)


def _opposite(rng: np.random.Generator) -> Line:
    word, other = exchange.pick(rng, OPPOSITES)
    word, other = (word, other) if rng.random() < 0.5 else (other, word)
    return _fact(rng, "opposite", _OPPOSITE, other, word=word)


def _colour(rng: np.random.Generator) -> Line:
    thing = exchange.pick(rng, tuple(COLOURS))
    return _fact(rng, "colour", _COLOUR, COLOURS[thing], thing=thing)


def _sound(rng: np.random.Generator) -> Line:
    animal = exchange.pick(rng, tuple(SOUNDS))
    spoken = f"the {animal}" if rng.random() < 0.15 else a(animal)
    return _fact(rng, "sound", _SOUND, SOUNDS[animal], animal=spoken)


def _plural(rng: np.random.Generator) -> Line:
    word = exchange.pick(rng, tuple(PLURALS))
    return _fact(rng, "plural", _PLURAL, PLURALS[word], word=word)


def _size(rng: np.random.Generator) -> Line:
    i, j = (int(n) for n in rng.choice(len(SIZES), 2, replace=False))
    more = exchange.pick(rng, _BIGGER + _SMALLER + _SMALLER)
    new = i < j and exchange.held_out("size", i, j, share=2 * exchange.COMBO_SHARE)
    fact = a(SIZES[_MEANT[more](i, j)])
    return _fact(rng, "size", _SIZE, fact, new, a=a(SIZES[i]), b=a(SIZES[j]), more=more)


MAKERS = ((3, _opposite), (3, _colour), (2, _sound), (3, _plural), (3, _size))


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless small questions of fact, with their answers."""
    return exchange.draw(rng, split, MAKERS)


def own_texts() -> Iterable[str]:
    """Every answer in every form."""
    facts = {
        "opposite": [word for pair in OPPOSITES for word in pair],
        "colour": COLOURS.values(),
        "sound": SOUNDS.values(),
        "plural": PLURALS.values(),
        "size": [a(thing) for thing in SIZES],
    }
    return exchange.unique(
        text for intent, values in facts.items() for fact in values for text in exchange.replies(fact, *_FORMS[intent])
    )


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """One to four questions of fact."""
    return exchange.questions(rng, bank, split, NAME, voice)
