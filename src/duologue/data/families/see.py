"""See: something is shown; "what is this", "what colour", "read the word", "which is bigger": the answer is about now.

The thing is there while it is asked about, is gone by then, or is shown only after the question. Read `script` first.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from duologue.data.families import sight
from duologue.data.families.exchange import draw, finish, gap, line, pick, unique
from duologue.data.families.lexicon import NUMBERS
from duologue.data.families.rule import answers, chance, gives
from duologue.data.families.timing import Scene, open_scene, own_end
from duologue.data.scenes.figure import ACTIONS
from duologue.data.scenes.stage import Actor, Figure, Prop, Stage, draw_look, place, repetitions
from duologue.data.scenes.things import COLOURS, EMOJI, SHAPES, Thing
from duologue.data.script import Check, Line, Script

NAME = "see"
DOING_S = 1.0  # of an action, before one can say what it is

_LOOK = "{look|look here|look at this|see|watch|hey look|there|}"
_KNOW = "{can you tell me|tell me|could you tell me|do you know|i wonder}"
PATTERNS = {
    "what": (
        "what is this", "what do you see", "what am i showing you",
        _LOOK + " {what is this|what's this|what is that|what's that|what do we have here|what do you see|what is it}",
        "{what|which thing} {am i holding|am i showing you|do i have here|can you see|is in the picture|is on the screen}",
        _KNOW + " what {this is|that is|you see|i'm showing you|i have here|it is}",
        "{name|describe|recognise} {this|the thing|what you see|the thing i'm showing}",
        "{do you|can you} {recognise|see|know} this {|what is it}",
    ),
    "was": (
        "what was that", "what did you see",
        _LOOK + " {what was that|what was it|what did i show you|what did you see}",
        "{what|which thing} {was i holding|did i just show you|was that just now|was on the screen|just went away}",
        _KNOW + " what {that was|you saw|i showed you|it was}",
        "{it's gone|now it's gone|i took it away} {what was it|what was that}",
    ),
    "colour": (
        "what colour is this", "what colour is it",
        _LOOK + " {what colour|which colour|what color} {is this|is it|is that|does it have|do you see}",
        _KNOW + " {what|which} colour {this is|it is|that is|this has}",
        "{what's|what is|name|say} {the|its|this} colour",
        "{the colour|and the colour|its colour} {please|is what|is}",
    ),
    "number": (
        "what number is this", "which number is this",
        _LOOK + " {what number|which number} {is this|is it|is that|do you see|am i showing you|is written here}",
        _KNOW + " {what|which} number {this is|it is|you see|i wrote|is written here}",
        "{read|say|tell me|name} {the number|this number|that number} {|out loud|please}",
    ),
    "word": (
        "what does it say", "read the word", "which word is this",
        _LOOK + " {what does it say|what does this say|what is written here|what's written there|what word is this}",
        "{read|read out|can you read|could you read|please read} {this|the word|this word|that word|it|what it says}",
        _KNOW + " what {it says|this says|is written here|i wrote|the word is}",
    ),
    "many": (
        "how many are there", "how many do you see",
        _LOOK + " {how many} {are there|are these|do you see|can you see|things are there|of them are there|are on the screen}",
        _KNOW + " how many {there are|you see|things there are|these are}",
        "{count them|count these|can you count them|how many is that|what's the number of things}",
    ),
    "fingers": (
        "how many fingers", "how many fingers do you see",
        _LOOK + " how many fingers {am i holding up|do you see|are up|are these|can you see|do i show you|is that}",
        _KNOW + " how many fingers {i'm holding up|you see|are up|these are}",
        "{count|can you count} {my fingers|the fingers}",
    ),
    "bigger": (
        "which one is bigger", "which is bigger",
        _LOOK + " {which one|which|what|which thing|which of them|which of the two} is {bigger|larger|the bigger one|the big one}",
        _KNOW + " {which|which one|what} is {bigger|larger|the bigger one}",
        "{name|say} the {bigger|larger} {one|thing}",
    ),
    "smaller": (
        "which one is smaller", "which is smaller",
        _LOOK + " {which one|which|what|which thing|which of them|which of the two} is {smaller|the smaller one|the small one}",
        _KNOW + " {which|which one|what} is {smaller|the smaller one}",
        "{name|say} the {smaller|little} {one|thing}",
    ),
    "left": (
        "what is on the left", "which one is on the left",
        _LOOK + " {what is|what's|which one is|what do you see|which thing is} {on the left|on the left side|left|to the left}",
        _KNOW + " {what is|which one is|what you see} on the {left|left side}",
    ),
    "right": (
        "what is on the right", "which one is on the right",
        _LOOK + " {what is|what's|which one is|what do you see|which thing is} {on the right|on the right side|to the right}",
        _KNOW + " {what is|which one is|what you see} on the {right|right side}",
    ),
    "doing": (
        "what am i doing", "what is he doing",
        _LOOK + " {what am i doing|what is he doing|what is she doing|what's this person doing|what's going on|what's happening}",
        _KNOW + " what {i'm doing|he's doing|she's doing|is happening|is going on|this person does}",
        "{what|which move} {do i do|does he do|is this person making|is that}",
    ),
}  # fmt: skip
_GONE = "{it's gone|now it's gone|i took it away|that's gone|okay|so|}"
_RECALL = "{can you tell me|tell me|do you remember|do you still know|i wonder}"
PAST = {  # of what is there no more, by what it asks; "was" asks what it was
    "was_colour": (
        "what colour was it", _GONE + " {what colour|which colour|what color} {was this|was it|was that|did it have|did you see}",
        _RECALL + " {what|which} colour {it was|that was|it had}", "{what was|name|say} {the colour|its colour} {of that|of it|just now}",
    ),
    "was_number": (
        "what number was it", _GONE + " {what number|which number} {was it|was that|did you see|did i show you|was written there}",
        _RECALL + " {what|which} number {it was|that was|you saw|was written there}",
    ),
    "was_word": (
        "what did it say", _GONE + " {what did it say|what did that say|what was written there|which word was it|what word was that}",
        _RECALL + " what {it said|that said|was written there|the word was}", "{read out|say|repeat} {the word|what it said} {from before|just now|that was there}",
    ),
    "was_many": (
        "how many were there", _GONE + " how many {were there|were these|did you see|things were there|of them were there|did i show you}",
        _RECALL + " how many {there were|you saw|things there were|these were}",
    ),
    "was_fingers": (
        "how many fingers were up", _GONE + " how many fingers {did i hold up|did you see|were up|were these|did i show you|was that}",
        _RECALL + " how many fingers {i held up|you saw|were up|these were}",
    ),
    "was_bigger": (
        "which one was bigger", _GONE + " {which one|which|what|which thing|which of them|which of the two} was {bigger|larger|the bigger one|the big one}",
        _RECALL + " {which|which one|what} was {bigger|larger|the bigger one}",
    ),
    "was_smaller": (
        "which one was smaller", _GONE + " {which one|which|what|which thing|which of them|which of the two} was {smaller|the smaller one|the small one}",
        _RECALL + " {which|which one|what} was {smaller|the smaller one}",
    ),
    "was_left": (
        "what was on the left", _GONE + " {what was|which one was|what did you see|which thing was} {on the left|on the left side|to the left}",
        _RECALL + " {what was|which one was|what you saw} on the {left|left side}",
    ),
    "was_right": (
        "what was on the right", _GONE + " {what was|which one was|what did you see|which thing was} {on the right|on the right side|to the right}",
        _RECALL + " {what was|which one was|what you saw} on the {right|right side}",
    ),
    "was_doing": (
        "what was he doing", _GONE + " {what was i doing|what was he doing|what was she doing|what was going on|what happened there}",
        _RECALL + " what {i was doing|he was doing|she was doing|was going on}", "{what|which move} {did i do|did he do|was that}",
    ),
}  # fmt: skip
WHEN = ("now", "gone", "later")  # what is asked about is there, is there no more, or comes only after the question


class Shown(NamedTuple):
    """What is shown: actors that are there between two times, the intent of the question, and its right answers."""

    actors: Callable[[float, float], list[Actor]]
    intent: str
    accept: tuple[str, ...]
    texts: tuple[str, ...]


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless questions about what is shown; the answer depends on the picture."""
    makers = [(1, partial(line, family=NAME, intent=intent, patterns=found, answers=())) for intent, found in (PATTERNS | PAST).items()]
    return draw(rng, split, makers)


def own_texts() -> Iterable[str]:
    """How everything is called, colours, numbers, what a figure does."""
    colours = [text for colour in COLOURS for text in (colour, f"it's {colour}")]
    numbers = [text for number in NUMBERS[:21] for text in (number, f"it's {number}")]
    named = [f"the {name}" for name in (*SHAPES, *EMOJI)]
    return unique([*sight.every_call(), *colours, *numbers, *named, *sight.DOING.values()])


def alone(thing: Thing, rng: np.random.Generator) -> Callable[[float, float], list[Actor]]:
    """The thing alone, held in a hand that shakes or lying still."""
    x, y, size = rng.uniform(0.3, 0.7), rng.uniform(0.35, 0.65), rng.uniform(0.3, 0.7)
    if thing.kind == "text":  # all of it must be in the picture
        x, size = rng.uniform(0.45, 0.55), min(size, 1 / (0.35 + 0.45 * len(thing.name)))
    speed = tuple(rng.uniform(-0.05, 0.05, 2)) if chance(rng, 0.4) else (0.0, 0.0)
    return lambda begin_s, end_s: [Prop(thing, (x, y), size, begin_s, end_s, speed)]


def _single(kind: str, intent: str, rng: np.random.Generator, split: str) -> Shown:
    """One thing and a question about it."""
    thing = sight.draw_thing(rng, split, kind)
    answers = {
        "what": ((thing.name,), (sight.called(thing),)),
        "colour": ((thing.colour,), (thing.colour, f"it's {thing.colour}")),
        "word": ((thing.name,), (thing.name,)),
    }
    number = NUMBERS[int(thing.name)] if thing.name.isdigit() else ""
    return Shown(alone(thing, rng), intent, *answers.get(intent, ((number,), (number, f"it's {number}"))))


def _many(rng: np.random.Generator, split: str) -> Shown:
    """One to six equal things."""
    thing, count = sight.draw_thing(rng, split, pick(rng, ("shape", "emoji"))), int(rng.integers(1, 7))
    size, places = rng.uniform(0.2, 0.28), [place(k, count, rng) for k in range(count)]
    number = NUMBERS[count]
    return Shown(
        lambda begin_s, end_s: [Prop(thing, at, size, begin_s, end_s) for at in places], "many", (number,), (number, f"it's {number}")
    )


def _pair(intent: str, rng: np.random.Generator, split: str) -> Shown:
    """Two different things, of different size, side by side; the answer is one of them."""
    kind = pick(rng, ("shape", "emoji"))
    one, other = sight.draw_thing(rng, split, kind), sight.draw_thing(rng, split, kind)
    while other.name == one.name:
        other = sight.draw_thing(rng, split, kind)
    small = rng.uniform(0.2, 0.27)
    sizes = [small, small * rng.uniform(1.6, 2.2)] if intent in ("bigger", "smaller") else rng.uniform(0.22, 0.4, 2)
    sizes = [float(size) for size in rng.permutation(sizes)]
    right = {"bigger": sizes[1] > sizes[0], "smaller": sizes[1] < sizes[0], "left": False, "right": True}[intent]
    name = (one, other)[right].name
    places = [(rng.uniform(0.22, 0.3), rng.uniform(0.35, 0.65)), (rng.uniform(0.7, 0.78), rng.uniform(0.35, 0.65))]

    def actors(begin_s: float, end_s: float) -> list[Actor]:
        return [Prop(*what, begin_s, end_s) for what in zip((one, other), places, sizes, strict=True)]

    return Shown(actors, intent, (name,), (f"the {name}",))


def _doing(rng: np.random.Generator, split: str) -> Shown:
    """A figure that does something over and over."""
    action, look, period_s = pick(rng, ACTIONS), draw_look(rng), rng.uniform(0.9, 1.8)
    x, height = rng.uniform(0.3, 0.7), rng.uniform(0.5, 0.65)

    def actors(begin_s: float, end_s: float) -> list[Actor]:
        ends_s = np.arange(begin_s + period_s, end_s + period_s, period_s)
        return [Figure(look, (x, 0.93), height, repetitions(action, ends_s, period_s, begin_s), begin_s, end_s)]

    return Shown(actors, "doing", (sight.DOING[action],), (sight.DOING[action],))


STILL = (  # one look tells what it is
    (3, partial(_single, "shape", "what")), (3, partial(_single, "emoji", "what")), (2, partial(_single, "shape", "colour")),
    (2, partial(_single, "digit", "number")), (2, partial(_single, "word", "word")), (2, partial(_single, "hand", "fingers")),
    (2, _many), (1, partial(_pair, "bigger")), (1, partial(_pair, "smaller")), (1, partial(_pair, "left")),
    (1, partial(_pair, "right")),
)  # fmt: skip
KINDS = (*STILL, (2, _doing))


def still(rng: np.random.Generator, split: str) -> Shown:
    """Something that one look tells."""
    return _of(STILL, rng, split)


def _of(kinds: Sequence, rng: np.random.Generator, split: str) -> Shown:
    weights = np.array([weight for weight, _ in kinds])
    return kinds[rng.choice(len(kinds), p=weights / weights.sum())][1](rng, split)


def _asks(scene: Scene, stage: Stage, now_s: float, events: list[float]) -> float:
    """One thing shown and asked about, before, while or after it is there. Returns the answer's end."""
    shown, rng = _of(KINDS, scene.rng, scene.split), scene.rng
    when = pick(rng, WHEN)
    intent = shown.intent if when != "gone" else "was" if shown.intent == "what" else f"was_{shown.intent}"
    asked_s = now_s if when == "later" else now_s + rng.uniform(0.4, 2.0) + (when == "gone") * 2.0
    end_s = gives(scene, lines, asked_s, intent)[1]
    begin_s = end_s + rng.uniform(0.8, 3.0) if when == "later" else now_s
    known_s = max(end_s, stage.seen_at(begin_s + (shown.intent == "doing") * DOING_S))
    text = shown.texts[0] if when == "gone" else pick(rng, shown.texts)  # "it's red" is of what is there
    own = answers(scene, asked_s, known_s, text, shown.accept)
    gone_s = asked_s - rng.uniform(0.2, 0.8) if when == "gone" else own_end(own) + rng.uniform(0.2, 1.5)
    stage.actors.extend(shown.actors(begin_s, gone_s))
    events.append(known_s)
    if when == "later":
        scene.script.checks.append(Check("quiet", end_s, begin_s))
    scene.script.about["items"].append({"class": intent, "when": when, "answer": own.speech.text, "shown_s": round(begin_s, 2)})
    return max(own_end(own), gone_s)


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """One to four things shown and asked about, one after another on one ground."""
    scene = open_scene(NAME, rng, bank, split, voice)
    stage, events, now_s = sight.open_stage(scene), [], 0.6 + gap(rng)
    for _ in range(4):
        end_s = _asks(scene, stage, now_s, events)
        now_s = end_s + gap(rng)
        if now_s > 14:
            break
    made = finish(scene.script, rng, end_s)
    sight.shows(scene, stage, events)
    return made
