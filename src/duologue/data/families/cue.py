"""Cue: "when I say river say lamp"; then the user tells something, and the model says its word at each cue, meanwhile.

The rule holds in context: pairs of cue and reply in tests are never trained. A rule may name a kind of word (an animal:
its sound; a number: the next one; an opposite; the count of a word so far). Read `RULES` and `script` first.
"""

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np

from duologue.data.families.exchange import draw, finish, gap, held_out, line, pick, unique, vary
from duologue.data.families.lexicon import NUMBERS, OPPOSITES, SOUNDS
from duologue.data.families.rule import acknowledges, chance, gives, holds_back, reacts
from duologue.data.families.time import ACK
from duologue.data.families.timing import Scene, open_scene, own_end, quiet_between
from duologue.data.script import Line, Script, Sound, Speech

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


def _pair(rng: np.random.Generator) -> Line:
    cue, reply = pick(rng, THINGS), pick(rng, REPLIES)
    slots = {"cue": cue, "reply": reply}
    return line(rng, NAME, "word", PATTERNS["word"], (reply,), slots, new_combo=held_out("cue", cue, reply, share=PAIR_SHARE))


def _kind(intent: str, rng: np.random.Generator) -> Line:
    slots = {"cue": pick(rng, THINGS)} if intent == "tally" else {}
    return line(rng, NAME, intent, PATTERNS[intent], (), slots)


def _story(rng: np.random.Generator) -> Line:
    """Somebody tells something in which one or two cues occur, and goes on for a while after each."""
    kinds = {"": _STORY, "animal": _ANIMAL_STORY, "number": _NUMBER_STORY, "opposite": _OPPOSITE_STORY}
    kind = str(rng.choice(list(kinds), p=[0.55, 0.15, 0.15, 0.15]))
    x, y = (str(w) for w in rng.choice(THINGS, 2, replace=False))
    slots = {"x": x, "y": y, "a": pick(rng, ANIMALS), "n": pick(rng, tuple(NEXT)), "o": pick(rng, tuple(OPPOSITE))}
    text = vary(rng, pick(rng, kinds[kind]))
    for name, value in slots.items():
        text = text.replace(f"<{name}>", value)
    return Line(NAME, "story", text, (), {"kind": kind}, held_out("story", *text.split()[:4]))


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless rules, and stories with cues in them."""
    kinds = [(1, partial(_kind, intent)) for intent in ("animal", "number", "opposite", "tally")]
    return draw(rng, split, [(4, _pair), *kinds, (7, _story)])


def own_texts() -> Iterable[str]:
    """All that a rule can ask for."""
    return unique([ACK, *REPLIES, *(SOUNDS[a] for a in ANIMALS), *NEXT.values(), *OPPOSITE.values(), *NUMBERS[1:11]])


def answer_to(rule: Line, word: str, count: int) -> str:
    """What the rule wants after a word of the story, "" for nothing; `count` is how often the cue came before."""
    if rule.intent == "tally":
        return NUMBERS[count + 1] if word == rule.slots["cue"] else ""
    if rule.intent == "word":
        return rule.slots["reply"] if word == rule.slots["cue"] else ""
    return {"animal": {a: SOUNDS[a] for a in ANIMALS}, "number": NEXT, "opposite": OPPOSITE}[rule.intent].get(word, "")


def _fitting(scene: Scene, rule: Line) -> Speech:
    """A story, most likely one in which the rule finds something."""
    if chance(scene.rng, 0.25):
        return scene.line(NAME, "story")
    return scene.line(NAME, "story", lambda story: any(answer_to(rule, word, 0) for word in story.text.split()))


def _tells(scene: Scene, rule: Line, now_s: float, ruled: bool) -> float:
    """One story, or two without a pause between, and what is said at its cues. Returns when it is over."""
    wanted, count, end_s = [], 0, now_s
    for _ in range(scene.rng.integers(1, 4)):
        speech = _fitting(scene, rule)
        scene.script.sounds.append(Sound(end_s, speech))
        for word in speech.words:
            if (said := answer_to(rule, word.text, count)) and ruled:
                wanted.append(reacts(scene, end_s + word.end_s, said))
                count += 1
            elif said:
                holds_back(scene, end_s + word.end_s, [])
        end_s += speech.seconds + float(scene.rng.uniform(0.1, 0.6))
    over_s = max([end_s, *(own_end(o) for o in scene.script.own)]) + 1.5
    quiet_between(scene.script, now_s, over_s, wanted)
    scene.script.about["items"].append({"class": rule.intent, "rule": rule.text, "ruled": ruled, "cues": count})
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
