"""Pronounce: "if i say a word wrong, say it right"; then the user tells something or reads out words, and one has a wrong sound.

A wrong word is a respelling ("pindow"): no English word, said by every engine as it is written. `hear` writes the respelling, as it writes
every word by its sound: what the word should have been is for the voice to say, while the user goes on. Unusual words that are said
rightly are let pass. Tests say words wrong, and unusual ones, that training does not. Read `WRONG`, `told` and `script` first.
"""

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np

from duologue.data.families.exchange import draw, finish, gap, held_out, line, pick, unique, vary
from duologue.data.families.rule import HEARD_LATE, acknowledges, chance, gives, holds_back, reacts
from duologue.data.families.time import ACK
from duologue.data.families.timing import Scene, open_scene, own_end, quiet_between
from duologue.data.script import Line, Script, Sound

NAME = "pronounce"
WRONG_SHARE, UNUSUAL_SHARE = 0.6, 0.4  # of what is told has a word said wrong; one that is unusual
UNRULED_SHARE = 0.12  # of the scripts have wrong words that nobody asked to be told of
AFTER = 4  # words at least that follow one said wrong
KEPT_SHARE = 25  # percent of the words said wrong, and of the unusual ones, that only tests have
LISTED = (7, 11)  # words read out, the upper bound not included

_SAID = (
    "window pindow wandow wibdow, garden tarden girden gargen, kitchen ditchen kotchen, lemon lumon, tomato tomito, potato pototo, "
    "carrot currot caggot, pepper mepper pebber, kettle keddle kuttle, pillow pallow pimmow, blanket klanket branket blafket, candle casdle, "
    "carpet larpet carbet, ladder lidder labber, hammer himmer, basket bamket basfet, umbrella embrella ukbrella, trousers krousers treusers, "
    "rabbit labbit rubbit, tiger tiwer tiker, zebra zobra, dolphin dotphin, turtle durtle turgle, spider speder skider spimer, "
    "butterfly nutterfly bufferfly, pigeon vigeon pogeon, penguin lenguin benguin, kitten kutten, puppy ruppy, donkey denkey, "
    "hedgehog hodgehog hedgehot, meadow deadow, thunder thukder thender, rainbow mainbow raifbow, sunshine nunshine suvshine, "
    "shadow sharow shodow, pencil zencil pelcil penpil, crayon brayon clayon, trumpet drumpet trumket, whistle whastle, puzzle punnle pezzle, "
    "robot rotot rubot robog, rocket recket, tractor fractor troctor, bicycle bijycle bicyzle bocycle, scooter spooter scoober, "
    "tunnel tukkel tinnel, harbor hargor hirbor, lighthouse lughthouse pighthouse, dragon drason, turkey nurkey tarkey, castle lastle, "
    "silver vilver sibver, button rutton, shoulder shoulter, finger fonger, mirror girror marror, bottle fottle boddle, hospital honpital, "
    "doctor soctor doclor, station spation stagion, market rarket marwet, picture ticture pidture, computer comvuter compumer, "
    "winter ninter wifter, sister rister sipter, brother trother brither, children chibdren chilkren, captain daptain caplain, "
    "bucket gucket backet, teacher neacher, paper pafer, office iffice, number vumber numwer, building builring beilding, "
    "minister tinister mibister, season keason seabon, student snudent stugent, water wuter, music fusic mumic, photo phito phovo, "
    "feather feether foather, violin viozin"
)
WRONG = {right: tuple(wrong) for right, *wrong in map(str.split, _SAID.split(", "))}  # a word, and it with one sound changed
UNUSUAL = tuple(
    "abacus anvil bellows chisel cobweb dungeon ember falcon ferret gargoyle gazebo hammock harpoon juniper kestrel kumquat lantern "
    "lichen lobster magnet marmot nutmeg obelisk oyster paprika parsnip pelican pretzel quiver radish rhubarb saffron satchel sextant "
    "sundial tambourine thicket thimble topaz trellis trident turban turnip walnut walrus weasel zephyr".split()
)

_IF = "{if|when|whenever|every time|any time|as soon as}"
_BADLY = "{i say a word wrong|i mispronounce a word|i get a word wrong|a word comes out wrong|i don't say a word properly|i pronounce a word badly}"
_RIGHTLY = "{say it right|say it properly|say it correctly|tell me the right word|say the right word|give me the right word|say what it should be|say how it should sound}"
RULE = (
    "if i say a word wrong say it right", "when i mispronounce a word say it right",
    _IF + " " + _BADLY + " {please|just|then|you|} " + _RIGHTLY,
    "{please|} " + _RIGHTLY + " " + _IF + " " + _BADLY,
    "{can you|could you|will you|would you|i want you to|i'd like you to} " + _RIGHTLY + " " + _IF + " " + _BADLY,
    "{correct|watch|check|listen to|mind} {my pronunciation|how i pronounce my words} {while i talk|as i go|while i read|from now on|} {and|please} " + _RIGHTLY,
    "{i'm practising my pronunciation|i'm learning to speak clearly|i often mispronounce things|my tongue slips a lot} {so|so please|and} " + _IF + " " + _BADLY + " " + _RIGHTLY,
)
_TOLD = (
    "{yesterday|today|last week|on sunday|this summer|the other day} {i|we|my uncle|my neighbour|a friend of mine} "
    "{wanted to draw|dreamed of|was looking for|read about|showed me|talked about} the <x> {next to|in front of|right behind|together with} the <y> "
    "{and|but then|and after a while} {it started to rain|somebody rang the bell|we all had tea|the phone rang|it got rather late} {so that was that|as it often does|of all things|which was a pity}",
    "{my favourite|the nicest|the first} {page|picture|story} {in the book|of them all|in there} {is about|shows|begins with} the <x> "
    "{and it|which|that} {always makes me smile|was made by my aunt|is really old} {but|although|and} {i like|nobody knows|everybody likes} the <y> {even more|just as much|too}",
    "{you know|well you see|let me tell you} {there was|i remember|they had} the <y> {over there|at our place|in the corner} {and|and also|and of course} the <x> "
    "{that everybody|which we all|that the little ones} {wanted to see|talked about for days|liked the most} {before we went|when we were young|that year|on that day}",
)  # fmt: skip


def _rule(rng: np.random.Generator) -> Line:
    return line(rng, NAME, "rule", RULE, ())


def _story(rng: np.random.Generator, words: list[str]) -> list[str]:
    said, other, *_ = words
    return vary(rng, pick(rng, _TOLD)).replace("<x>", said).replace("<y>", other).split()


def _list(rng: np.random.Generator, words: list[str]) -> list[str]:
    said, *rest = words[: int(rng.integers(*LISTED))]
    rng.shuffle(rest)
    rest.insert(int(rng.integers(len(rest) - AFTER + 1)), said)
    return rest


TOLD = {"story": _story, "list": _list}


def told(kind: str, rng: np.random.Generator) -> Line:
    """Something told ("story"), or words read out ("list"), of which one at most is said wrong.

    Slots: `at`, its place, -1 for none, and `right`, what it should be; `unusual`, the places of unusual words.
    """
    right, other, *rest = (str(word) for word in rng.permutation(tuple(WRONG)))
    said = pick(rng, WRONG[right]) if chance(rng, WRONG_SHARE) else right
    other = pick(rng, UNUSUAL) if chance(rng, UNUSUAL_SHARE) else other
    words = TOLD[kind](rng, [said, other, *rest])
    slots = {"at": words.index(said), "right": right} if said != right else {"at": -1, "right": ""}
    slots["unusual"] = [k for k, word in enumerate(words) if word in UNUSUAL]
    new = held_out(kind, *words[:4]) or (said != right and kept(right)) or (other in UNUSUAL and kept(other))
    return Line(NAME, kind, (", " if kind == "list" else " ").join(words), (), slots, new)


def kept(word: str) -> bool:
    """Whether only tests say this word wrong, or, if it is an unusual one, at all."""
    return held_out(NAME, word, share=KEPT_SHARE)


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless rules, and what is told ("story") or read out ("list")."""
    return draw(rng, split, [(2, _rule), (5, partial(told, "story")), (3, partial(told, "list"))])


def own_texts() -> Iterable[str]:
    """The words as they should be."""
    return unique([ACK, *WRONG])


def _tells(scene: Scene, rule: Line, now_s: float, ruled: bool) -> float:
    """One to three things told without a pause between, and the words put right. Returns when it is over."""
    wanted, passed_s, count, end_s = [], [], 0, now_s
    for _ in range(scene.rng.integers(1, 4)):
        speech = scene.line(NAME, pick(scene.rng, ("story", "story", "list")))
        slots, ends_s = speech.line.slots, [end_s + word.end_s for word in speech.words]
        scene.script.sounds.append(Sound(end_s, speech))
        if ruled and slots["at"] >= 0:
            wanted.append(reacts(scene, ends_s[slots["at"]], slots["right"], late=HEARD_LATE))
            count += 1
        passed_s += [ends_s[k] for k in ([] if ruled or slots["at"] < 0 else [slots["at"]]) + slots["unusual"]]
        end_s += speech.seconds + float(scene.rng.uniform(0.1, 0.6))
    over_s = max([end_s, *(own_end(own) for own in scene.script.own)]) + 1.5
    for at_s in passed_s:
        holds_back(scene, at_s, wanted)
    quiet_between(scene.script, now_s, over_s, wanted)
    about = {"class": NAME, "rule": rule.text, "ruled": ruled, "cues": count, "near_s": passed_s if ruled else []}
    scene.script.about["items"].append(about)
    return over_s


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """A rule, mostly, and what the user tells then."""
    scene = open_scene(NAME, rng, bank, split, voice)
    now_s, ruled = gap(rng), not chance(rng, UNRULED_SHARE)
    if ruled:
        rule, end_s = gives(scene, lines, now_s, "rule")
        now_s = acknowledges(scene, rule, end_s) + float(rng.uniform(0.4, 1.5))
    else:
        rule = next(x for x in lines(rng, split) if x.intent == "rule")
    return finish(scene.script, rng, _tells(scene, rule, now_s, ruled))
