"""The words that English sentences are made of: nouns, verbs, adjectives and adverbs with their forms, drawn by frequency.

Which word is which comes from WordNet, how often it is used from `wordfreq` (Apache-2.0; its lists CC-BY-SA-4.0). Read `nouns` first.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import NamedTuple, TypeVar

import numpy as np

from duologue.data import wordnet
from duologue.errors import ConfigError

ACT = 4  # the kind of what is done
RAREST = 8e-7  # of all words of English, a word's base form
COMMON = 1e-4  # so common a word must have been seen as what it is taken for
FLATTENED = 0.4  # power of the frequency by which words are drawn: at 1 the rare ones never came
MAIN = 0.6  # share of a word's uses that are as this part of speech
COUNTED = 0.04  # plurals to a singular of a thing that is counted
KNOWN = 0.002  # uses of a form to one of its base, or it is doubtful
RUDE = re.compile(
    r"\b(vulgar|obscene|offensive|disparaging|derogatory|ethnic slurs?|slang (term )?for|coarse|insulting|low opinion|terms? of abuse|despicable|"
    r"masturbat\w*|promiscuous|adulter\w*|contemptible|prostitut\w*)\b",
    re.I,
)
GRIM = re.compile(  # what an open sentence had better not be about
    r"\b(sexual\w*|sex act|rap(e|es|ed|ing|ist)|prostitut\w*|genital\w*|penis|vagina\w*|anus|anal|excre\w+|feces|fecal|defecat\w*|urin\w+|semen|"
    r"naked|nude|breasts?|buttocks|copulat\w*|erotic\w*|murder\w*|kill(s|ed|ing|er)?|tortur\w*|molest\w*|slaves?|suicid\w*|addict\w*|"
    r"heroin|cocaine|Nazi\w*|homosexual\w*|race|Negro\w*|Jew\w*|castrat\w*|abortion|mutilat\w*|incest|menstru\w*|terroris\w*|"
    r"corpse|dead body|reproductive|milk|nipples?|scrotum|testic\w*|sit on|the death|badly|torment|to death|cause to die|retarded|skin color|decapitat\w*|intestin\w*|weapon|bowel\w*|drug|poison\w*|ethnic\w*)\b",
    re.I,
)
COUNTING = re.compile(r"^\(?(quantifier|used |ordinal|usually preceded|indefinite|denoting)|^coming next|^being [\w ]* than")
POINTING = frozenset("any other another such own under next last first made based used done given due".split())  # adjectives that tell which
PARTICIPLE = re.compile("(en|wn|rn|ain|gone|done)$")
WORD = re.compile("(?![ivxlc]+$)(?=.*[aeiouy])[a-z]{3,}")  # no figure in Roman letters
T = TypeVar("T")
Draw = Callable[[np.random.Generator], T]


class Noun(NamedTuple):
    """`many` is empty where the thing is not counted. `kind` as in `wordnet.Entry`."""

    one: str
    many: str
    kind: int


class Verb(NamedTuple):
    do: str
    does: str
    did: str
    doing: str
    kind: int
    frames: frozenset[int]


class Adjective(NamedTuple):
    """`of_people`: it tells how somebody is. `alone`: it can stand without its noun ("it is new", but not "it is dental")."""

    word: str
    of_people: bool
    alone: bool


def drawn_by_use(items: Sequence[T], word: Callable[[T], str]) -> Draw[T]:
    """A function that draws one of the items, by the flattened frequency of its word."""
    edges = np.cumsum([frequency(word(item)) ** FLATTENED for item in items])
    return lambda rng: items[int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))]


def frequency(word: str) -> float:
    """Its share of all words of English; 0 for what is in no list. Raises ConfigError without the package wordfreq."""
    return _frequencies().get(word, 0.0)


@cache
def _frequencies() -> dict[str, float]:
    try:
        from wordfreq import get_frequency_dict
    except ImportError:
        raise ConfigError("wordfreq is not installed: pip install 'duologue[synth]'") from None
    return get_frequency_dict("en")


@cache
def nouns() -> list[Noun]:
    """Everyday nouns with their plurals."""
    found = ((word, entry) for word, entry in _usual("noun") if not (word.endswith("ing") and entry.kind == ACT) and not _is_plural(word))
    return [Noun(word, _plural(word), entry.kind) for word, entry in found]


@cache
def verbs() -> list[Verb]:
    """Verbs whose forms are all known."""
    made = (Verb(word, third(word), past(word), doing(word), entry.kind, entry.frames) for word, entry in _usual("verb"))
    return [verb for verb in made if all(_is_used(form, verb.do) for form in verb[1:4])]


@cache
def adjectives() -> list[Adjective]:
    of_people = re.compile(r"\b(person|people|someone|feelings?|showing|displaying|mind|disposition|mood|temper|courage|skill)\b")
    found = ((word, entry) for word, entry in _usual("adj") if word not in POINTING and not COUNTING.search(entry.gloss))
    return [Adjective(word, bool(of_people.search(entry.gloss)), entry.kind == 0) for word, entry in found]


@cache
def manners() -> list[str]:
    """Adverbs in -ly."""
    return [word for word, _ in _usual("adv") if word.endswith("ly")]


def _usual(part: str) -> Iterator[tuple[str, wordnet.Entry]]:
    """Words of common use that are mostly this part of speech, with their first meaning; none that is rude in any."""
    entries = wordnet.entries(part)
    for word, offsets in wordnet.meanings(part).items():
        if WORD.fullmatch(word) and frequency(word) >= RAREST and _is_mostly(word, part) and word not in _unfit():
            yield word, entries[offsets[0]]


def _is_mostly(word: str, part: str) -> bool:
    """Whether a word is used as this part of speech; where nobody has counted, whether it can be nothing else."""
    count = {other: wordnet.uses()[word, other] for other in wordnet.PARTS}
    if any(count.values()):
        return count[part] >= MAIN * sum(count.values())
    return frequency(word) < COMMON and not any(word in wordnet.meanings(other) for other in wordnet.PARTS if other != part)


@cache
def _unfit() -> set[str]:
    """Words with a rude meaning, with a grim one in the first place, and those that are names of people or places as well."""
    every = {offset: entry for part in wordnet.PARTS for offset, entry in wordnet.entries(part).items()}
    told = {offset: entry.gloss.split('"')[0] for offset, entry in every.items()}
    bad = {word.lower() for offset, gloss in told.items() if RUDE.search(gloss) for word in every[offset].words}
    names = {word.lower() for entry in every.values() if entry.kind in (wordnet.PERSON, wordnet.PLACE) for word in entry.words if word[0].isupper()}
    first = (pair for part in wordnet.PARTS for pair in wordnet.meanings(part).items())
    return bad | names | {word for word, offsets in first if GRIM.search(told[offsets[0]]) or word not in every[offsets[0]].words}


def _is_used(form: str, base: str) -> bool:
    return frequency(form) > KNOWN * frequency(base)


def _plural(word: str) -> str:
    """The commonest plural, empty for what is hardly ever counted."""
    many = max([*wordnet.irregular("noun").get(word, ()), _with_s(word)], key=frequency)
    return many if frequency(many) > COUNTED * frequency(word) else ""


def _is_plural(word: str) -> bool:
    return word.endswith("s") and any(word in (_with_s(one), *wordnet.irregular("noun").get(one, ())) for one in (word[:-1], word[:-2]) if one in wordnet.meanings("noun"))


def third(verb: str) -> str:
    """The third person: "goes", "tries", "takes"."""
    return _with_s(verb)


def _with_s(word: str) -> str:
    if re.search("[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + ("es" if re.search("(s|x|z|ch|sh|[^aeiou]o)$", word) else "s")


def doing(verb: str) -> str:
    """The form in -ing: "going", "sitting", "taking"."""
    for form in wordnet.irregular("verb").get(verb, ()):
        if form.endswith("ing") and form != verb:
            return form
    stem = verb[:-2] + "y" if verb.endswith("ie") else verb[:-1] if re.search("[^eoy]e$", verb) else verb
    return stem + "ing"


def past(verb: str) -> str:
    """The past, as "went", "sat", "put", "took": of WordNet's irregular forms the one that is no participle."""
    forms = [form for form in wordnet.irregular("verb").get(verb, ()) if not form.endswith("ing") and form != verb]
    simple = [form for form in forms if not PARTICIPLE.search(form) and form.replace("u", "a") not in set(forms) - {form}]
    if not simple and doing(verb) == f"{verb}{verb[-1]}ing":
        return verb  # its last letter is doubled before -ing, and nothing is said of a past: "put"
    return max([*simple, _with_ed(verb)], key=frequency)


def _with_ed(verb: str) -> str:
    if re.search("[^aeiou]y$", verb):
        return verb[:-1] + "ied"
    return verb + ("d" if verb.endswith("e") else "ed")


@cache
def article(word: str) -> str:
    """The word with its article: "an hour", "a university"."""
    import inflect

    return inflect.engine().an(word)


