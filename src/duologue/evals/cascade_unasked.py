"""The engineered cascade where it must speak up unasked: rules from the transcript, partial transcripts, a motion detector.

Read `engineered`, then `Attentive`. Its ears are Whisper tiny.en on the last seconds of what is being said, so it knows no Spanish; its eye is the
difference of successive pictures, and how soon that repeats itself (its autocorrelation): it sees *that* something moves, comes or
goes, and at what pace, never *what*. So it is an upper bar for cues
and corrections only, a plain baseline for counting, starting and stopping, and next to blind for the rest.
"""

import re
from collections import deque
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple

import numpy as np

from duologue.data.families import count, cue, pronounce
from duologue.data.families.correct_me import ALPHABET
from duologue.data.families.lexicon import DAYS, MONTHS, NUMBERS, WORDS
from duologue.data.families.time import ACK, polite
from duologue.data.script import Line
from duologue.evals.cascade import Cascade, Segment, Tuning, held
from duologue.evals.cascade_engineered import Engineered
from duologue.evals.cascade_parts import Parts
from duologue.evals.cascade_phrases import plain
from duologue.evals.outcome import TURN_S
from duologue.evals.systems import Case, System
from duologue.evals.wording import words_of
from duologue.turn import TurnIn

SPOT_S = 0.2  # the silence after which it reads
FAMILIES = ("cue", "correct_me", "pronounce", "translate", "see", "watch", "count")
WINDOW_S, AGAIN_S = 3.0, 2.5  # of a partial transcript; the same word in two of them is one word
MOVES, LEVELS = 1.6, 0.5  # it moves when pictures differ so many times as the stillest of late, and so many levels more
REMEMBERED, LASTS = 30, 4  # pictures; a movement is over when so many are still
REFRACTORY_S = 0.6
PERIODS, ALIKE = (4, 15), 0.3  # pictures from one repetition to the next; their likeness at least, where 1 is the same
EARLY = 0.7  # of a period: sooner, no other repetition has ended
SAID_WRONG = {wrong: right for right, ways in pronounce.WRONG.items() for wrong in ways}
ENGLISH = frozenset(WORDS + pronounce.UNUSUAL)
LIKE = 0.75  # a word no dictionary has, to the one that was meant, where 1 is the same


def engineered(parts: Parts) -> System:
    """Made for the tasks: grammar, keyword spotter, timers, and every answer ready to be played."""
    ready = parts._replace(costs=parts.costs._replace(synthesise=0.0, synthesise_fixed_s=0.0))

    def made_for(case: Case) -> Cascade:
        """It is told which task it is at."""
        return (Attentive if case.script.family in FAMILIES else Engineered)(ready, Tuning(SPOT_S, float("inf"), False))

    return lambda cases: [held(made_for(case), case) for case in cases]


class Rule(NamedTuple):
    """What to do later. kind: "cue" · "correct" · "count" · "span" (`says` two words) · "watch" (`says` one)."""

    kind: str
    says: tuple[str, ...] = ()
    line: Line | None = None  # of a cue


_SEEN = r"see|appears?|shows? up|comes? (?:up|into view)|hold up|show you|there is|gone|disappears|goes away|leaves|not there|turns|becomes|changes to|starts|begins|is \w+ing"
_SPAN = (r"\bsay (\w+) .*\b(?:starts|begins)\b.* and (?:say )?(\w+) (?:when|as soon as)", r"\b(?:starts|begins)\b.*\bsay (\w+) .*\bsay (\w+)")


def rule_of(text: str) -> Rule | None:
    """The rule that a transcript gives, None for none."""
    said = plain(text)
    if found := next((m for pattern in _SPAN if (m := re.search(pattern, said))), None):
        return Rule("span", found.groups())
    if any(f" {many}" in f" {said} " for many in count.PLURALS.values()):
        return Rule("count")
    if re.search(r"pronoun|pronunc|\bword .*\b(?:wrong|properly|badly)\b", said):
        return Rule("cue", (), Line(pronounce.NAME, "rule", said))
    if re.search(r"\b(?:correct|stop|interrupt) me\b|\bi (?:count|add|calculate|get|skip|miss|make a mistake|miscount)|\bcheck my\b|wrong", said):
        return Rule("correct")
    return _cue(said) or _watch(said)


def _cue(said: str) -> Rule | None:
    kinds = {"animal": "animal", "next": "number", "opposite": "opposite", "adjective": "opposite"}
    if (kind := next((kinds[word] for word in said.split() if word in kinds), None)) and re.search(r"\bi (?:say|use|mention)|hear", said):
        return Rule("cue", (), Line("cue", kind, said))
    if re.search(r"spanish (?:word|one)|(?:word|something|use) (?:in )?spanish", said) and "english" in said:
        return Rule("cue", (), Line("cue", "switch", said))
    if "danger" in said:
        return Rule("cue", (), Line("cue", "danger", said))
    things = [word for word in said.split() if word in cue.THINGS]
    if things and re.search(r"how (?:often|many times)|the count", said):
        return Rule("cue", (), Line("cue", "tally", said, slots={"cue": things[0]}))
    replies = [word for word in said.split() if word in cue.REPLIES]
    if things and replies:
        return Rule("cue", (), Line("cue", "word", said, slots={"cue": things[0], "reply": replies[0]}))
    return None


def _watch(said: str) -> Rule | None:
    if not re.search(rf"\b(?:{_SEEN})\b", said):
        return None
    if found := re.search(r"\bsay (?:the word )?(\w+)", said):
        return Rule("watch", (found[1],))
    found = re.search(r"\b(?:see|is|hold up|show you|out for|when|moment) ((?:an?|the (?:number|word)) [\w ]+?)(?: (?:appears|shows|comes|and)\b.*)?$", said)
    return Rule("watch", (found[1],)) if found else None


def mistake(words: Sequence[str]) -> str | None:
    """The right item at the last word, if that is wrong after those before it: a row, or a sum."""
    if len(words) >= 5 and words[-4] == "plus" and words[-2] in ("is", "makes", "equals") and {words[-5], words[-3], words[-1]} <= set(NUMBERS):
        right = NUMBERS[NUMBERS.index(words[-5]) + NUMBERS.index(words[-3])]
        return None if words[-1] == right else right
    row = next((row for row in (NUMBERS, DAYS, MONTHS, ALPHABET) if set(words[-3:]) <= set(row)), None)
    if row is None or len(words) < 3:
        return None
    a, b, c = (row.index(word) for word in words[-3:])
    step = (b - a + len(row) // 2) % len(row) - len(row) // 2
    right = row[(b + step) % len(row)]
    return None if abs(step) > 2 or row[c] == right else right


def meant(word: str) -> str | None:
    """What a word that is none should have been, for one who knows those that may be said wrong: that way, or in another that is like it.

    None for English, for what a window has cut, and for what is like nothing.
    """
    if word in ENGLISH or any(right.startswith(word) or right.endswith(word) for right in pronounce.WRONG):
        return None
    return SAID_WRONG.get(word) or next(iter(get_close_matches(word, pronounce.WRONG, 1, LIKE)), None)


def period(levels: Sequence[float]) -> int:
    """Pictures after which a movement is most like itself, by its autocorrelation; 0 where it is never like itself."""
    most = min(PERIODS[1], len(levels) // 2)
    if most < PERIODS[0]:
        return 0
    x = np.asarray(levels, float) - np.mean(levels)
    alike = {lag: float(x[lag:] @ x[:-lag]) / (len(x) - lag) for lag in range(PERIODS[0] - 1, most + 2)}
    peaks = [lag for lag in range(PERIODS[0], most + 1) if alike[lag - 1] <= alike[lag] >= alike[lag + 1]]
    best = max(peaks, key=alike.get, default=0)
    return best if best and x.any() and alike[best] >= ALIKE * float(x @ x) / len(x) else 0


class Eye:
    """Whether something moves, by the mean difference of one picture and the next."""

    def __init__(self):
        self.last: np.ndarray | None = None
        self.levels: deque[float] = deque(maxlen=REMEMBERED)
        self.moved: deque[bool] = deque(maxlen=LASTS)

    def look(self, image: np.ndarray) -> tuple[bool, bool]:
        """Whether it moves, or did a moment ago; whether the movement has just turned: it was slower than before and after."""
        grey, before = image[::2, ::2].mean(2), list(self.levels)[-2:]
        if self.last is not None:
            self.levels.append(float(np.abs(grey - self.last).mean()))
            self.moved.append(self.levels[-1] > MOVES * np.percentile(self.levels, 20) + LEVELS)
        self.last = grey
        moves = any(self.moved)
        return moves, moves and len(before) == 2 and before[0] > before[1] <= self.levels[-1]


class Attentive(Engineered):
    """One conversation of the harness that was made for the tasks, in which rules may be given for later."""

    def __init__(self, parts, tuning):
        super().__init__(parts, tuning)
        self.rule: Rule | None = None
        self.eye, self.moving, self.count, self.reacted_s = Eye(), False, 0, 0.0
        self.cued_s: dict[str, float] = {}
        self.typed_words: list[str] = []

    def hears(self, turn: TurnIn, speech_F: np.ndarray, first_frame: int) -> None:
        now_s = (turn.index + 1) * TURN_S
        super().hears(turn, speech_F, first_frame)
        if self.rule and turn.image is not None:
            self._look(turn.image, now_s)
        if self.rule and self.rule.kind in ("cue", "correct"):
            if turn.typed:
                self._follow(words_of(turn.typed), now_s, typed=True)
            if self.segment and now_s >= self.free_s:
                self._listen(self.segment, now_s)

    def _respond(self, text: str, end_s: float, ready_s: float, now_s: float, typed: bool = False) -> None:
        """Takes a rule for what it is; while one holds, what is said is no request."""
        if self.rule is None and (rule := rule_of(text)):
            self.rule = rule
            if polite(plain(text)):
                self._say(ACK, max(ready_s, now_s))
        elif self.rule is None or self.rule.kind not in ("cue", "correct"):
            super()._respond(text, end_s, ready_s, now_s, typed)

    def _say(self, text: str, at_s: float) -> None:
        if owns := self.mouth.words((text,)):
            self.mouth.say(max(at_s, self.mouth.end_s), owns)

    def _look(self, image: np.ndarray, now_s: float) -> None:
        moves, turned = self.eye.look(image)
        began, ended = moves and not self.moving, self.moving and not moves
        self.moving = moves
        if now_s - self.reacted_s < self._refractory_s():
            return
        said = self._reaction(began, ended, turned)
        if said:
            self.reacted_s = now_s
            self._say(said, now_s)

    def _refractory_s(self) -> float:
        """How soon after a reaction there may be another: of repetitions, most of a period."""
        if self.rule.kind != "count":
            return REFRACTORY_S
        return max(REFRACTORY_S, EARLY * period(self.eye.levels) * TURN_S)

    def _reaction(self, began: bool, ended: bool, turned: bool) -> str:
        """What the rule makes of a movement."""
        if self.rule.kind == "count" and (turned or ended) and self.count < len(NUMBERS) - 1:
            self.count += 1
            return NUMBERS[self.count]
        if self.rule.kind == "span" and (began if self.count == 0 else ended) and self.count < 2:
            self.count += 1
            return self.rule.says[self.count - 1]
        return self.rule.says[0] if self.rule.kind == "watch" and began else ""

    def _listen(self, segment: Segment, now_s: float) -> None:
        """Reads the last seconds of what is being said."""
        if segment.voiced_s >= 0.25:
            recent = Segment(max(segment.begin_s, now_s - WINDOW_S), segment.end_s, segment.voiced_s)
            text, self.free_s = self._recognised(recent, now_s)
            self._follow(words_of(text), self.free_s)

    def _follow(self, words: Sequence[str], at_s: float, typed: bool = False) -> None:
        """Reacts to each word that is new."""
        if typed:
            self.typed_words += words
            words = self.typed_words
        for i, word in enumerate(words):
            said = self._answer(words[: i + 1])
            if said and at_s - self.cued_s.get(word, -AGAIN_S) >= AGAIN_S:
                self.cued_s[word] = at_s
                self.count += 1
                self._say(said, at_s)

    def _answer(self, words: Sequence[str]) -> str | None:
        if self.rule.kind == "correct":
            return mistake(words)
        if self.rule.line.family == pronounce.NAME:
            return meant(words[-1])
        return cue.answer_to(self.rule.line, words[-1], self.count)
