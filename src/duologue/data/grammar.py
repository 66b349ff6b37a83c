"""English sentences made by a grammar over thousands of words: statements, questions and requests, short and long. Read `sentence`.

What somebody does fits a verb's frame in WordNet (with nothing, something, somebody), and what it is done to fits the kind of
deed: one eats food and mends artefacts. Beyond that a sentence need not make sense: it teaches words, not the world.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from duologue.data import words
from duologue.data.families.exchange import pick, vary
from duologue.data.words import Draw, article, drawn_by_use

ALONE, TO_SOMETHING, TO_SOMEBODY = 2, 8, 9  # WordNet's sentence frames: somebody does; does something; does somebody
DEEDS = (0.3, 0.55, 0.15)  # how often somebody does nothing to anybody, does it to something, to somebody
ANIMAL, ARTEFACT, BODY, IDEA, MESSAGE, EVENT, FEELING, FOOD, GROUP, OBJECT, PERSON, PLANT, OWNED, STATE, STUFF = (
    5, 6, 8, 9, 10, 11, 12, 13, 14, 17, 18, 20, 21, 26, 27,
)  # fmt: skip
ACT, QUALITY, PLACE = 4, 7, 15
OBJECTS = {  # kind of verb -> kinds of nouns that it is done to
    29: (BODY, ANIMAL), 30: (ARTEFACT, STATE, STUFF, QUALITY), 31: (IDEA, MESSAGE), 32: (MESSAGE, IDEA, EVENT), 33: (GROUP, EVENT),
    34: (FOOD,), 35: (ARTEFACT, OBJECT, STUFF, PLANT), 36: (ARTEFACT, MESSAGE), 37: (EVENT, ACT, ANIMAL, FOOD), 38: (ARTEFACT, OBJECT),
    39: (ARTEFACT, ANIMAL, EVENT, OBJECT), 40: (OWNED, ARTEFACT), 41: (GROUP, ACT, EVENT), 42: (STATE, EVENT), 43: (OBJECT,),
}  # fmt: skip
TO_PEOPLE = (31, 32, 33, 37, 38, 39, 40, 41)  # kinds of verbs; not those of touching
THINGS, IDEAS, PLACES = (ARTEFACT, OBJECT, PLANT, ANIMAL, FOOD), (IDEA, FEELING, QUALITY, STATE, ACT), (PLACE, ARTEFACT)

SENTENCES = (
    "{I|We|They|You} <did>{| <when>}.",
    "<someone> <did>{|| <when>}.",
    "<someone> is <doing>{| <when_now>}.",
    "{I am|We are|They are|You are} {|not |still |already |always }<doing>.",
    "{I|We|You|They} {will|can|must|should|might|won't|can't|shouldn't} <do>{| <when_next>}.",
    "<someone> <does>{| every <span>| when it rains| as usual}.",
    "{Did|Didn't} {you|she|he|they|<someone>} <do>{| <when>}?",
    "{Could|Would|Will|Can} {you|she|they|<someone>} {|please }<do>{| <when_next>}?",
    "{Why|When|Where|How} {did|will|would} {you|they|<someone>} <do>?",
    "{Please|Please don't|Don't|Let's|Never|Always|Just|You had better} <do>{| <when_next>}.",
    "{Is|Was} <someone> <doing>{| again| in the <place>}?",
    "{Has anybody seen|Where is|Who took|Whose is|Did you like} {the|your|our|that} {|<like> }<thing>{| <where>}?",
    "{Look at|Bring me|Give me|Show them|Do not touch|Go and find} {the|my|your|our} {|<like> }<thing>{|, please| <where>}.",
    "{I cannot find|I like|They sold|We could use|You forgot} {the|my|your|our} {|<like> }<thing>{|, too| <where>}.",
    "The <thing> {is|was|looks|seems|isn't|wasn't} {|very |quite |too |rather }<so>.",
    "{Are|Were|Aren't} the <things> {|still |really }<so>{| enough}?",
    "{There is|There was|I saw|We found|Somebody left} <a_thing> <where>.",
    "{How many|Which|Whose} <things> {are there|did you see|were <so>|do you want}?",
    "{I want|I need|Take|We sold|They have} {two|three|some|more|fewer|no|several} {|<like> }<things>{| and <things>| and {some|two} <things>}.",
    "What {a pity about|happened to|about} the <things>{| <where>}?",
    "{Is|Was} the <thing> {more <so> than|as <so> as} the <thing>?",
    "<someone> is {|so |very |rather |not }<kindly>{|, I think|, they say| this <span>}.",
    "{My|Her|His|Our} <one> {became|was|felt|looked|sounded} <kindly>{| <when>| about the <thing>}.",
    "{This|That|It} {is|was} {only |really |}a {question|matter|kind|sign|lack} of <idea>.",
    "{We talked|They argued|I read something|He wrote} about <idea>{| and <idea>}{| <when>}.",
    "{She knows a lot|Nobody said anything|Tell me more|I dreamt} about {<idea>|<things>}{| and <idea>}.",
    "{Without|Despite|Because of|After} the <idea>, <someone> <did>.",
    "{I think|I hope|She said|He told me|They believe|Everybody knows} that <someone> <did>{| <when>}.",
    "{When|While|Before|After|Because|Although} <someone> <did>, {we|they|I|<someone>} <did>.",
    "{If|Unless} you <do>, {I|we|they|<someone>} {will|won't} <do>.",
    "<someone> and <someone> <did>, but {nobody noticed|the <ones> did not|that was <when>}.",
    "{I have never seen such|What|That is} <a_like> {<plain>|<plain> <where>}{!|.}",
    "{The <ones>|Some <ones>|Many <ones>|<like> <things>} are {never |often |sometimes |}<so>.",
    "{One|Two|A few} of the <ones> {wanted|tried|forgot|refused|began|hoped} to <do>.",
    "{No|Yes}, the {|<like> }<thing>{, please| is over there| isn't mine}.",
    "{<like> and <like>|Very <so>|Not so <so>|<things> and <things>|No <things>, please}.",
    "{Do|Don't} you {know|like|trust|remember} the <one> {with the <thing>|from the <place>|who <did>}?",
    "{To <do> is|<doing> was} {harder than it looks|what they wanted|a mistake}.",
)
WHEN = "{yesterday|last <span>|this morning|on {Monday|Tuesday|Thursday|Friday|Sunday}|a <span> ago|in the evening|long ago|once|again}"
NEXT = "{tomorrow|next <span>|tonight|soon|in a <span>|before {noon|midnight|breakfast|dinner}|right away|later}"
NOW = "{now|at the moment|again|today|in the <place>|this <span>}"
WHERE = "{in|near|behind|in front of|next to|outside|beyond} {the|my|your|our|that} {|<like> }<place>"
SPAN = "{week|month|year|day|night|hour|winter|summer|spring|autumn|weekend}"


def sentence(rng: np.random.Generator) -> str:
    """One sentence of plain words, its first letter large."""
    text = filled(rng, SENTENCES, SLOTS)
    return text[0].upper() + text[1:]


def filled(rng: np.random.Generator, patterns: Sequence[str], slots: dict[str, Callable[[np.random.Generator], str]]) -> str:
    """One of the patterns (see `vary`) with every slot, "<name>", filled in; what is filled in may have slots of its own."""
    text = vary(rng, pick(rng, patterns))
    while found := re.search(r"<(\w+)>", text):
        text = text[: found.start()] + vary(rng, slots[found[1]](rng)) + text[found.end() :]
    return re.sub(r"\s+([.,?!])", r"\1", " ".join(text.split()))


@cache
def _nouns(kinds: tuple[int, ...], counted: bool = False) -> Draw[words.Noun]:
    found = [noun for noun in words.nouns() if noun.kind in kinds and (noun.many or not counted)]
    return drawn_by_use(found, lambda noun: noun.one)


@cache
def _verbs(frame: int) -> Draw[words.Verb]:
    kinds = {TO_SOMETHING: OBJECTS, TO_SOMEBODY: TO_PEOPLE}.get(frame, range(50))
    found = [verb for verb in words.verbs() if frame in verb.frames and verb.kind in kinds]
    return drawn_by_use(found, lambda verb: verb.do)


@cache
def _adjectives(of_people: bool = False, alone: bool = False) -> Draw[words.Adjective]:
    found = [adjective for adjective in words.adjectives() if adjective.of_people >= of_people and adjective.alone >= alone]
    return drawn_by_use(found, lambda adjective: adjective.word)


@cache
def _manners() -> Draw[str]:
    return drawn_by_use(words.manners(), str)


def _deed(form: str) -> Callable[[np.random.Generator], str]:
    """What somebody does, the verb in one of its forms."""

    def deed(rng: np.random.Generator) -> str:
        frame = (ALONE, TO_SOMETHING, TO_SOMEBODY)[rng.choice(3, p=DEEDS)]
        verb = _verbs(frame)(rng)
        said = getattr(verb, form)
        if frame == ALONE:
            return said + pick(rng, ("", " <manner>", " <where>"))
        return f"{said} {_somebody(rng) if frame == TO_SOMEBODY else _something(rng, OBJECTS[verb.kind])}"

    return deed


def _something(rng: np.random.Generator, kinds: tuple[int, ...]) -> str:
    noun = _nouns(kinds)(rng)
    if noun.many and rng.random() < 0.3:
        return f"{pick(rng, ('the', 'some', 'these', 'all the', 'your'))} {noun.many}"
    described = (_adjectives()(rng).word + " " if rng.random() < 0.25 else "") + noun.one
    if not noun.many:
        return pick(rng, ("the ", "some ", "my ", "")) + described
    return pick(rng, (article(described), f"the {described}", f"that {described}", f"my {described}"))


def _somebody(rng: np.random.Generator) -> str:
    if rng.random() < 0.4:
        return pick(rng, ("her", "him", "them", "everybody"))
    return f"{pick(rng, ('the', 'my', 'your', 'that', 'our'))} {_nouns((PERSON,), True)(rng).one}"


def _someone(rng: np.random.Generator) -> str:
    """Who does it, in the third person."""
    if rng.random() < 0.25:
        return pick(rng, ("she", "he", "nobody", "somebody", "everyone"))
    described = _adjectives(of_people=True)(rng).word + " " if rng.random() < 0.25 else ""
    return f"{pick(rng, ('the', 'the', 'my', 'your', 'that', 'our', 'his', 'every'))} {described}{_nouns((PERSON,), True)(rng).one}"


def _described(rng: np.random.Generator) -> str:
    """A thing with its article, as "an old lamp"."""
    noun = _nouns(THINGS, True)(rng).one
    return article(f"{_adjectives()(rng).word} {noun}" if rng.random() < 0.4 else noun)


SLOTS: dict[str, Callable[[np.random.Generator], str]] = {
    "do": _deed("do"), "does": _deed("does"), "did": _deed("did"), "doing": _deed("doing"), "someone": _someone, "a_thing": _described,
    "one": lambda rng: _nouns((PERSON,), True)(rng).one, "ones": lambda rng: _nouns((PERSON,), True)(rng).many,
    "thing": lambda rng: _nouns(THINGS)(rng).one, "things": lambda rng: _nouns(THINGS, True)(rng).many,
    "plain": lambda rng: _nouns(THINGS, True)(rng).one, "idea": lambda rng: _nouns(IDEAS)(rng).one,
    "place": lambda rng: _nouns(PLACES, True)(rng).one, "like": lambda rng: _adjectives()(rng).word,
    "a_like": lambda rng: article(_adjectives()(rng).word), "so": lambda rng: _adjectives(alone=True)(rng).word,
    "kindly": lambda rng: _adjectives(of_people=True, alone=True)(rng).word, "manner": lambda rng: _manners()(rng),
    "when": lambda rng: WHEN, "when_next": lambda rng: NEXT, "when_now": lambda rng: NOW, "where": lambda rng: WHERE, "span": lambda rng: SPAN,
}  # fmt: skip
