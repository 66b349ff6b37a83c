"""Translate: "translate from Spanish"; then words, nouns with adjectives and short sentences, and English meanwhile.

The model lags a word or two: an English word is said once the Spanish words that decide it have been heard, and a noun
waits to know whether an adjective follows, for English puts that first. Read `heard_by` and `script` first.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from duologue.data import freedict
from duologue.data.families.exchange import draw, finish, gap, held_out, line, pick, unique
from duologue.data.families.rule import HEARD_LATE, acknowledges, chance, gives, soon
from duologue.data.families.spanish import ADJECTIVES, DETERMINERS, NOUNS, NUMBERS, OTHERS, VERBS, Noun, adjective
from duologue.data.families.time import ACK
from duologue.data.families.timing import Scene, open_scene, own_end, quiet_between
from duologue.data.pieces import splice
from duologue.data.script import Check, Line, Own, Script, Sound, Speech
from duologue.data.voices import ESTEFANIA
from duologue.errors import DataError

NAME = "translate"
LANGUAGE = "es"
PAUSE_S = 0.35  # after which nothing that belongs to the word before can follow
BEHIND_S = 1.2  # how far the user lets the model fall behind
LAG_S = 2.5
RECORDED = "recorded"  # intent of what a person recorded (`recorded_spanish`): a noun with its article, perhaps an adjective
RECORDED_SHARE = 0.1  # of the training conversations, where the bank has recordings
PAIR_SHARE = 20  # percent of the pairs of noun and adjective, or noun and verb, that only tests say

PATTERNS = {
    "rule": (
        "translate from spanish", "translate what i say into english",
        "{please|can you|could you|will you|would you|} translate {from spanish|my spanish|what i say|what i say in spanish|everything} "
        "{|to english|into english|for me|while i speak|as i go}",
        "{i'm going to|i will|i'll} {speak|talk} spanish {and you|please} {translate|say it in english|interpret}",
        "{say|tell me|give me} {in english|the english for} {what i say|every word i say|whatever i say} {|in spanish|while i speak}",
        "{be|you are|act as} my interpreter {|from spanish|for spanish|from spanish to english}",
        "{spanish to english|from spanish to english|live translation|simultaneous translation} {please|now|for me}",
    ),
}  # fmt: skip


class Part(NamedTuple):
    """An English word, and the index of the last Spanish word that must have been heard before it can be said.

    `open`: it also takes the word after that, or a pause, to know that nothing comes before it.
    """

    english: str
    needs: int
    open: bool = False


def _noun(rng: np.random.Generator) -> Noun:
    return pick(rng, NOUNS)


def _phrase(rng: np.random.Generator, at: int, described: bool, determined: bool) -> tuple[list[str], list[Part], tuple[str, str]]:
    """A noun with its article and adjective: Spanish words, English parts, and what is paired. `at` is the first index."""
    noun, words, parts, quality = _noun(rng), [], [], ("", "")
    if determined:
        *forms, en = pick(rng, DETERMINERS)
        words.append(forms[noun.feminine])
        parts.append(Part(en, at))
    words.append(noun.es)
    if described:
        quality = pick(rng, ADJECTIVES)
        words.append(adjective(quality[0], noun.feminine))
        parts += [Part(quality[1], at + len(words) - 1), Part(noun.en, at + len(words) - 1)]
    else:
        parts.append(Part(noun.en, at + len(words) - 1, open=True))
    return words, parts, (noun.es, quality[0])


def _words(rng: np.random.Generator, more: Sequence[tuple[str, str]] = ()) -> tuple[list[str], list[Part], tuple[str, str]]:
    """Three to six words in a row, of any kind; half of them of a dictionary, if there is `more`."""
    kinds = [[(n.es, n.en) for n in NOUNS], (*NUMBERS, *OTHERS), more]
    shares = (0.3, 0.2, 0.5) if more else (0.6, 0.4, 0.0)
    words = [pick(rng, kinds[rng.choice(3, p=shares)]) for _ in range(rng.integers(3, 7))]
    return [es for es, _ in words], [Part(en, k) for k, (_, en) in enumerate(words)], (words[0][0], words[1][0])


def _pairs(rng: np.random.Generator) -> tuple[list[str], list[Part], tuple[str, str]]:
    """One to three nouns with their adjectives."""
    words, parts = [], []
    for _ in range(rng.integers(1, 4)):
        more, english, pair = _phrase(rng, len(words), described=True, determined=False)
        words, parts = words + more, parts + english
    return words, parts, pair


def _sentence(rng: np.random.Generator) -> tuple[list[str], list[Part], tuple[str, str]]:
    """Somebody does something to something."""
    words, parts, (noun, _) = _phrase(rng, 0, described=chance(rng, 0.4), determined=True)
    es, en = pick(rng, VERBS)
    parts.append(Part(en, len(words)))
    words.append(es)
    more, english, _ = _phrase(rng, len(words), described=chance(rng, 0.5), determined=True)
    return words + more, parts + english, (noun, es)


def _wide(rng: np.random.Generator) -> tuple[list[str], list[Part], tuple[str, str]]:
    """For training, where a dictionary is installed: tests are the same on every machine."""
    return _words(rng, freedict.words())


KINDS = {"words": _words, "pairs": _pairs, "sentence": _sentence}


def _said(kind: str, split: str, rng: np.random.Generator) -> Line:
    """Spanish, with its English parts; words and pairs have commas between, so that they are read as a list."""
    words, parts, pair = (_wide if (kind, split) == ("words", "train") else KINDS[kind])(rng)
    size = {"words": 1, "pairs": 2, "sentence": len(words)}[kind]
    text = ", ".join(" ".join(words[k : k + size]) for k in range(0, len(words), size))
    slots = {"parts": [list(part) for part in parts], "language": LANGUAGE}
    return Line(NAME, kind, text, (), slots, held_out("translate", *pair, share=PAIR_SHARE))


def _rule(rng: np.random.Generator) -> Line:
    return line(rng, NAME, "rule", PATTERNS["rule"], ())


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless rules in English, and words, pairs and sentences in Spanish (slot "language")."""
    return draw(rng, split, [(1, _rule), *((3, partial(_said, kind, split)) for kind in KINDS)])


def own_texts() -> Iterable[str]:
    """Every English word."""
    words = [*(n.en for n in NOUNS), *(en for _, en in (*ADJECTIVES, *VERBS, *NUMBERS, *OTHERS))]
    return unique([ACK, *(en for *_, en in DETERMINERS), *words])


def heard_by(speech: Speech, part: Part) -> float:
    """When all that decides an English word has been heard, in seconds of the speech."""
    words = speech.words
    end_s = words[part.needs].end_s
    if not part.open:
        return end_s
    following = words[part.needs + 1].end_s if part.needs + 1 < len(words) else np.inf
    return float(min(following, end_s + PAUSE_S))


def _translates(scene: Scene, speech: Speech, now_s: float) -> None:
    """The English of a speech that begins at `now_s`, word by word."""
    script = scene.script
    for part in (Part(*values) for values in speech.line.slots["parts"]):
        heard_s = now_s + heard_by(speech, part)
        free_s = own_end(script.own[-1]) + 0.02 if script.own else 0.0
        own = Own(max(soon(scene, heard_s, HEARD_LATE), free_s), scene.bank.own_word(part.english))
        script.own.append(own)
        script.checks.append(Check("answer", heard_s, max(heard_s + LAG_S, own.start_s + 0.1), (part.english,), heard_s))


def _recorded(scene: Scene) -> Speech:
    """Two to five recordings of this scene's voice in a row."""
    pieces = [scene.line(NAME, RECORDED) for _ in range(scene.rng.integers(2, 6))]
    parts, words = [], 0
    for piece in pieces:
        parts += [[english, words + needs, waits] for english, needs, waits in piece.line.slots["parts"]]
        words += len(piece.words)
    text = ", ".join(piece.text for piece in pieces)
    line = Line(NAME, "words", text, (), {"parts": parts, "language": LANGUAGE})
    return replace(splice(text, pieces, float(scene.rng.uniform(0.1, 0.5))), line=line)


def _speaks(scene: Scene, now_s: float) -> float:
    """The user says several things in Spanish, hardly waiting. Returns when all has been said in English."""
    first_s, begin, at_s = now_s, len(scene.script.own), now_s
    for _ in range(scene.rng.integers(2, 6)):
        speech = _recorded(scene) if scene.voice == ESTEFANIA else scene.line(NAME, pick(scene.rng, tuple(KINDS)))
        scene.script.sounds.append(Sound(at_s, speech))
        _translates(scene, speech, at_s)
        end_s = at_s + speech.seconds
        at_s = max(end_s + float(scene.rng.uniform(0.2, 1.0)), own_end(scene.script.own[-1]) - BEHIND_S)
    owns = scene.script.own[begin:]
    over_s = max(end_s, own_end(owns[-1])) + 2.0
    quiet_between(scene.script, first_s, over_s, [(owns[0].start_s - 0.2, own_end(owns[-1]) + 0.3)])
    english = " ".join(own.speech.text for own in owns)
    scene.script.about["items"].append({"class": "translate", "english": english, "until_s": round(end_s, 2)})
    return over_s


def _voice(rng: np.random.Generator, bank, split: str) -> str:
    """Somebody who speaks Spanish; in training now and then one who only has recordings."""
    if split == "train" and chance(rng, RECORDED_SHARE):
        with suppress(DataError):  # the bank has none
            return bank.sample(rng, NAME, RECORDED).voice
    return bank.sample(rng, NAME, "sentence", split=split).voice


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """The rule, and then Spanish. Without a voice, by somebody who has said some; a given voice must have."""
    if voice:  # else it is not this voice's conversation
        bank.sample(rng, NAME, RECORDED if voice == ESTEFANIA else "sentence", voice=voice, split=split)
    scene = open_scene(NAME, rng, bank, split, voice or _voice(rng, bank, split))
    rule, end_s = gives(scene, lines, gap(rng), "rule")
    now_s = acknowledges(scene, rule, end_s) + float(rng.uniform(0.4, 1.5))
    return finish(scene.script, rng, _speaks(scene, now_s))
