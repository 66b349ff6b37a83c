"""Watch: "say now when a red ball appears", "say start when he jumps and say stop when he stops": unasked at that moment.

The rule comes first, aloud or typed; then things come and go, nearly right ones among them. Read `script` first.
"""

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np

from duologue.data.families import sight
from duologue.data.families.exchange import draw, finish, gap, held_out, line, pick, unique
from duologue.data.families.rule import HOLD_S, acknowledges, chance, gives, holds_back, reacts, talks_to_nobody
from duologue.data.families.time import ACK, meanwhile
from duologue.data.families.timing import Scene, open_scene, quiet_between
from duologue.data.scenes.figure import ACTIONS
from duologue.data.scenes.stage import Figure, Prop, Stage, draw_look, place, repetitions
from duologue.data.scenes.things import COLOURS, Thing
from duologue.data.script import Line, Script

NAME = "watch"
WORDS = tuple("now here yes go bingo hello look hey there stop ready done good beep ding wow begin time tea".split())
PAIRS = (("start", "stop"), ("on", "off"), ("now", "over"), ("go", "done"), ("begin", "end"), ("yes", "no"))
NEVER_SHARE = 0.15  # of the rules whose moment does not come
STARTED_S = 0.5  # of an action, before one can know what it is
START_COUNT, SPAN_COUNT = (2, 6), (4, 13)  # repetitions of an action: one to be enclosed by two words lasts longer
FIRST_S, SPAN_FIRST_S = (1.5, 9.0), (1.5, 14.0)  # from the rule to what it is about
AFTER_S, SPAN_AFTER_S = (1.0, 5.0), (1.0, 12.0)  # pictures go on after the last reaction: its end tells nothing
AGAIN_S = 1.2  # at least, before somebody does something else
PLACES = 6
PAIR_SHARE = 20  # percent of the pairs of what is seen and what is said that only tests ask for

_SAY = "{please say|say|you say|just say|can you say|could you say|i want you to say|would you say} <word>"
_SEE = "{you see|there is|i show you|you can see|i hold up}"
_WHO = "{he|she|somebody|the person|the man|the figure}"
PATTERNS = {
    "appears": (
        "say <word> when you see <thing>", "say <word> when <thing> appears",
        _SAY + " {when|as soon as|the moment|once} {" + _SEE + " <thing>|<thing> {appears|shows up|comes up|comes into view}}",
        "{when|as soon as|once} {" + _SEE + " <thing>|<thing> {appears|shows up}} {please|} {say|you say} <word>",
        "{watch|look at} the {picture|screen|camera} and say <word> {when|as soon as} " + _SEE + " <thing>",
    ),
    "every": (
        "say <word> every time you see <thing>",
        _SAY + " {every time|each time|whenever|any time} {" + _SEE + " <thing>|<thing> {appears|shows up|comes up}}",
        "{every time|each time|whenever} {" + _SEE + " <thing>|<thing> {appears|shows up}} {please|} {say|you say} <word>",
    ),
    "tell": (
        "tell me when you see <thing>", "tell me when <thing> appears",
        "{please|can you|could you|will you|} {tell me|let me know|warn me|call out|speak up} {when|as soon as|the moment} "
        "{" + _SEE + " <thing>|<thing> {appears|shows up|comes up}}",
        "{look out for|watch out for|keep an eye out for|wait for} <thing> {and tell me|and let me know}",
    ),
    "gone": (
        "say <word> when <that> is gone",
        _SAY + " {when|as soon as|the moment|once} <that> {is gone|disappears|goes away|leaves|is not there any more}",
        "{when|as soon as|once} <that> {is gone|disappears|goes away|leaves} {please|} {say|you say} <word>",
    ),
    "becomes": (
        "say <word> when it turns <colour>",
        _SAY + " {when|as soon as|the moment|once} {it|the <name>} {turns|becomes|is|changes to|goes} <colour>",
        "{when|as soon as|once} {it|the <name>} {turns|becomes|changes to} <colour> {please|} {say|you say} <word>",
    ),
    "starts": (
        "say <word> when he starts <doing>",
        _SAY + " {when|as soon as|the moment} " + _WHO + " {starts|begins|is} <doing>",
        "{when|as soon as|once} " + _WHO + " {starts|begins|is} <doing> {please|} {say|you say} <word>",
    ),
    "span": (
        "say <word> when he starts <doing> and <end> when he stops",
        _SAY + " {when|as soon as} " + _WHO + " {starts|begins} <doing> and {say|} <end> {when|as soon as} {he stops|she stops|it is over}",
        "{when|as soon as} " + _WHO + " {starts|begins} <doing> {please|} say <word> and {when|as soon as} {it stops|it is over} say <end>",
    ),
}  # fmt: skip


def _thing_line(intent: str, split: str, rng: np.random.Generator) -> Line:
    """A rule about a thing; shapes in a held-out colour, and held-out pairs of thing and word, are for tests."""
    thing = sight.draw_thing(rng, split, pick(rng, ("shape", "shape", "emoji", "digit")))
    word = pick(rng, WORDS)
    said = sight.called(thing)
    that = said if thing.kind == "text" else f"the {thing.colour} {thing.name}".replace("  ", " ")
    slots = {"thing": said, "that": that, "name": thing.name, "word": word, "kind": thing.kind, "colour": thing.colour}
    reply = said if intent == "tell" else word
    return line(rng, NAME, intent, PATTERNS[intent], (reply,), slots, new_combo=_new(thing, said, reply))


def _new(thing: Thing, said: str, reply: str) -> bool:
    return (thing.kind == "shape" and sight.unseen(thing)) or held_out("watch", said, reply, share=PAIR_SHARE)


def _becomes_line(split: str, rng: np.random.Generator) -> Line:
    thing = sight.draw_thing(rng, split, "shape")
    word = pick(rng, WORDS)
    slots = {"name": thing.name, "colour": thing.colour, "word": word, "kind": "shape"}
    new = held_out("watch", thing.colour, word, share=PAIR_SHARE)  # a rule need not name the shape
    return line(rng, NAME, "becomes", PATTERNS["becomes"], (word,), slots, new_combo=new)


def _action_line(intent: str, rng: np.random.Generator) -> Line:
    """A rule about an action; the pairs of action and word are split."""
    action, (word, end) = pick(rng, ACTIONS), pick(rng, PAIRS)
    word = word if intent == "span" else pick(rng, WORDS)
    slots = {"doing": sight.DOING[action], "action": action, "word": word, "end": end}
    new = held_out("watch", action, word, share=PAIR_SHARE)
    return line(rng, NAME, intent, PATTERNS[intent], (word,), slots, new_combo=new)


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless rules about what will be seen."""
    makers = [(2, partial(_thing_line, intent, split)) for intent in ("appears", "every", "tell", "gone")]
    makers += [(1.5, partial(_becomes_line, split))]
    return draw(rng, split, makers + [(2, partial(_action_line, intent)) for intent in ("starts", "span")])


def own_texts() -> Iterable[str]:
    """The words to be said, and how everything is called."""
    return unique([ACK, *WORDS, *(word for pair in PAIRS for word in pair), *sight.every_call()])


def _thing(rule: Line, rng: np.random.Generator, split: str) -> Thing:
    """The thing that a rule names, in a look that is on the right side of the split if it has one there."""
    slots = rule.slots
    colour = slots["colour"] if slots["kind"] == "shape" else pick(rng, tuple(COLOURS)) if slots["kind"] == "text" else ""
    looks = [Thing(slots["kind"], slots["name"], colour, int(look)) for look in rng.integers(1000, size=60)]
    return next((thing for thing in looks if sight.unseen(thing) == (split == "test")), looks[0])


def _other(thing: Thing, rng: np.random.Generator, split: str) -> Thing:
    """Something else: half of the shapes differ in colour or in form only."""
    if thing.kind == "shape" and chance(rng, 0.5):
        near = sight.draw_thing(rng, split, "shape")
        near = near._replace(colour=thing.colour) if chance(rng, 0.5) else near._replace(name=thing.name)
        if (near.name, near.colour) != (thing.name, thing.colour) and (split == "test" or not sight.unseen(near)):
            return near
    while True:
        other = sight.draw_thing(rng, split, "digit" if thing.kind == "text" else pick(rng, ("shape", "emoji")))
        if (other.name, other.colour) != (thing.name, thing.colour) and not (thing.kind == "text" and other.name == thing.name):
            return other


def _passers_by(scene: Scene, thing: Thing, from_s: float, until_s: float) -> list[Prop]:
    """Two to five other things that come and go; one of them may drift."""
    rng, props = scene.rng, []
    for at in rng.permutation(PLACES - 1)[: rng.integers(2, PLACES)]:
        begin_s = float(rng.uniform(from_s - 3, until_s))
        speed = tuple(rng.uniform(-0.12, 0.12, 2)) if chance(rng, 0.3) else (0.0, 0.0)
        end_s = begin_s + rng.uniform(1.5, 6.0)
        props.append(Prop(_other(thing, rng, scene.split), place(int(at), PLACES, rng), rng.uniform(0.2, 0.32), begin_s, end_s, speed))
    return props


def _comes(scene: Scene, stage: Stage, rule: Line, ready_s: float, times_s: list[float]) -> list[float]:
    """The thing appears at these times; nothing else is it. Returns when to react."""
    rng, thing = scene.rng, _thing(rule, scene.rng, scene.split)
    stage.actors.extend(_passers_by(scene, thing, ready_s, times_s[-1] + 2 if times_s else ready_s + 6))
    for begin_s in times_s:
        end_s = begin_s + rng.uniform(1.5, 2.5)
        stage.actors.append(Prop(thing, place(PLACES - 1, PLACES, rng), rng.uniform(0.24, 0.36), begin_s, end_s))
    return times_s


def _goes(scene: Scene, stage: Stage, rule: Line, ready_s: float, times_s: list[float]) -> list[float]:
    """The thing is there from the beginning and goes away."""
    rng, thing = scene.rng, _thing(rule, scene.rng, scene.split)
    stage.actors.extend(_passers_by(scene, thing, ready_s, ready_s + 6))
    stage.actors.append(Prop(thing, place(PLACES - 1, PLACES, rng), rng.uniform(0.24, 0.36), 0.0, times_s[0] if times_s else 1e9))
    return times_s


def _turns(scene: Scene, stage: Stage, rule: Line, ready_s: float, times_s: list[float]) -> list[float]:
    """A shape changes its colour: to another one first, perhaps, then to the one that counts."""
    rng, thing = scene.rng, _thing(rule, scene.rng, scene.split)
    others = [c for c in COLOURS if c != thing.colour and (scene.split == "test" or not sight.unseen(thing._replace(colour=c)))]
    first, second = (thing._replace(colour=str(c)) for c in rng.choice(others, 2, replace=False))
    where, size = (rng.uniform(0.35, 0.65), rng.uniform(0.35, 0.65)), rng.uniform(0.3, 0.5)
    at_s = times_s[0] if times_s else 1e9
    change_s = rng.uniform(ready_s, min(at_s - 1.0, ready_s + 4)) if at_s - 1.0 > ready_s else 0.0
    stage.actors.append(Prop(first, where, size, 0.0, at_s, becomes_s=change_s, then=second))
    stage.actors.append(Prop(second, where, size, at_s, becomes_s=at_s, then=thing))
    return times_s


def _moves(scene: Scene, stage: Stage, rule: Line, ready_s: float, times_s: list[float]) -> list[float]:
    """Somebody does something else first, then, for a while, what the rule names. Returns when it began and ended."""
    rng, action, period_s = scene.rng, rule.slots["action"], scene.rng.uniform(0.8, 1.4)
    other = pick(rng, [a for a in ACTIONS if a != action])
    begin_s = times_s[0] if times_s else 1e9
    before_s = np.arange(ready_s - 2.0, min(begin_s - 1.0, ready_s + 4), period_s)[1 : rng.integers(1, 5)]
    count = int(rng.integers(*SPAN_COUNT if rule.intent == "span" else START_COUNT))
    during_s = begin_s + period_s * np.arange(1, count + 1) if times_s else np.zeros(0)
    motions = [*repetitions(other, before_s, period_s, ready_s - 2.0), *repetitions(action, during_s, period_s, begin_s)]
    if times_s and chance(rng, 0.5):
        again_s = float(during_s[-1]) + AGAIN_S + rng.uniform(0, 1.5)
        motions += repetitions(other, again_s + period_s * np.arange(1, rng.integers(2, 6)), period_s, again_s)
    stage.actors.append(Figure(draw_look(rng), (rng.uniform(0.3, 0.7), 0.93), rng.uniform(0.5, 0.65), tuple(motions)))
    return [begin_s, float(during_s[-1])] if times_s else []


HAPPENS = {"appears": _comes, "every": _comes, "tell": _comes, "gone": _goes, "becomes": _turns, "starts": _moves, "span": _moves}


def _times(scene: Scene, intent: str, ready_s: float) -> list[float]:
    """When it happens: never, once, or several times."""
    rng = scene.rng
    if chance(rng, NEVER_SHARE):
        return []
    times_s = [ready_s + float(rng.uniform(*SPAN_FIRST_S if intent == "span" else FIRST_S))]
    while intent == "every" and len(times_s) < 4 and chance(rng, 0.7):
        times_s.append(times_s[-1] + float(rng.uniform(3.2, 6.0)))
    return times_s


def _meanwhile(scene: Scene, from_s: float, until_s: float) -> list[tuple[float, float]]:
    """While waiting, something else is asked, or said to nobody, or nothing. Returns the spans of answers."""
    kind = scene.rng.random()
    if kind < 0.35:
        return meanwhile(scene, from_s, until_s)
    if kind < 0.5 and until_s - from_s > 5:
        talks_to_nobody(scene, from_s + float(scene.rng.uniform(0, 1.5)))
    return []


def _rule(scene: Scene, stage: Stage, now_s: float, events: list[float]) -> float:
    """One rule and what happens then. Returns when it is over."""
    intent = pick(scene.rng, tuple(HAPPENS))
    rule, end_s = gives(scene, lines, now_s, intent)
    scene.script.about["items"].append({"class": intent, "rule": rule.text})
    quiet_s = acknowledges(scene, rule, end_s)
    ready_s = quiet_s + 0.3
    happens_s = HAPPENS[intent](scene, stage, rule, ready_s, _times(scene, intent, ready_s))
    happens_s = happens_s[:1] if intent == "starts" else happens_s
    wanted = _meanwhile(scene, ready_s, happens_s[0] - 0.6 if happens_s else ready_s + 6)
    late_s = STARTED_S if intent in ("starts", "span") else 0.0
    known = [stage.seen_at(t + late_s) for t in happens_s]
    said = rule.answers[0]
    texts = [said, rule.slots["end"]] if intent == "span" else [said] * len(known)
    for at_s, text in zip(known, texts, strict=False):
        wanted.append(reacts(scene, at_s, text))
        events.append(at_s)
    scene.script.about["items"][-1] |= {"happens_s": [round(t, 2) for t in happens_s]}
    after_s = scene.rng.uniform(*SPAN_AFTER_S if intent == "span" else AFTER_S)
    over_s = max([ready_s + 7.0, *(end for _, end in wanted)]) + after_s
    quiet_between(scene.script, quiet_s, over_s, wanted)
    for actor in stage.actors:
        if isinstance(actor, Prop) and ready_s < actor.begin_s < over_s - HOLD_S:
            holds_back(scene, actor.begin_s, wanted)
    return over_s


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """One rule about what will be seen, and the world after it."""
    scene = open_scene(NAME, rng, bank, split, voice)
    stage, events = sight.open_stage(scene), []
    end_s = _rule(scene, stage, 0.5 + gap(rng), events)
    made = finish(scene.script, rng, end_s)
    sight.shows(scene, stage, events)
    return made
