"""Correct me: "tell me when I count wrong"; then counting, lists and sums with a mistake: it cuts in with the right item.

The mistake is said, typed or written on cards; the user goes on meanwhile. Without a rule, or a mistake, it keeps quiet.
Read `recitals` and `script` first.
"""

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np

from duologue.data.families import sight
from duologue.data.families.exchange import draw, finish, gap, held_out, line, pick, unique
from duologue.data.families.lexicon import DAYS, MONTHS, NUMBERS
from duologue.data.families.rule import HEARD_LATE, acknowledges, chance, gives, holds_back, reacts, typed_by
from duologue.data.families.time import ACK
from duologue.data.families.timing import Scene, open_scene, own_end, quiet_between
from duologue.data.scenes.stage import Prop
from duologue.data.scenes.things import Thing
from duologue.data.script import Line, Script, Sound

NAME = "correct_me"
TOP = 20
RIGHT_SHARE = 0.2  # of the recitals have no mistake
UNRULED_SHARE = 0.12  # of the scripts have mistakes that nobody asked to hear of
AFTER = 4  # words at least that follow a mistake
ALPHABET = tuple("a b c d e f g h i j k l m n o p q r s t u v w x y z".split())

_TELL = (
    "{tell me|correct me|stop me|interrupt me|let me know|say the right one|cut in|help me|jump in|speak up} "
    "{when|if|as soon as|whenever|every time} "
)
_WRONG = "{wrong|something wrong|incorrectly|badly|the wrong {one|thing}}"
PATTERNS = {
    "count": (
        "tell me when i count wrong", "correct me when i count",
        "{please|can you|could you|will you|} " + _TELL + "i {count wrong|make a mistake counting|miscount|skip a number|miss a number}",
        "{i'm going to|i will|i'll|let me|i want to} {count|practise counting|try to count} {and you|please} {correct|stop} me",
        "{listen to me count|check my counting|follow my counting} and {correct me|tell me what's wrong|say the right number}",
        "{when|if|whenever} i {count wrong|skip a number|say a wrong number} {please|} {say the right one|correct me|tell me}",
    ),
    "list": (
        "tell me when i get the order wrong", "correct me when i say it wrong",
        "{please|can you|could you|will you|} " + _TELL + "i {get the order wrong|skip one|say the wrong one|make a mistake|mix them up|forget one}",
        "{i'm going to|i will|i'll|let me} {say|recite|list|go through} {them all|the whole list|it from memory} {and you|please} {correct|stop} me",
        "{listen to my list|check my list|follow along} and {correct me|say what comes next when i'm wrong|tell me the right one}",
        "{when|if|whenever} i {skip one|get it wrong|say the wrong one} {please|} {say the right one|correct me|tell me}",
    ),
    "sum": (
        "tell me when my sums are wrong", "correct my sums",
        "{please|can you|could you|will you|} " + _TELL + "{i add wrong|a sum is wrong|my result is wrong|i get a sum wrong|i calculate wrong}",
        "{i'm going to|i will|i'll|let me} {do sums|do some sums|practise adding|add things up} {and you|please} {correct|stop} me",
        "{listen to my sums|check my sums|check my results|follow my sums} and {correct me|say the right result|tell me the right number}",
        "{when|if|whenever} i {add wrong|get a sum wrong|make a mistake} {please|} {say the right result|correct me|tell me}",
    ),
}  # fmt: skip


def recitals(rng: np.random.Generator, kind: str) -> tuple[list[str], list[str]]:
    """A recital as it should be, word by word, and in the same places the words as said: one is wrong, or none.

    A skipped item shows as the next one in its place.
    """
    if kind == "sum":
        return _sums(rng)
    row = _row(rng) if kind == "count" else pick(rng, (DAYS * 2, MONTHS * 2, ALPHABET))
    first = int(rng.integers(max(1, len(row) - 9)))
    right = list(row[first : first + int(rng.integers(7, 13))])
    if chance(rng, RIGHT_SHARE):
        return right, list(right)
    known = 2 if kind == "count" else 1  # words before a mistake can be known for one: "two, four" may be counting in twos
    at = int(rng.integers(known, len(right) - AFTER))
    if chance(rng, 0.5) and at + AFTER + 1 < len(right):
        return right, [*right[:at], *right[at + 1 :]]
    wrong = pick(rng, [w for w in row if w not in right[max(0, at - 1) : at + 2]])
    return right, [*right[:at], wrong, *right[at + 1 :]]


def _row(rng: np.random.Generator) -> tuple[str, ...]:
    """Numbers in ones or twos, up or down."""
    row = NUMBERS[rng.integers(2) : TOP + 1 : pick(rng, (1, 1, 1, 2))]
    return row[::-1] if chance(rng, 0.25) else row


def _sums(rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Three or four sums in a row; the result of one of the first may be wrong."""
    right, wrong_at = [], int(rng.integers(0, 2)) if not chance(rng, RIGHT_SHARE) else None
    said = []
    for k in range(rng.integers(3, 5)):
        total = int(rng.integers(2, TOP + 1))
        a = int(rng.integers(1, total))
        words = [NUMBERS[a], "plus", NUMBERS[total - a], pick(rng, ("is", "makes", "equals"))]
        false = total + int(rng.choice([-2, -1, 1, 2]))
        right += [*words, NUMBERS[total]]
        said += [*words, NUMBERS[abs(false) if k == wrong_at else total]]
    return right, said


def _mistake(right: list[str], said: list[str]) -> int:
    """Which of the words said is wrong; -1 where none is."""
    return next((k for k, (a, b) in enumerate(zip(right, said, strict=False)) if a != b), -1)


def _text(kind: str, words: list[str]) -> str:
    """As it is read aloud, with a comma after every item."""
    if kind != "sum":
        return ", ".join(words)
    return ", ".join(" ".join(words[k : k + 5]) for k in range(0, len(words), 5))


def _recital(kind: str, rng: np.random.Generator) -> Line:
    right, said = recitals(rng, kind)
    at = _mistake(right, said)
    slots = {"kind": kind, "at": at, "right": right[at] if at >= 0 else "", "words": said}
    new = held_out("correct", kind, *said[max(0, at - 1) : at + 1], share=20)
    return Line(NAME, f"{kind}_said", _text(kind, said), (), slots, new)


def _rule(kind: str, rng: np.random.Generator) -> Line:
    return line(rng, NAME, kind, PATTERNS[kind], ())


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless rules ("count", "list", "sum") and recitals with a mistake or none ("count_said", …)."""
    rules = [(1, partial(_rule, kind)) for kind in PATTERNS]
    return draw(rng, split, rules + [(2, partial(_recital, kind)) for kind in PATTERNS])


def own_texts() -> Iterable[str]:
    """The right items."""
    return unique([ACK, *NUMBERS[: TOP + 1], *DAYS, *MONTHS, *ALPHABET])


def _aloud(scene: Scene, kind: str, now_s: float) -> tuple[Line, float, float]:
    """The recital, said. Returns its line, when the mistake has been made (0 for none), and its end."""
    speech = scene.line(NAME, f"{kind}_said")
    scene.script.sounds.append(Sound(now_s, speech))
    at = speech.line.slots["at"]
    return speech.line, now_s + speech.words[at].end_s if at >= 0 else 0.0, now_s + speech.seconds


def _drawn(scene: Scene, kind: str) -> Line:
    return next(x for x in lines(scene.rng, scene.split) if x.intent == f"{kind}_said")


def _typed(scene: Scene, kind: str, now_s: float) -> tuple[Line, float, float]:
    """The recital, typed item by item."""
    made, at_s, wrong_s, digits = _drawn(scene, kind), now_s, 0.0, chance(scene.rng, 0.5)
    words = made.slots["words"]
    for k in range(0, len(words), 5 if kind == "sum" else 1):
        piece = words[k : k + 5] if kind == "sum" else words[k : k + 1]
        scene.script.typed.append((at_s, _card(piece) if digits else " ".join(piece)))
        if k <= made.slots["at"] < k + len(piece):
            wrong_s = typed_by(at_s, " ".join(piece))
        at_s += float(scene.rng.uniform(0.8, 1.4)) * (2 if kind == "sum" else 1)
    return made, wrong_s, at_s


def _written(scene: Scene, kind: str, now_s: float) -> tuple[Line, float, float]:
    """The recital, on cards that are held up one after another (numbers as digits)."""
    rng, made, at_s, wrong_s = scene.rng, _drawn(scene, kind), now_s, 0.0
    stage, words, step = sight.open_stage(scene), made.slots["words"], 5 if kind == "sum" else 1
    colour, look = pick(rng, ("black", "red", "blue", "green")), 2 * int(rng.integers(500))
    for k in range(0, len(words), step):
        text, lasts_s = _card(words[k : k + step]), float(rng.uniform(1.2, 1.8)) * (1.3 if kind == "sum" else 1)
        size = 0.45 if len(text) <= 3 else 0.26
        stage.actors.append(Prop(Thing("text", text, colour, look), (0.5, 0.5), size, at_s, at_s + lasts_s - 0.2))
        if k <= made.slots["at"] < k + step:
            wrong_s = stage.seen_at(at_s + 0.2)
        at_s += lasts_s
    scene.script.about["stage"] = stage
    return made, wrong_s, at_s


def _card(words: list[str]) -> str:
    """Words as one writes them: 2+3=6, 7, friday."""
    signs = {"plus": "+", "is": "=", "makes": "=", "equals": "="}
    return "".join(signs.get(w, str(NUMBERS.index(w)) if w in NUMBERS else w) for w in words)


WAYS = {"aloud": (0.6, _aloud), "typed": (0.2, _typed), "written": (0.2, _written)}


def _recites(scene: Scene, now_s: float, kind: str, ruled: bool) -> float:
    """One recital and the correction, if there is to be one. Returns when it is over."""
    way = str(scene.rng.choice(list(WAYS), p=[share for share, _ in WAYS.values()]))
    made, wrong_s, end_s = WAYS[way][1](scene, kind, now_s)
    cuts_in = ruled and wrong_s > 0
    about = {"class": kind, "way": way, "ruled": ruled, "said": made.text, "right": made.slots["right"]}
    scene.script.about["items"].append(about | {"wrong_s": round(wrong_s, 2)})
    wanted = [reacts(scene, wrong_s, made.slots["right"], late=HEARD_LATE)] if cuts_in else []
    over_s = max([end_s, *(own_end(o) for o in scene.script.own)]) + 1.5
    quiet_between(scene.script, now_s, over_s, wanted)
    if wrong_s and not cuts_in:
        holds_back(scene, wrong_s, [])
    return over_s


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """A rule, mostly, and one or two recitals after it."""
    scene = open_scene(NAME, rng, bank, split, voice)
    now_s, kind, ruled = 0.5 + gap(rng), pick(rng, tuple(PATTERNS)), not chance(rng, UNRULED_SHARE)
    if ruled:
        rule, end_s = gives(scene, lines, now_s, kind)
        now_s = acknowledges(scene, rule, end_s) + float(rng.uniform(0.4, 1.5))
    for _ in range(2):
        end_s = _recites(scene, now_s, kind, ruled)
        now_s = end_s + gap(rng)
        if now_s > 16 or "stage" in scene.script.about:
            break
    made = finish(scene.script, rng, end_s)
    if stage := made.about.pop("stage", None):
        sight.shows(scene, stage, [item["wrong_s"] for item in made.about["items"] if item["way"] == "written" and item["wrong_s"]])
    return made


