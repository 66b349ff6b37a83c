"""Count: "count the jumps": each repetition aloud, within a second of its end, at whatever rhythm it comes.

Half repetitions and somebody else's do not count, and now and then there is nothing to count. Afterwards, perhaps: "how many was
that?" Read `script` first.
"""

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np

from duologue.data.families import sight
from duologue.data.families.exchange import draw, finish, gap, held_out, line, pick, unique
from duologue.data.families.lexicon import NUMBERS
from duologue.data.families.rule import acknowledges, answers, chance, gives, reacts
from duologue.data.families.time import ACK
from duologue.data.families.timing import Scene, open_scene, own_end, quiet_between
from duologue.data.scenes.figure import ACTIONS, Look
from duologue.data.scenes.stage import Figure, Motion, Prop, Stage, draw_look
from duologue.data.script import Line, Script, Sound

NAME = "count"
MOST = 20
SHORTEST_S = 0.8  # a repetition, so that its number can be said
PERIODS_S = {"train": ((0.9, 1.2), (1.5, 2.0), (2.5, 3.0)), "test": ((0.8, 0.9), (1.2, 1.5), (2.0, 2.5))}
PLURALS = {
    "jump": "jumps", "squat": "squats", "wave": "waves", "clap": "claps", "turn": "turns", "bow": "bows",
    "kick": "kicks", "stretch": "stretches", "flash": "flashes",
}  # fmt: skip
WITHIN_S = 1.0
FLASH_S = 0.5
NEVER_SHARE = 0.08  # of the requests after which nothing comes that counts
NEVER_S = (5.0, 12.0)

_HOW = "{out loud|aloud|for me|as they come|one by one|}"
PATTERNS = {
    "rule": (
        "count the <many>", "count my <many>",
        "{please|can you|could you|will you|would you|} count {the|my|his|her|all the} <many> " + _HOW,
        "{i want you to|i'd like you to|i need you to|let's|now|you} count {the|my|his|her|all the} <many> " + _HOW,
        "{watch|look} and count {the|my} <many> " + _HOW,
        "{say|call out|tell me} {the number|a number|the count} {for each of the|for every one of the|with the} <many>",
        "{keep count of|keep counting|number} {the|my|his|her} <many> " + _HOW,
        "how many <many> {will i do|will there be|can i do} {count them|count along|count them aloud}",
    ),
    "total": (
        "how many was that", "how many <many> was that",
        "{okay|so|and|alright|} how many {was that|were there|did you count|was it|is that} {|in all|altogether|all together}",
        "{okay|so|and|alright|} how many <many> {was that|were there|did you count|did i do|is that}",
        "{what's|what is|tell me|give me} the {total|number|count|result}",
    ),
}  # fmt: skip


def _made(intent: str, rng: np.random.Generator) -> Line:
    kind = pick(rng, tuple(PLURALS))
    return line(rng, NAME, intent, PATTERNS[intent], (), {"many": PLURALS[kind], "kind": kind})


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless requests to count, and questions about the total."""
    return draw(rng, split, [(3, partial(_made, "rule")), (1, partial(_made, "total"))])


def own_texts() -> Iterable[str]:
    """The numbers, and the totals."""
    return unique([ACK, *NUMBERS[: MOST + 1], *(f"that was {n}" for n in NUMBERS[: MOST + 1])])


def rhythm(rng: np.random.Generator, split: str, begin_s: float, room_s: float) -> list[float]:
    """When repetitions end: a pace with jitter, drift and now and then a rest; at most MOST of them."""
    low, high = pick(rng, PERIODS_S[split])
    period_s, jitter, drift = rng.uniform(low, high), rng.uniform(0, 0.15), rng.uniform(0.98, 1.02)
    ends_s, at_s = [], begin_s
    for _ in range(rng.integers(2, MOST + 1)):
        at_s += max(SHORTEST_S, period_s * (1 + jitter * rng.uniform(-1, 1)))
        at_s += float(rng.uniform(1.0, 3.5)) if chance(rng, 0.08) else 0.0
        if at_s > begin_s + room_s:
            break
        ends_s.append(float(at_s))
        period_s *= drift
    return ends_s or [begin_s + period_s]


def motions(rng: np.random.Generator, action: str, ends_s: list[float]) -> tuple[Motion, ...]:
    """Repetitions that end at these times; in long rests, now and then one that is broken off."""
    lasts_s = min([2.0, *np.diff(ends_s)]) * rng.uniform(0.75, 1.0) if len(ends_s) > 1 else 0.9
    found, before_s = [], ends_s[0] - 3.0
    for end_s in ends_s:
        if end_s - lasts_s - before_s > 1.6 and chance(rng, 0.5):
            found.append(Motion(action, before_s + 0.4, before_s + 1.2, part=0.35))
        found.append(Motion(action, end_s - lasts_s, end_s))
        before_s = end_s
    return tuple(found)


def _nothing(rng: np.random.Generator, action: str, begin_s: float, room_s: float) -> tuple[Motion, ...]:
    """Repetitions that are broken off, or of something else."""
    times_s = np.arange(begin_s, begin_s + room_s - 1.0, rng.uniform(1.5, 3.0))
    if chance(rng, 0.5):
        return tuple(Motion(action, t, t + 0.8, part=0.35) for t in times_s)
    return tuple(Motion(pick(rng, [a for a in ACTIONS if a != action]), t, t + 0.9) for t in times_s)


def _look_unseen(action: str, look: Look) -> bool:
    """Whether only tests show this action in these clothes."""
    return held_out("count", action, look.shirt, look.trousers, share=20)


def _figure(scene: Scene, kind: str, moves: tuple[Motion, ...]) -> Figure:
    """Somebody whose clothes and action are on the right side of the split."""
    while True:
        look = draw_look(scene.rng)
        if _look_unseen(kind, look) == (scene.split == "test"):
            return Figure(look, (scene.rng.uniform(0.25, 0.75), 0.93), scene.rng.uniform(0.5, 0.65), moves)


def _performs(scene: Scene, stage: Stage, kind: str, ends_s: list[float]) -> None:
    """Puts on stage what is counted, and now and then a bystander who does something else."""
    rng = scene.rng
    if kind == "flash":
        thing, at = sight.draw_thing(rng, scene.split, pick(rng, ("shape", "emoji"))), (rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7))
        size = rng.uniform(0.3, 0.6)
        stage.actors.extend(Prop(thing, at, size, end_s - FLASH_S, end_s) for end_s in ends_s)
        return
    if chance(rng, 0.3):
        other = pick(rng, [a for a in ACTIONS if a != kind])
        aside = rhythm(rng, scene.split, ends_s[0] - 2, ends_s[-1] - ends_s[0] + 2)
        bystander = _figure(scene, other, motions(rng, other, aside))
        stage.actors.append(Figure(bystander.look, (0.14, 0.6), 0.3, bystander.motions))
    stage.actors.append(_figure(scene, kind, motions(rng, kind, ends_s)))


def _total(scene: Scene, kind: str, now_s: float, count: int) -> float:
    """The user asks how many it was. Returns the answer's end."""
    _, end_s = gives(scene, lines, now_s, "total", lambda line: line.slots["kind"] == kind)
    text = pick(scene.rng, (NUMBERS[count], f"that was {NUMBERS[count]}"))
    return own_end(answers(scene, now_s, end_s, text, (NUMBERS[count],)))


def _counts(scene: Scene, stage: Stage, now_s: float, events: list[float]) -> float:
    """The request, the repetitions, perhaps the total. Returns when it is over."""
    rng = scene.rng
    rule, end_s = gives(scene, lines, now_s, "rule")
    kind, quiet_s = rule.slots["kind"], acknowledges(scene, rule, end_s)
    about = {"class": kind, "rule": rule.text, "ends_s": []}
    scene.script.about["items"].append(about)
    if chance(rng, NEVER_SHARE):
        count, over_s = 0, _never(scene, stage, kind, quiet_s)
    else:
        ends_s = rhythm(rng, scene.split, quiet_s + rng.uniform(0.5, 2.5), rng.uniform(4, 22))
        about["ends_s"] = [round(t, 2) for t in ends_s]
        count, over_s = len(ends_s), _aloud(scene, stage, kind, quiet_s, ends_s, events)
    return _total(scene, kind, over_s, count) if chance(rng, 0.4) else over_s


def _never(scene: Scene, stage: Stage, kind: str, quiet_s: float) -> float:
    """Nothing that counts; the model keeps quiet. Returns when it is over."""
    room_s = scene.rng.uniform(*NEVER_S)
    if kind != "flash":
        stage.actors.append(_figure(scene, kind, _nothing(scene.rng, kind, quiet_s + 0.5, room_s)))
    quiet_between(scene.script, quiet_s, quiet_s + room_s, [])
    return quiet_s + room_s


def _aloud(scene: Scene, stage: Stage, kind: str, quiet_s: float, ends_s: list[float], events: list[float]) -> float:
    """Repetitions that end at these times, each counted. Returns when it is over."""
    _performs(scene, stage, kind, ends_s)
    if chance(scene.rng, 0.25) and len(ends_s) > 4:
        scene.script.sounds.append(Sound(ends_s[2] + 0.1, scene.line("hold", "backchannel")))
    known = [stage.seen_at(t) for t in ends_s]
    wanted = [reacts(scene, at_s, NUMBERS[number], WITHIN_S) for number, at_s in enumerate(known, 1)]
    events += known
    quiet_between(scene.script, quiet_s, known[0], [])
    over_s = max(own_end(scene.script.own[-1]) + 2.0, known[-1] + 2.5)
    quiet_between(scene.script, wanted[-1][1], over_s, [])
    return over_s


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """One request to count, and what there is to count."""
    scene = open_scene(NAME, rng, bank, split, voice)
    stage, events = sight.open_stage(scene, swift=True), []
    end_s = _counts(scene, stage, 0.5 + gap(rng), events)
    made = finish(scene.script, rng, end_s)
    sight.shows(scene, stage, events)
    return made
