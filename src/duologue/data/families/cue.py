"""Cue: "when I say river say lamp"; then the user tells something, and the model says its word at each cue, meanwhile.

The rule holds in context: pairs of cue and reply in tests are never trained. A rule may name a kind of word (an animal:
its sound; a number: the next one; an opposite; the count of a word so far; a Spanish word in an English sentence: its English;
something dangerous: "stop"), of which tests have members that training has not. Words that sound nearly like the cue are let
pass. Read `PATTERNS` and `script` first.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial

import numpy as np

from duologue.data.families.exchange import draw, finish, gap, held_out, line, pick, unique, vary
from duologue.data.families.lexicon import NUMBERS, OPPOSITES, SOUNDS
from duologue.data.families.rule import HEARD_LATE, acknowledges, chance, gives, holds_back, reacts
from duologue.data.families.spanish import NOUNS
from duologue.data.families.time import ACK
from duologue.data.families.timing import Scene, open_scene, own_end, quiet_between
from duologue.data.script import Line, Script, Sound, Speech
from duologue.errors import DataError

NAME = "cue"
THINGS = tuple(
    "river window garden table bread train letter bottle market bridge paper island doctor picture pocket summer "
    "mountain kitchen ticket butter flower engine village candle basket".split()
)
REPLIES = tuple(
    "lamp stop apple yes coffee blue ping seven music ready moon tiger thank hello orange beep sugar left winter go".split()
)
ANIMALS = tuple(a for a, sound in SOUNDS.items() if " " not in sound)
NEXT = {NUMBERS[n]: NUMBERS[n + 1] for n in range(1, 12)}
OPPOSITE = {a: b for a, b in OPPOSITES if a in ("hot", "big", "fast", "happy", "old", "wet", "full", "loud", "early", "clean", "rich", "strong")}
SPANISH = frozenset(
    "perro gato libro queso barco caballo zapato sombrero camino mercado puente fuego invierno espejo cuchillo regalo casa mesa "
    "silla puerta ventana cocina calle escuela iglesia playa manzana leche botella cuchara llave palabra noche semana lluvia "
    "nieve luna estrella mujer hermana vaca camisa caja piedra cabeza boca".split()
)  # nouns that an English voice says so that they can be told apart
SWITCHED = {noun.es: noun.en for noun in NOUNS if noun.es in SPANISH}
DANGERS = tuple("fire poison knife snake flood lightning gun bomb storm wolf shark earthquake volcano explosion avalanche tornado".split())
KINDS = {"animal": {a: SOUNDS[a] for a in ANIMALS}, "number": NEXT, "opposite": OPPOSITE, "switch": SWITCHED, "danger": dict.fromkeys(DANGERS, "stop")}
NEAR = dict(zip(THINGS, (
    "liver widow pardon cable bride rain ladder battle marker fridge pepper inland tractor pitcher rocket drummer "
    "fountain chicken cricket button tower ending handle villain casket".split()
), strict=True))  # fmt: skip
NEAR_SHARE = 0.3  # of the stories without other cues have a word that sounds nearly like one
UNRULED_SHARE = 0.12  # of the scripts tell the story without a rule
PAIR_SHARE = 25  # percent of the pairs of cue and reply that only tests see

_WHEN = "{when|whenever|every time|each time|if|any time}"
_HEAR = "{i say|you hear|you hear me say|i use|i mention}"
_SAY = "{say|you say|please say|just say|answer with|call out|shout}"
PATTERNS = {
    "word": (
        "when i say <cue> say <reply>", "say <reply> when i say <cue>",
        _WHEN + " " + _HEAR + " {the word|} <cue> {|then} " + _SAY + " <reply>",
        _SAY + " <reply> " + _WHEN + " " + _HEAR + " {the word|} <cue>",
        "{can you|could you|will you|would you|i want you to|i'd like you to} say <reply> " + _WHEN + " " + _HEAR + " <cue>",
        "{here's a game|new game|let's play|this is the rule} " + _WHEN + " " + _HEAR + " <cue> " + _SAY + " <reply>",
    ),
    "animal": (
        "when i say an animal say its sound",
        _WHEN + " " + _HEAR + " {an animal|any animal|some animal|the name of an animal} " + _SAY + " {its sound|the sound it makes|what it says}",
        "{make|say|do} the sound {of every animal i say|of each animal i mention|whenever i mention an animal}",
    ),
    "number": (
        "when i say a number say the next one",
        _WHEN + " " + _HEAR + " {a number|any number|some number} " + _SAY + " {the next one|the next number|what comes next|the one after}",
    ),
    "opposite": (
        "when i say an adjective say its opposite",
        _WHEN + " " + _HEAR + " {a word that has an opposite|an adjective|a word with an opposite} " + _SAY + " {the opposite|its opposite}",
    ),
    "tally": (
        "count how often i say <cue>",
        "{count|keep count of|keep counting} {how often|how many times} i say {the word|} <cue> {out loud|aloud|as i go|}",
        _WHEN + " " + _HEAR + " {the word|} <cue> {say|tell me|call out} {how often that was|how many times that makes|the count}",
    ),
    "switch": (
        "when i say a spanish word say it in english",
        _WHEN + " " + _HEAR + " {a spanish word|a word in spanish|something in spanish|some spanish} " + _SAY + " {it in english|the english word|what it is in english}",
        "{say|give me|tell me} the english {word|} {whenever|every time|each time|if} i {use|say|slip into} {a spanish one|a spanish word|spanish}",
    ),
    "danger": (
        "when i say something dangerous say stop",
        _WHEN + " " + _HEAR + " {something dangerous|anything dangerous|a danger|a dangerous thing} {|then} {say|you say|please say|shout|call out} stop",
        "{say|shout|call out} stop {whenever|every time|as soon as|if} i {mention|say|talk about|speak of} {something dangerous|anything dangerous|a danger}",
    ),
}  # fmt: skip

_STORY = (
    "{yesterday|this morning|last night|on monday|last week} {i|we|my sister|my father|somebody} {saw|found|drew|bought|lost|wanted} "
    "the <x> {near|behind|beside|and also|and then} the <y> {and then|so|because|and later} "
    "{we|they|all of us} {talked about it|laughed a lot|went home|waited for the bus|walked along the road|had to stop} "
    "{for a long while|until it was dark|before anybody came|and nobody knew why|as we always do}",
    "{i think|i know|it seems|they say|he told me} {that|} the <x> {was|stood|lay} {next to|under|not far from|behind} the <y> "
    "{when|before|after|while} {we|they|the children} {came back|got there|sat down|opened the door} "
    "{and it was|and everything was|although it was} {really|very|rather|quite} {quiet|nice|late|dark} {there|by then|at that time}",
    "{first|well first|so first} {there was|i noticed|we took} the <x> {and after that|and then|and next to it} the <y> {and in the end|and finally|and at last} "
    "{everybody|my friend|the whole family} {wanted to leave|fell asleep on the way|asked for something to eat|looked at the sky}",
)
_ANIMAL_STORY = tuple(p.replace("the <x>", "the <a>") for p in _STORY)
_NUMBER_STORY = tuple(p.replace("the <x>", "<n> of them") for p in _STORY)
_OPPOSITE_STORY = tuple(p.replace("the <x>", "something <o>") for p in _STORY)
_SWITCH_STORY = tuple(p.replace("the <x>", "the <s>") for p in _STORY)
_DANGER_STORY = tuple(p.replace("the <x>", "the <d>") for p in _STORY)
STORIES = {
    "": (0.4, _STORY), "animal": (0.12, _ANIMAL_STORY), "number": (0.12, _NUMBER_STORY), "opposite": (0.12, _OPPOSITE_STORY),
    "switch": (0.12, _SWITCH_STORY), "danger": (0.12, _DANGER_STORY),
}  # fmt: skip


def _pair(rng: np.random.Generator) -> Line:
    cue, reply = pick(rng, THINGS), pick(rng, REPLIES)
    slots = {"cue": cue, "reply": reply}
    return line(rng, NAME, "word", PATTERNS["word"], (reply,), slots, new_combo=held_out("cue", cue, reply, share=PAIR_SHARE))


def _kind(intent: str, rng: np.random.Generator) -> Line:
    slots = {"cue": pick(rng, THINGS)} if intent == "tally" else {}
    return line(rng, NAME, intent, PATTERNS[intent], (), slots)


def _story(rng: np.random.Generator) -> Line:
    """Somebody tells something in which one or two cues occur, and goes on for a while after each."""
    kind = str(rng.choice(list(STORIES), p=[share for share, _ in STORIES.values()]))
    x, y = (str(w) for w in rng.choice(THINGS, 2, replace=False))
    near = not kind and chance(rng, NEAR_SHARE)
    slots = {"x": x, "y": NEAR[y] if near else y, "a": pick(rng, ANIMALS), "n": pick(rng, tuple(NEXT)), "o": pick(rng, tuple(OPPOSITE)),
             "s": pick(rng, tuple(SWITCHED)), "d": pick(rng, DANGERS)}  # fmt: skip
    text = vary(rng, pick(rng, STORIES[kind][1]))
    for name, value in slots.items():
        text = text.replace(f"<{name}>", value)
    return Line(NAME, "story", text, (), {"kind": kind}, held_out("story", *text.split()[:4]) or _unheard(kind, slots))


def _unheard(kind: str, slots: dict[str, str]) -> bool:
    """Whether the member of an open kind is one that only tests say."""
    return kind in ("switch", "danger") and held_out(kind, slots[kind[0]], share=PAIR_SHARE)


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless rules, and stories with cues in them."""
    kinds = [(1, partial(_kind, intent)) for intent in PATTERNS if intent != "word"]
    return draw(rng, split, [(4, _pair), *kinds, (9, _story)])


def own_texts() -> Iterable[str]:
    """All that a rule can ask for."""
    return unique([ACK, *REPLIES, *(SOUNDS[a] for a in ANIMALS), *NEXT.values(), *OPPOSITE.values(), *SWITCHED.values(), *NUMBERS[1:11]])


def answer_to(rule: Line, word: str, count: int) -> str:
    """What the rule wants after a word of the story, "" for nothing; `count` is how often the cue came before."""
    if rule.intent == "tally":
        return NUMBERS[count + 1] if word == rule.slots["cue"] else ""
    if rule.intent == "word":
        return rule.slots["reply"] if word == rule.slots["cue"] else ""
    return KINDS[rule.intent].get(word, "")


def nearly(rule: Line, word: str) -> bool:
    """Whether a word sounds nearly like the cue, and is not it."""
    return word == NEAR.get(rule.slots.get("cue"))


def _fitting(scene: Scene, rule: Line) -> Speech:
    """A story, most likely one in which the rule finds something, or nearly, if the bank has one."""
    luck = scene.rng.random()
    if "cue" in rule.slots and luck < 0.2:
        finds = lambda word: nearly(rule, word)  # noqa: E731
    else:
        finds = lambda word: answer_to(rule, word, 0)  # noqa: E731
    with suppress(DataError):
        if luck < 0.8:
            return scene.line(NAME, "story", lambda story: any(map(finds, story.text.split())))
    return scene.line(NAME, "story")


def _tells(scene: Scene, rule: Line, now_s: float, ruled: bool) -> float:
    """One story, or two without a pause between, and what is said at its cues. Returns when it is over."""
    wanted, near_s, count, end_s = [], [], 0, now_s
    for _ in range(scene.rng.integers(1, 4)):
        speech = _fitting(scene, rule)
        scene.script.sounds.append(Sound(end_s, speech))
        for word in speech.words:
            if (said := answer_to(rule, word.text, count)) and ruled:
                wanted.append(reacts(scene, end_s + word.end_s, said, late=HEARD_LATE))
                count += 1
            elif said or nearly(rule, word.text):
                near_s.append(end_s + word.end_s)
        end_s += speech.seconds + float(scene.rng.uniform(0.1, 0.6))
    over_s = max([end_s, *(own_end(o) for o in scene.script.own)]) + 1.5
    for at_s in near_s:
        holds_back(scene, at_s, wanted)
    quiet_between(scene.script, now_s, over_s, wanted)
    about = {"class": rule.intent, "rule": rule.text, "ruled": ruled, "cues": count, "near_s": near_s if ruled else []}
    scene.script.about["items"].append(about)
    return over_s


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """A rule, mostly, and what the user tells then."""
    scene = open_scene(NAME, rng, bank, split, voice)
    intent, now_s, ruled = pick(rng, ("word", "word", *PATTERNS)), gap(rng), not chance(rng, UNRULED_SHARE)
    if ruled:
        rule, end_s = gives(scene, lines, now_s, intent)
        now_s = acknowledges(scene, rule, end_s) + float(rng.uniform(0.4, 1.5))
    else:
        rule = next(x for x in lines(rng, split) if x.intent == intent)
    return finish(scene.script, rng, _tells(scene, rule, now_s, ruled))
