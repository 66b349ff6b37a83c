"""What a cascade makes of a transcript: rules over nano's closed world. Read `understand` first.

The rules know the world better than any learned system may: its words, its facts, and (`cascade_phrases`) every fixed phrase
of the families word for word. So what a cascade loses, it loses by its timing or by its recogniser.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from functools import cache, lru_cache

from duologue.data.families import time
from duologue.data.families.lexicon import COLOURS, DAYS, MONTHS, NUMBERS, OPPOSITES, PLURALS, SIZES, SOUNDS, a
from duologue.evals.cascade_phrases import ALIKE, Request, fillers, phrase, plain
from duologue.evals.wording import HOMOPHONES, words_of

TOP = 20


def understand(text: str, moment: str = "idle") -> Request | None:
    """The last thing that a transcript asks for; None when it is no request, or not a whole one.

    Args:
        text: as a recogniser writes it.
        moment: one of BOOKS.
    """
    return _understood(plain(text), moment)


@lru_cache(4096)
def _understood(text: str, moment: str) -> Request | None:
    if found := phrase(text, moment, 1.0):
        return found
    return _timed(text) or _asked(text) or phrase(text, moment, ALIKE) or _repeated(text)


def _timed(text: str) -> Request | None:
    found = re.findall(rf"\b({_any(NUMBERS[:100])}) seconds?\b", text)
    if not found or "how" in text.split():
        return None
    named = re.findall(r"\b(?:say|saying|hear|repeat|repeating|word) (?:the word )?([a-z]+)", text)
    word = _timed_word([HOMOPHONES.get(w, w) for w in named]) or _timed_word([w for w in text.split() if w not in ("up", "time")])
    word = word or _closest(named, time.WORDS)
    if word is None:
        return None
    return Request("every" if "every" in text.split() else "once", (word,), NUMBERS.index(found[-1]))


def _timed_word(words: Sequence[str]) -> str | None:
    return next((word for word in words if word in time.WORDS), None)


def _closest(words: Sequence[str], known: Sequence[str]) -> str | None:
    """The known word that a misheard one is likeliest to be."""
    return next((found[0] for word in words if (found := get_close_matches(word, known, 1, 0.6))), None)


def _any(words: Sequence[str]) -> str:
    """The words as alternatives of a pattern, the longest first."""
    return "|".join(sorted({" ".join(words_of(w)) for w in words}, key=lambda w: (-len(w), w)))


def _values(pairs: dict[str, str]) -> dict[str, str]:
    """By the word without its article, as a transcript has it."""
    return {_bare_noun(" ".join(words_of(key))): value for key, value in pairs.items()}


def _bare_noun(text: str) -> str:
    return re.sub(r"^(?:an?|the) ", "", text)


N = rf"({_any(NUMBERS[: TOP + 1])})"
M = rf"({_any((*NUMBERS[: TOP + 1], 'to', 'too', 'for', 'won', 'ate'))})"  # beside "plus" these can only be numbers
MISHEARD = {"to": "two", "too": "two", "for": "four", "won": "one", "ate": "eight"}
OPPOSITE = {word: other for pair in OPPOSITES for word, other in (pair, pair[::-1])}
COLOUR, SOUND, PLURAL = _values(COLOURS), _values(SOUNDS), _values(PLURALS)
THING = rf"(?:an? |the )?({_any(SIZES)})"
DAY, MONTH = rf"({_any(DAYS)})", rf"({_any(MONTHS)})"
THEN = r"(?:.* )?"  # whatever comes between, a corrected word among it
KIN = r"(?:color|colour)"


def _animal(name: str) -> Request:
    return Request("answer", (f"it says {SOUND[name]}",))


def _number(word: str) -> int:
    return NUMBERS.index(MISHEARD.get(word, word))


def _is(fact: str) -> Request:
    """The answer as a sentence: a lone word is harder to understand."""
    return Request("answer", (f"it's {fact}",))


def _says(n: int) -> Request | None:
    return _is(NUMBERS[n]) if 0 <= n < len(NUMBERS) else None


def _sum(x: str, y: str) -> Request | None:
    return _says(_number(x) + _number(y))


def _minus(x: str, y: str) -> Request | None:
    return _says(_number(x) - _number(y))


def _from(x: str, y: str) -> Request | None:
    return _minus(y, x)


def _times(x: str, y: str) -> Request | None:
    return _says(_number(x) * _number(y))


def _count(x: str, y: str) -> Request:
    first, last = _number(x), _number(y)
    step = 1 if last >= first else -1
    return Request("recite", tuple(NUMBERS[n] for n in range(first, last + step, step)))


def _more(x: str, y: str) -> Request:
    return Request("answer", ("yes it is" if _number(x) > _number(y) else "no it isn't",))


def _less(x: str, y: str) -> Request:
    return _more(y, x)


def _step(ring: Sequence[str], by: int) -> Callable[[str], Request]:
    return lambda name: _is(ring[(ring.index(name) + by) % len(ring)])


def _look(table: dict[str, str]) -> Callable[[str], Request]:
    return lambda word: _is(table[word])


def _size(biggest: bool) -> Callable[[str, str], Request]:
    sizes = [" ".join(words_of(thing)) for thing in SIZES]
    return lambda x, y: _is(a(SIZES[(max if biggest else min)(sizes.index(x), sizes.index(y))]))


def _near(names: str, ring: Sequence[str]) -> Iterator[tuple[str, Callable]]:
    """Next and before, for days and for months."""
    yield rf"\b(?:after|follows|next) (?!me\b){THEN}{names}\b", _step(ring, 1)
    yield rf"\b{names} (?:and (?:then|next)|(?:and )?(?:now )?what (?:is|comes) next|which \w+ is next)", _step(ring, 1)
    yield rf"\b(?:is|was|suppose|if|say) {names} .*next\b", _step(ring, 1)
    yield rf"\b(?:before|precedes|previous|below) {THEN}{names}\b", _step(ring, -1)
    yield rf"\b(?:is|was|suppose|if|say) {names} .*before\b", _step(ring, -1)


RULES: tuple[tuple[str, Callable], ...] = (
    (rf"\bfrom {N} (?:to|until|up to|down to|minus|two|and count to|on to) {N}\b", _count),
    (rf"\b(?:count|at|start at|begin at) {N} (?:to|two|and (?:count|go on) (?:to|until)) {N}\b", _count),
    (rf"\b{M} (?:plus|and) {M} (?:together|altogether|more)\b", _sum),
    (rf"\b{M} plus {M}\b", _sum),
    (rf"\b(?:add|sum of|much (?:is|are|would be)|get for|plus) {M} (?:and|to) {M}\b", _sum),
    (rf"\b{N} \w+ and (?:get|find|buy) {N}\b", _sum),
    (rf"\b{N} \w+ and (?:lose|give away|drop) {N}\b", _minus),
    (rf"\b{M} (?:minus|less|take away) {M}\b", _minus),
    (rf"\bdifference between {N} and {N}\b", _minus),
    (rf"\b(?:take|subtract) {N} (?:away )?(?:from|off) {N}\b", _from),
    (rf"\b{M} (?:times|x|multiplied by) {M}\b", _times),
    (rf"\b(?:multiply|product of) {N} (?:by|and|with) {M}\b", _times),
    (rf"\b{N} (?:is )?(?:bigger|larger|greater|more|higher) than {N}\b", _more),
    (rf"\b{N} (?:is )?(?:smaller|less|lower) than {N}\b", _less),
    (rf"\b(?:double|twice)(?: of)? {THEN}{N}\b", lambda x: _says(2 * _number(x))),
    (rf"\b{N} doubled\b", lambda x: _says(2 * _number(x))),
    (rf"\b(?:half|halve)(?: of)? {THEN}{N}\b|\bcut in half {N}\b|\b{N} (?:divided by two|cut in half|over two)\b",
     lambda *found: _says(_number(next(filter(None, found))) // 2)),
    (rf"\b(?:after|follows|next number from|what is one more than|up from) (?!me\b|two is\b){THEN}{N}\b", lambda x: _says(_number(x) + 1)),
    (rf"\b{N} and (?:then|next|what comes next)\b", lambda x: _says(_number(x) + 1)),
    (rf"\bam at {N} what is next\b", lambda x: _says(_number(x) + 1)),
    (rf"\b(?:before|precedes|below|what is one less than) {THEN}{N}\b", lambda x: _says(_number(x) - 1)),
    *_near(DAY, DAYS),
    *_near(MONTH, MONTHS),
    (rf"\b{DAY} .*tomorrow\b|\btomorrow .*{DAY}\b", lambda x, y: _step(DAYS, 1)(x or y)),
    (rf"\b{DAY} .*yesterday\b|\byesterday .*{DAY}\b", lambda x, y: _step(DAYS, -1)(x or y)),
    (r"\b(?:the|all|from|name|say) (?:days|weekdays)\b(?! of(?: the)?$)", lambda: Request("recite", DAYS)),
    (r"\b(?:the|all|from|name|say) months\b(?! of(?: the)?$)", lambda: Request("recite", MONTHS)),
    (rf"\bopposite of {THEN}({_any(tuple(OPPOSITE))})\b", _look(OPPOSITE)),
    (rf"\bnot ({_any(tuple(OPPOSITE))}) (?:what|then)\b", _look(OPPOSITE)),
    (rf"\b({_any(tuple(OPPOSITE))}) and the opposite\b", _look(OPPOSITE)),
    (rf"\b{KIN}\b.* ({_any(tuple(COLOUR))})\b|\b({_any(tuple(COLOUR))})\b.* {KIN}\b", lambda x, y: _look(COLOUR)(x or y)),
    (rf"\b(?:does|sounds?|noise|voice|(?:sound|talk|speak) like) .*({_any(tuple(SOUND))})\b", _animal),
    (rf"\b({_any(tuple(SOUND))}) (?:says|goes|makes)\b", _animal),
    (rf"\bplural of {THEN}({_any(tuple(PLURAL))})\b", _look(PLURAL)),
    (rf"\bone ({_any(tuple(PLURAL))})\b", _look(PLURAL)),
    (rf"\b({_any(tuple(PLURAL))}) in the plural\b", _look(PLURAL)),
    *((rf"\b(?:{name})\b.*?\b{THING} (?:or|and) {THING}\b|\b{THING} (?:or|and) {THING} .*\b(?:{name})\b",
       lambda w, x, y, z, biggest=biggest: _size(biggest)(w or y, x or z))
      for name, biggest in (("bigger|larger", True), ("smaller", False))),
    (r"\b(?:slower|slowly|slow (?:it )?down|too fast|not so fast)\b", lambda: Request("slower")),
    (r"^(?:again|pardon|sorry what)$|\b(?:it|that|say) again\b|\b(?:once|one) more(?: time)?(?: please)?$|\bonce again\b|\btell me again\b"
     r"|\bwhat (?:was that|did you say|you said)\b|\bnot (?:hear|catch|get) (?:you|that)\b|\bmissed that\b|\bcome again\b"
     r"|\brepeat (?:it|that|please)$|\banother time\b|(?:^|\b(?:can|could|would|will) you )(?:please )?(?:say|repeat) (?:it|that)(?: please)?$|\band again\b",
     lambda: Request("again")),
)  # fmt: skip


@cache
def _compiled() -> list[tuple[re.Pattern, Callable]]:
    return [(re.compile(pattern), answer) for pattern, answer in RULES]


def _asked(text: str) -> Request | None:
    """The question that begins last: somebody who corrects himself means the last one."""
    if re.search(r"\b(?:after|echo|copy) me\b", text):
        return None
    text = fillers().sub("", text)
    found = [(match.start(), answer, match) for rule, answer in _compiled() for match in rule.finditer(text)]
    for _, answer, match in sorted(found, key=lambda one: -one[0]):
        if request := answer(*match.groups()):
            return request
    return None


_LEAD = re.compile(
    r"^.*?\b(?:(?:repeat|say|copy|echo)(?: after me| me)?|after me|my words|hear you say|hear|i say|i am saying|what i say is"
    r"|(?:here are |these are )?the words are|(?:here|these) are the words)\b"
    r"(?: (?:please|now|the following|these words|this|the words|the word|what i say|after me|i say|you))*(?: these)? "
)
_END = re.compile(
    r"(?: (?:for me|after me|back to me|please repeat|repeat them|please|to me|now you(?: say it)?|and you repeat|you say it too))+$"
)

_CUTS = re.compile(
    r"\b(?:what (?:is|color|comes|does|sound|day|month|number)|how much|which|opposite|plural|plus|minus|times|count"
    r"|stop|enough|wait|hold on|hang on|quiet|pause|hush|silence|no more)\b"
)


def cuts_in(text: str) -> bool:
    """Whether something said into a recital, perhaps not yet to its end, is meant for the one who recites."""
    request = understand(text, "reciting")
    return bool(_CUTS.search(plain(text))) or (request is not None and request.intent in ("stop", "wait", "answer", "recite"))


UNFINISHED = frozenset("the of a an is than after before".split())  # "say the opposite of": not words to be repeated


def _repeated(text: str) -> Request | None:
    lead = _LEAD.match(text)
    words = _END.sub("", text[lead.end() :]) if lead else ""
    return Request("answer", (words,)) if words and words.split()[-1] not in UNFINISHED else None
