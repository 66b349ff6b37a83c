"""The families' fixed phrases, and what each may mean: talk, stopping, waiting, uh-huh. Read `phrase`."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from itertools import product
from typing import NamedTuple

from duologue.data.families import hold, interrupt, invite, pause, talk, time
from duologue.data.families.exchange import bare
from duologue.evals.wording import words_of

ALIKE = 0.85  # of difflib: a phrase with about one letter in seven misheard is still that phrase
HUMS = frozenset("um uh er uhm".split())  # "uh" only where no "huh" follows
BOOKS = {  # what is going on -> whose phrases come first, for "right" or "go on" mean what the moment makes of them
    "reciting": ("stop", "wait", "backchannel"),
    "paused": ("resume", "stop", "wait"),
    "timing": ("cancel", "stop"),
    "idle": (),
}


class Request(NamedTuple):
    """What the user wants.

    intent: "answer" (say `items[0]`) · "recite" (say `items` one by one) · "again" · "slower" · "stop" · "wait" ·
    "resume" · "once" and "every" (say `items[0]` after, or every, `seconds`) · "cancel" · "mark" (from now on the clock
    is watched) · "elapsed" · "backchannel" (nothing).
    """

    intent: str
    items: tuple[str, ...] = ()
    seconds: int = 0


def plain(text: str) -> str:
    """The transcript in the form that the rules read: no hums, numbers as words."""
    return " ".join(w for w in re.sub(r"\buh (?!huh)", "", " ".join(words_of(text)) + " ").split() if w not in HUMS)


def expansions(pattern: str) -> list[str]:
    """Every text of a grammar of alternatives, see `exchange.vary`."""
    if not (found := re.search(r"\{([^{}]*)\}", pattern)):
        return [" ".join(pattern.split())]
    before, after = pattern[: found.start()], pattern[found.end() :]
    return [text for option in found[1].split("|") for text in expansions(f"{before}{option}{after}")]


def _sources() -> Iterator[tuple[str, Sequence[str]]]:
    """Intent and phrases; talk and hand-overs by the name of what answers them."""
    yield from (("stop", interrupt.STOP), ("wait", interrupt.WAIT), ("resume", interrupt.RESUME))
    yield "filler", (*pause.FILLER, *pause.MARKER)
    yield from (("cancel", time.CANCEL), ("elapsed", time.ELAPSED), ("mark", time.GO))
    yield from ((f"talk/{name}", phrases) for name, (_, phrases, _) in talk.INTENTS.items())
    yield from ((f"invite/{name}", phrases) for name, phrases in invite.HAND_OVER.items())
    yield "backchannel", hold.BACKCHANNEL


@cache
def _phrasebook() -> dict[str, dict[str, None]]:
    """Every fixed phrase of the families, and in order what it may mean."""
    book: dict[str, dict[str, None]] = {}
    for intent, patterns in _sources():
        events = dict.fromkeys(time.EVENTS) if intent in ("mark", "elapsed") else {""}
        for pattern, event in product(patterns, events):
            for text in expansions(pattern.replace("<event>", event)):
                book.setdefault(plain(text), {})[intent] = None
    book.pop("", None)
    return book


def phrase(text: str, moment: str, alike: float) -> Request | None:
    """The fixed phrase that this is, as it stands or without fillers and courtesies."""
    book = _phrasebook()
    for said in (text, bare(text)):
        found = [said] if said in book else get_close_matches(said, book, 1, alike) if alike < 1 else ()
        if found:
            intents = book[found[0]]
            return _meant(next((name for name in BOOKS[moment] if name in intents), _calm(intents)))
    return None


def _calm(intents: dict[str, None]) -> str:
    """Talk before stopping and resuming: where nothing goes on, "great thanks" stops nothing."""
    return min(intents, key=lambda name: name in ("stop", "wait", "resume", "cancel"))


def _meant(intent: str) -> Request | None:
    """None for what only fills a pause."""
    if intent == "filler":
        return None
    family, _, name = intent.partition("/")
    if family == "talk":
        return Request("answer", talk.INTENTS[name][2][:1])
    if family == "invite":
        return Request("answer", invite.REPLIES[name][:1])
    return Request(intent)


@cache
def fillers() -> re.Pattern:
    """What somebody says in the middle of a question while looking for its end, "let me think"."""
    phrases = {plain(text) for pattern in pause.FILLER for text in expansions(pattern)}
    longest_first = sorted((said for said in phrases if " " in said), key=lambda said: (-len(said), said))
    return re.compile(rf"\b(?:{'|'.join(longest_first)}) ")
