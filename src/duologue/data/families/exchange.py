"""What the question-answer families share: phrasing, the held-out rule, and placing a line and its answer in time.

A family writes `Line`s with `line` and streams them with `draw`; its script is `questions`, or `conversation` with an
exchange of its own, or `says` and `answers` where it needs another shape. Read `questions` first.
"""

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from duologue.data.script import Check, Line, Own, Script, Sound, Speech, reply_at

PHRASE_SHARE, COMBO_SHARE = 15, 10  # percent of phrases and of slot combinations that only tests see
FAMILIAR_IN_TEST = 0.02  # keeps about one test line in ten free of anything held out
BARE = 0.04  # share of the replies that are the fact alone
PERIOD_S = (0.5, 0.9)  # between the items of a recital
MAX_EXCHANGES = 4
SHORTEST_S, LONGEST_S = 8.0, 25.0
OPENERS = (
    "um", "uh", "so", "okay", "well", "duo", "now", "hey", "alright", "right", "and", "okay so", "so um", "hey duo",
    "hi duo", "okay duo", "duo um", "um okay", "quick question", "next question", "tell me duo", "listen duo",
    "excuse me", "sorry", "just curious",
)  # fmt: skip
CLOSERS = ("please", "please", "please", "duo", "duo", "then", "for me", "please duo", "now", "thanks")
_CHOICE = re.compile(r"\{([^{}]*)\}")
_OPENED, _CLOSED = re.compile(rf"^(?:(?:{'|'.join(OPENERS)}) )+"), re.compile(rf"(?: (?:{'|'.join(CLOSERS)}))+$")


def vary(rng: np.random.Generator, pattern: str) -> str:
    """One random expansion of a grammar of alternatives: "{hi|hello} {there|}" gives "hi", "hello there", …"""
    while found := _CHOICE.search(pattern):
        options = found[1].split("|")
        pattern = pattern[: found.start()] + options[rng.integers(len(options))] + pattern[found.end() :]
    return " ".join(pattern.split())


def held_out(*key, share: int = PHRASE_SHARE) -> bool:
    """Whether this phrase or combination is kept from training: `share` percent of all keys, always the same ones."""
    return zlib.crc32("\x1f".join(map(str, key)).encode()) % 100 < share


def pick(rng: np.random.Generator, items: Sequence):
    """One of the items, each as likely."""
    return items[rng.integers(len(items))]


def dress(rng: np.random.Generator, text: str) -> str:
    """The request as people say it: now and then a filler, a name or a courtesy before or after."""
    opener = pick(rng, OPENERS) if rng.random() < 0.35 else ""
    closed = text.rsplit(" ", 1)[-1] in ("please", "then", "duo", "me", "now", "thanks")
    closer = pick(rng, CLOSERS) if rng.random() < 0.2 and not closed else ""
    return " ".join(f"{opener} {text} {closer}".split())


def bare(phrase: str) -> str:
    """The phrase without fillers and courtesies: what the held-out rule looks at, so that "um" makes nothing new."""
    return _CLOSED.sub("", _OPENED.sub("", phrase))


def line(  # noqa: PLR0913  every one of them is given by most callers
    rng: np.random.Generator,
    family: str,
    intent: str,
    patterns: Sequence[str],
    answers: Sequence[str],
    slots: dict | None = None,
    *,
    new_combo: bool = False,
    dressed: bool = True,
) -> Line:
    """A user line: one phrase of the patterns with its "<slot>" places filled.

    Args:
        patterns: see `vary`; one without alternatives is the plain way to ask, and is always trained.
        slots: values by name; "fact" is what every right answer must contain (the checks ask for it), "recital" the
            words of an answer said as a list at a steady pace.
        new_combo: the slot values form a combination that training never sees.
        dressed: whether fillers and courtesies may surround the phrase.
    """
    slots = slots or {}
    text = vary(rng, pick(rng, patterns))
    text = dress(rng, text) if dressed else text
    plain = {bare(pattern) for pattern in patterns if "{" not in pattern}
    new = new_combo or (bare(text) not in plain and held_out(intent, bare(text)))
    for name, value in slots.items():
        text = text.replace(f"<{name}>", str(value))
    return Line(family, intent, text, tuple(answers), slots, new)


def draw(rng: np.random.Generator, split: str, makers: Sequence[tuple[float, Callable]]) -> Iterator[Line]:
    """Endless lines from weighted makers `rng -> Line`; "train" has nothing held out, "test" hardly anything else."""
    weights = np.array([weight for weight, _ in makers])
    weights = weights / weights.sum()
    while True:
        made = makers[rng.choice(len(makers), p=weights)][1](rng)
        if not made.held_out if split != "test" else (made.held_out or rng.random() < FAMILIAR_IN_TEST):
            yield made


def replies(fact: str, *forms: str) -> tuple[str, ...]:
    """The bare fact, then each form with "<>" filled: the answers to one question."""
    return (fact, *(form.replace("<>", fact) for form in forms))


def choose_reply(rng: np.random.Generator, answers: Sequence[str]) -> str:
    """Mostly a whole sentence, if there is one: a lone word is harder to understand, for people and for Whisper."""
    return answers[0] if len(answers) == 1 or rng.random() < BARE else pick(rng, answers[1:])


def unique(texts: Iterable[str]) -> list[str]:
    """The texts without repetition, in order."""
    return list(dict.fromkeys(texts))


def recital(words: Sequence[str], start_s: float, period_s: float, bank) -> list[Own]:
    """The words one by one, evenly spaced (wider than `period_s` if the longest word needs it)."""
    spoken = [bank.own_word(word) for word in words]
    period_s = max(period_s, max(speech.seconds for speech in spoken) + 0.04)
    return [Own(start_s + i * period_s, speech) for i, speech in enumerate(spoken)]


def apart(words: Sequence[str], start_s: float, gap_s: float, bank) -> list[Own]:
    """The words one after the other with the same gap between."""
    owns = []
    for word in words:
        owns.append(Own(start_s, bank.own_word(word)))
        start_s = ends(owns) + gap_s
    return owns


def ends(owns: Sequence[Own]) -> float:
    """When the last of these has been said, in seconds."""
    return owns[-1].start_s + owns[-1].speech.seconds


def own_reply(rng: np.random.Generator, bank, spoken_line: Line, start_s: float) -> list[Own]:
    """The own voice's answer to a line, as speech from `start_s` on."""
    if "recital" in spoken_line.slots:
        return recital(spoken_line.slots["recital"], start_s, rng.uniform(*PERIOD_S), bank)
    return [Own(start_s, bank.own(choose_reply(rng, spoken_line.answers)))]


def answer_checks(spoken_line: Line, end_s: float, owns: Sequence[Own]) -> list[Check]:
    """What must be heard after a line that ended at `end_s`: the fact, and every item of a recital."""
    slots = spoken_line.slots
    items = tuple(slots.get("recital", ()))
    accept = items[:1] or ((slots["fact"],) if "fact" in slots else spoken_line.answers)
    checks = [Check("answer", end_s - 0.2, end_s + 2.5, accept, end_s)]
    if items:
        checks.append(Check("goes_on", end_s - 0.2, ends(owns) + 2.5, items, end_s))
    return checks


def says(script: Script, start_s: float, speech: Speech) -> float:
    """The user says this, and the model keeps quiet meanwhile. Returns the end in seconds."""
    script.sounds.append(Sound(start_s, speech))
    end_s = start_s + speech.seconds
    script.checks.append(Check("quiet", start_s, end_s))
    return end_s


def answers(script: Script, rng: np.random.Generator, bank, spoken_line: Line, end_s: float) -> float:
    """The model answers a line that ended at `end_s` (or keeps quiet if none is wanted). Returns its end in seconds."""
    if not spoken_line.answers:
        return end_s
    owns = own_reply(rng, bank, spoken_line, reply_at(end_s))
    script.own += owns
    script.checks += answer_checks(spoken_line, end_s, owns)
    return ends(owns)


def gap(rng: np.random.Generator) -> float:
    """Seconds of silence between two exchanges, 0.3 to 4, short ones more often."""
    return float(0.3 + 3.7 * rng.beta(1.1, 2.2))


def finish(script: Script, rng: np.random.Generator, end_s: float) -> Script:
    """Sets the length: some silence after the end, at least SHORTEST_S in all."""
    script.length_s = max(SHORTEST_S, end_s + rng.uniform(0.5, 2.0))
    return script


def sample(script: Script, rng: np.random.Generator, bank, family: str = "", **wanted) -> Speech:
    """Something the script's user may say, in the script's voice (the first one asked for decides which that is).

    `wanted` goes to `bank.sample` (intent, where). Raises DataError when the bank has nothing of that kind.
    """
    about = script.about
    speech = bank.sample(rng, family or script.family, voice=about["voice"], split=about["split"], **wanted)
    about["voice"] = speech.voice
    return speech


def ask(script: Script, rng: np.random.Generator, bank, at_s: float, speech: Speech) -> float:
    """One exchange: the user says this at `at_s` and the model answers. Returns its end."""
    script.about["intents"].append(f"{speech.line.family}.{speech.line.intent}")
    return answers(script, rng, bank, speech.line, says(script, at_s, speech))


def conversation(
    rng: np.random.Generator, split: str, family: str, voice: str | None, exchange_at: Callable[[Script, float], float]
) -> Script:
    """One to four exchanges with silences around them, about 8 to 25 s.

    `exchange_at(script, at_s)` puts one exchange into the script at that time and returns its end.
    """
    script = Script(family, 0.0, about={"split": split, "voice": voice, "intents": []})
    target_s, at_s = rng.uniform(SHORTEST_S, LONGEST_S - 7), gap(rng)
    for _ in range(MAX_EXCHANGES):
        end_s = exchange_at(script, at_s)
        at_s = end_s + gap(rng)
        if at_s > target_s:
            break
    return finish(script, rng, end_s)


def questions(rng: np.random.Generator, bank, split: str, family: str, voice: str | None = None) -> Script:
    """A conversation of lines of one family and their answers."""

    def exchange_at(script: Script, at_s: float) -> float:
        return ask(script, rng, bank, at_s, sample(script, rng, bank))

    return conversation(rng, split, family, voice, exchange_at)
