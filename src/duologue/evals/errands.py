"""Errands: what a script's user asks for that only the background side can find out. Read `errands` first, then `wanted`.

They are read off what the family `delegate` writes down about its scripts. `wanted` reads an errand off words; with
`asks` that is all the suite's background side and the cascades understand of a request: rules, standing in for a large model.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import NamedTuple

from duologue.data.families import delegate_words as words
from duologue.data.families.exchange import CLOSERS, OPENERS
from duologue.data.script import Script, Sound, reply_at
from duologue.evals.wording import contains, words_of

TOO_LATE_S = 1.0  # after it was taken back
ALIKE = 0.8  # of difflib: a key with about one letter in five misheard is still that key
CUES = {  # words without which a text asks for nothing of that topic
    "train": r"\b(?:train|bus)\b",
    "weather": r"\b(?:weather|forecast|raining|sunny|cold|warm|windy|umbrella|coat)\b",
    "price": r"\b(?:much|costs?|price|pay)\b",
    "opening": r"\bopens?\b",
    "message": r"\b(?:messages?|news|from|writes?|wrote|written|calls|says?|want|answer(?:s|ed)?|reply)\b",
    "sum": r"\b(?:plus|minus|times)\b",
    "open": r"\b(?:about|why|where|who|special|make|explain|describe|of|behind)\b",
}
CORRECTS = r"\b(?:mean|meant|make|rather|instead|not that|that is wrong|said)\b"


class Errand(NamedTuple):
    """One request, times in seconds on the script's clock.

    Attributes:
        kind: what happens to it, a class of the family.
        topic, key: what is asked for: the arguments of the call that finds it out.
        begin_s, end_s: of the user's words.
        call_s: when the script's own side hands it on.
        notes: when, by the script, each sentence of the answer comes.
        back_s: when the user has taken it back: after that its answer is stale.
    """

    kind: str
    topic: str
    key: str
    begin_s: float
    end_s: float
    call_s: float
    notes: tuple[tuple[float, str], ...]
    back_s: float | None = None

    def open_at(self, at_s: float) -> bool:
        """Whether the answer is being waited for."""
        return self.call_s < at_s < (self.notes[0][0] if self.back_s is None else self.back_s)


def errands(script: Script) -> list[Errand]:
    """What is delegated in a script, in its order; nothing in scripts of other families."""
    return list(_errands(script)) if script.family == words.FAMILY else []


def _errands(script: Script) -> Iterator[Errand]:
    kind = ""
    for item in script.about["items"]:
        kind = item.get("class", kind)
        if "call_s" in item:
            sound, topic, key = _asked(script, item), item.get("topic", ""), item.get("key", "")
            span = (sound.start_s, sound.start_s + sound.speech.seconds)
            yield Errand(kind, topic, key, *span, item["call_s"], _notes(item), item.get("back_s"))


def _notes(item: dict) -> tuple[tuple[float, str], ...]:
    """Of what was taken back, the answer that would come too late where none is scripted."""
    if "back_s" in item and "stale" not in item:
        return ((item["back_s"] + TOO_LATE_S, decoy(item["topic"], item["key"])),)
    if "stale" in item:
        return ((item["stale_s"], item["stale"]),)
    return tuple((note["note_s"], note["text"]) for note in item["notes"])


def _asked(script: Script, item: dict) -> Sound:
    """The words of a request: those that its call follows."""
    said = (s for s in script.sounds if s.speech.text == item["asked"])
    return min(said, key=lambda s: abs(reply_at(s.start_s + s.speech.seconds) - item["call_s"]))


def spoken(note: str) -> str:
    """What a note has the model say."""
    reason = note.removeprefix("failed: ")
    return words.SORRY.get(reason, reason) if reason != note else note.removeprefix("urgent: ")


def decoy(topic: str, key: str) -> str:
    """An answer about this key that sounds right, for requests that were not meant."""
    forms, values = words.ANSWERS.get(topic, (("there is nothing about <key>",), ("",)))
    return forms[0].replace("<key>", key).replace("<value>", values[words.KEYS[topic].index(key) % len(values)])


@cache
def _topics() -> dict[str, tuple[str, ...]]:
    """Which topics a key may belong to."""
    keys = {key for topic, found in words.KEYS.items() for key in found if topic != "sum"}
    return {key: tuple(topic for topic, found in words.KEYS.items() if key in found) for key in keys}


@cache
def _usual() -> frozenset[str]:
    """Words of the family's requests that are no keys: nothing else is likely to be a misheard one."""
    patterns = [*(p for found in words.TOPICS.values() for p in found), *words.WARN, *words.CORRECT]
    around = [*OPENERS, *CLOSERS]
    return frozenset(re.findall(r"[a-z]+", " ".join([*patterns, *around]).replace("<key>", ""))) - set(_topics())


def wanted(request: str, before: str = "") -> tuple[str, str] | None:
    """Topic and key of the last thing that a text asks for; None when it names no key.

    Args:
        before: what was said earlier, where "no, I meant Rome" finds its topic.
    """
    said = words_of(re.sub(r"(?<=\d) ?x ?(?=\d)", " times ", request))
    if sums := [key for key in words.KEYS["sum"] if contains(said, key, len(said))]:
        return "sum", sums[-1]
    found = [key for word in said if (key := _key(word))]
    if not found:
        return None
    topics = _topics()[found[-1]]
    return (topics[0] if len(topics) == 1 else _mentioned(f"{before} {request}", topics)), found[-1]


def _key(word: str) -> str | None:
    if word in _topics():
        return word
    close = [] if word in _usual() or len(word) < 4 else get_close_matches(word, _topics(), 1, ALIKE)
    return close[0] if close else None


def _mentioned(text: str, topics: tuple[str, ...]) -> str:
    """Which of the topics was spoken of last; the first where none was."""
    text = text.lower()
    last = {topic: max((m.end() for m in re.finditer(CUES[topic], text)), default=-1) for topic in topics}
    return max(topics, key=lambda topic: last[topic])


def asks(text: str, before: str = "") -> bool:
    """Whether a text hands on an errand, or with `before`, what an open errand was asked with, corrects it."""
    found, said = wanted(text, before), " ".join(words_of(text))
    return found is not None and bool(re.search(CUES[found[0]], said) or (before and re.search(CORRECTS, said)))
