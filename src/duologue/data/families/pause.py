"""Pause: the user stops inside a question, hums, starts anew or corrects it; the model waits and answers the last version.

`script` is the function to read first. Whole questions, answered at once, are the contrast.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import numpy as np

from duologue.data.families import facts, numbers, order
from duologue.data.families.exchange import (
    CLOSERS,
    MAX_EXCHANGES,
    OPENERS,
    answers,
    draw,
    finish,
    gap,
    held_out,
    line,
    pick,
    replies,
    says,
    unique,
)  # fmt: skip
from duologue.data.families.lexicon import DAYS, MONTHS, NUMBERS, OPPOSITES
from duologue.data.families.timing import QUESTIONS, Scene, open_scene, plain
from duologue.data.pieces import tight
from duologue.data.script import Check, Line, Script, Speech

NAME = "pause"

FILLER = (
    "{um|uh|er|hmm|um um|uh um|so um|well um|and um|um so|uh well}",
    "{um|uh|er|well|hmm|} {let me think|let me see|what was it|how do i say it|what do i mean|you know|"
    "i forgot the word|just thinking|i'm thinking|where was i|what's the word|one sec}",
)
MARKER = (
    "{oh|uh|um|ah|} {no wait|wait no|no sorry|sorry i mean|i mean|no i mean|or rather|sorry|scratch that|"
    "no let me start again|let me start over|i meant to say|no actually|actually no|that's wrong|no no|"
    "forget that|sorry i meant|let me ask again|wrong question}",
)
OR = (
    "{no wait|wait|no|no sorry|sorry i mean|i mean|sorry|or rather|uh no|oh no wait|um no|no i mean|actually|no make that|"
    "oops i mean|sorry no|i meant}"
)
SUM = (
    "{what is|what's|how much is|tell me|} <a> plus <b> " + OR + " <c> plus <d>",
    "{what is|what's|how much is} <a> plus <b> " + OR + " {what is|what's} <c> plus <d>",
    "{can you tell me|do you know} {what|how much} <a> plus <b> is " + OR + " <c> plus <d>",
)
OPPOSITE = (
    "{what is|what's|tell me} the opposite of <a> " + OR + " {the opposite of|of|} <b>",
    "{do you know|can you tell me|give me} the opposite of <a> " + OR + " {the opposite of|of|} <b>",
)
NEXT_NUMBER = (
    "{what comes|what number comes|which number comes|what number is|what is} after <a> " + OR + " {after|} <b>",
    "{count one up from|tell me the number after|what follows|the number after} <a> " + OR + " <b>",
)
NEXT_NAME = (
    "{what|which} <unit> {comes after|follows|is after|comes next after} <a> " + OR + " {after|} <b>",
    "{tell me the|what's the|name the} <unit> {after|that follows} <a> " + OR + " {after|} <b>",
)


OPEN_WORDS = frozenset(  # a sentence cannot be over after one of these
    "is what's are was were what which how much the a an of to from plus minus times and or by than after before does do "
    "add subtract multiply comes follows between if whether with until like away half double twice opposite plural sum "
    "difference product colour color sound noise not when suppose today's".split()
)
OPENING = frozenset(" ".join(OPENERS).split())  # "sorry what" or "okay so" may stand alone
ANSWERS = ("fact", "recital", "words")  # slots that hold what must be answered, not what is asked


def _last_needed(line: Line) -> int:
    """Index of the last word that the question cannot do without."""
    asked = {word for name, value in line.slots.items() if name not in ANSWERS for word in str(value).split()}
    return max((i for i, word in enumerate(line.text.split()) if word in asked), default=0)


def open_cuts(line: Line) -> list[int]:
    """Word counts after which the line stops short: two words beyond the opener, the last one open, the point missing."""
    words = line.text.split()
    opening = next((i for i, word in enumerate(words) if word not in OPENING), 0)
    return [cut for cut in range(opening + 2, _last_needed(line) + 1) if words[cut - 1] in OPEN_WORDS]


def closed_cut(line: Line) -> int | None:
    """Word count before a closing courtesy ("please", "for me"): there the question is complete, whatever its tone."""
    for closer in CLOSERS:
        words = line.text.removesuffix(f" {closer}").split()
        if _last_needed(line) < len(words) < len(line.text.split()) and words[-1] not in OPEN_WORDS:
            return len(words)
    return None


def _two(rng: np.random.Generator, items) -> tuple:
    first, second = rng.choice(len(items), 2, replace=False)
    return items[first], items[second]


def _sum(rng: np.random.Generator) -> Line:
    a, b, c, d = (int(n) for n in rng.integers(0, 11, 4))
    c = (c + 1) % 11 if a + b == c + d else c
    fact = NUMBERS[c + d]
    slots = {"a": NUMBERS[a], "b": NUMBERS[b], "c": NUMBERS[c], "d": NUMBERS[d], "fact": fact}
    return line(rng, NAME, "repair", SUM, replies(fact, "it's <>", "that's <>"), slots)


def _opposite(rng: np.random.Generator) -> Line:
    old, new = _two(rng, OPPOSITES)
    (b, fact), a = new if rng.random() < 0.5 else new[::-1], pick(rng, old)
    return line(rng, NAME, "repair", OPPOSITE, replies(fact, "it's <>"), {"a": a, "b": b, "fact": fact})


def _next_number(rng: np.random.Generator) -> Line:
    a, b = _two(rng, range(20))
    fact = NUMBERS[b + 1]
    slots = {"a": NUMBERS[a], "b": NUMBERS[b], "fact": fact}
    return line(rng, NAME, "repair", NEXT_NUMBER, replies(fact, "it's <>"), slots)


def _next_name(rng: np.random.Generator) -> Line:
    unit, names = (("day", DAYS), ("month", MONTHS))[rng.integers(2)]
    a, b = _two(rng, names)
    fact = names[(names.index(b) + 1) % len(names)]
    slots = {"unit": unit, "a": a, "b": b, "fact": fact}
    return line(rng, NAME, "repair", NEXT_NAME, replies(fact, "it's <>"), slots)


def _filler(rng: np.random.Generator) -> Line:
    return line(rng, NAME, "filler", FILLER, (), dressed=False)


def _marker(rng: np.random.Generator) -> Line:
    return line(rng, NAME, "marker", MARKER, (), dressed=False)


def _stem(rng: np.random.Generator) -> Line:
    """The beginning of a question, to be spoken as if it were all: only its syntax tells that it is not."""
    while True:
        whole = pick(rng, pick(rng, (numbers, order, facts)).MAKERS)[1](rng)
        if not whole.held_out and (cuts := open_cuts(whole)):
            text = " ".join(whole.text.split()[: pick(rng, cuts)])
            return Line(NAME, "stem", text, held_out=held_out("stem", text))


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless repaired questions, stems, fillers and markers; plain questions come from numbers, order and facts."""
    repairs = [(1.5, _sum), (1, _opposite), (1, _next_number), (1, _next_name)]
    return draw(rng, split, [*repairs, (1.5, _stem), (1, _filler), (1, _marker)])


def own_texts() -> Iterable[str]:
    """Answers to repaired questions."""
    words = [*NUMBERS[:21], *DAYS, *MONTHS, *(word for pair in OPPOSITES for word in pair)]
    return unique(text for fact in words for text in replies(fact, "it's <>", "that's <>"))


def _cuttable(line: Line) -> bool:
    return len(line.slots.get("recital", ())) <= 10 and bool(line.answers) and bool(open_cuts(line))


def _question(scene: Scene, where: Callable[[Line], bool] = _cuttable) -> Speech:
    return scene.line(pick(scene.rng, QUESTIONS), where=where)


def _pause(rng: np.random.Generator) -> float:
    """Seconds, 0.2 to 2.5, short ones more often."""
    return float(0.2 + 2.3 * rng.beta(1.0, 1.6))


Pieces = list[tuple[float, Speech]]  # what the user says, each after so many seconds of pause


def _head(scene: Scene, speech: Speech) -> tuple[Speech, int]:
    """The beginning of a question, cut where it is open, and the number of its words."""
    cut = int(scene.rng.choice(open_cuts(speech.line)))
    return tight(speech.cut(0, cut)), cut


def _whole(scene: Scene) -> tuple[Pieces, Line]:
    speech = _question(scene)
    return [(0.0, speech)], speech.line


def _clipped(scene: Scene) -> tuple[Pieces, Line]:
    """A complete question whose tone promises more: cut before its "please", answered at once."""
    speech = _question(scene, lambda line: plain(line) and closed_cut(line) is not None)
    return [(0.0, tight(speech.cut(0, closed_cut(speech.line))))], speech.line


def _broken(scene: Scene) -> tuple[Pieces, Line]:
    """One or two pauses where the sentence is open."""
    speech = _question(scene)
    cuts = open_cuts(speech.line)
    chosen = sorted(scene.rng.choice(cuts, min(len(cuts), 1 + int(scene.rng.random() < 0.25)), replace=False))
    bounds = [0, *(int(cut) for cut in chosen), len(speech.words)]
    parts = [tight(speech.cut(begin, end)) for begin, end in pairwise(bounds)]
    return [(0.0, parts[0]), *((_pause(scene.rng), part) for part in parts[1:])], speech.line


def _filled(scene: Scene) -> tuple[Pieces, Line]:
    """A pause with "um" or "let me think" in it."""
    speech = _question(scene)
    head, cut = _head(scene, speech)
    tail = tight(speech.cut(cut, len(speech.words)))
    hum = scene.line(NAME, "filler")
    return [(0.0, head), (0.6 * _pause(scene.rng), hum), (0.6 * _pause(scene.rng), tail)], speech.line


def _restarted(scene: Scene) -> tuple[Pieces, Line]:
    """The beginning twice: "what is, what is eight plus five"."""
    speech = _question(scene)
    return [(0.0, _head(scene, speech)[0]), (_pause(scene.rng), speech)], speech.line


def _abandoned(scene: Scene) -> tuple[Pieces, Line]:
    """A question left off, or corrected in the same breath, then another one: only the last is answered."""
    first, marker, last = _question(scene), scene.line(NAME, "marker"), _question(scene)
    whole = scene.rng.random() < 0.35
    pause_s = float(scene.rng.uniform(0.02, 0.1)) if whole else _pause(scene.rng)
    head = first if whole else scene.line(NAME, "stem") if scene.rng.random() < 0.6 else _head(scene, first)[0]
    return [(0.0, head), (pause_s, marker), (0.5 * _pause(scene.rng), last)], last.line


def _repaired(scene: Scene) -> tuple[Pieces, Line]:
    speech = scene.line(NAME, "repair")
    return [(0.0, speech)], speech.line


CLASSES = {
    "whole": (0.15, _whole), "clipped": (0.1, _clipped), "pause": (0.28, _broken), "filler": (0.14, _filled),
    "restart": (0.08, _restarted), "abandoned": (0.11, _abandoned), "repair": (0.14, _repaired),
}  # fmt: skip


def _says_pieces(script: Script, now_s: float, pieces: Pieces) -> float:
    """The pieces with their pauses, the model quiet all through. Returns the end."""
    for pause_s, speech in pieces:
        if pause_s:
            script.checks.append(Check("quiet", now_s, now_s + pause_s))
        now_s = says(script, now_s + pause_s, speech)
    return now_s


def _exchange(scene: Scene, now_s: float) -> float:
    """One question of a random class and its answer. Returns the answer's end."""
    names, weights = list(CLASSES), [weight for weight, _ in CLASSES.values()]
    kind = str(scene.rng.choice(names, p=weights))
    pieces, asked = CLASSES[kind][1](scene)
    end_s = _says_pieces(scene.script, now_s, pieces)
    pauses = [round(pause_s, 3) for pause_s, _ in pieces[1:]]
    about = {"class": kind, "pauses_s": pauses, "said": [speech.text for _, speech in pieces], "intent": asked.intent}
    scene.script.about["items"].append(about | {"asked": asked.text, "end_s": round(end_s, 3)})
    return answers(scene.script, scene.rng, scene.bank, asked, end_s)


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """One to four questions by a user who hesitates."""
    scene = open_scene(NAME, rng, bank, split, voice)
    now_s, target_s = gap(rng), rng.uniform(8, 18)
    for _ in range(MAX_EXCHANGES):
        end_s = _exchange(scene, now_s)
        now_s = end_s + gap(rng)
        if now_s > target_s:
            break
    return finish(scene.script, rng, end_s)
