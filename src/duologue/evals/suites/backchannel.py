"""Backchannel: the user tells something; a listener may say "okay" where a sentence ends, and nowhere else.

No family is trained for this. Points are the ends of sentences; foils are pauses inside a sentence, as long as those at its
end, and stretches of speech. The headline is the share of points used less the share of foils used, so that silence,
chatter and every metronome, at whatever rate, get nothing. Read `SUITE`, then `_tell`.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import islice

import numpy as np

from duologue.data.families.pause import OPEN_WORDS
from duologue.data.pieces import tight
from duologue.data.script import Own, Script, Sound, Speech, reply_at
from duologue.errors import DataError
from duologue.evals.draws import Source
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome, segments, takes_turn
from duologue.evals.score import Reader, Verdict
from duologue.evals.stats import Figure, of_sums, share
from duologue.evals.suite import Record, Suite, right, rows, seen
from duologue.evals.trials import Trial

SAID = ("okay", "i see", "oh really", "mm hmm", "uh huh", "mm", "hmm", "mhm", "yeah", "yes", "right", "oh", "ah", "sure")
WINDOW_S = 0.8
PAUSE_S = (0.9, 1.4)
SHORTEST_S, LONGEST_S = 20.0, 40.0
STRETCH_S = 1.8  # speech this long has a foil in its middle
FEWEST = 6  # sentences a voice must have


def items(source: Source, cases: int) -> list[Item]:
    """Raises DataError when there are no narrations to tell."""
    voices, replies = _sentences(source, cases), _replies(source)
    if not voices or not replies:
        raise DataError("no narration and no short reply to build backchannels from; synthesise more (duologue synth)")
    return [_tell(np.random.default_rng([314, number]), voices, replies) for number in range(cases)]


def _sentences(source: Source, cases: int) -> list[list[Speech]]:
    """What narrators say, by voice: all of a narration but the words that hand over the turn."""
    found: dict[str, list[Speech]] = defaultdict(list)
    for script, trials in islice(source("invite"), 4 * cases):
        handed = [trial.after_s for trial in trials if trial.kind == "answer"]
        told = [s for s in script.sounds if all(abs(s.start_s + s.speech.seconds - end_s) > 0.02 for end_s in handed)]
        for sound in told:
            found[sound.speech.voice].append(sound.speech)
    return [found[voice] for voice in sorted(found) if len(found[voice]) >= FEWEST]


def _replies(source: Source) -> list[Speech]:
    """Short replies of the own voice, each text once."""
    said = (own.speech for family in ("invite", "time") for script, _ in islice(source(family), 40) for own in script.own)
    return list({speech.text: speech for speech in said if speech.text in SAID}.values())


def _tell(rng: np.random.Generator, voices: list[list[Speech]], replies: list[Speech]) -> Item:
    told, script, trials, now_s = voices[rng.integers(len(voices))], Script("backchannel", 0.0), [], 1.0
    until_s = rng.uniform(SHORTEST_S, LONGEST_S)
    for i in rng.permutation(np.resize(rng.permutation(len(told)), 20)):
        *heads, tail = _pieces(rng, told[i])
        for head in heads:
            now_s = _says(script, trials, now_s, head)
            trials.append(_foil(now_s))
            now_s += rng.uniform(*PAUSE_S)
        now_s = _says(script, trials, now_s, tail)
        trials.append(Trial("point", "backchannel", now_s, now_s + WINDOW_S, SAID, now_s))
        script.own.append(Own(reply_at(now_s), replies[rng.integers(len(replies))]))
        now_s += rng.uniform(*PAUSE_S)
        if now_s > until_s:
            break
    script.length_s = now_s + 1.0
    return script, trials


def _pieces(rng: np.random.Generator, speech: Speech) -> list[Speech]:
    """A sentence whole or, half the time if it can be, cut where it cannot be over."""
    cuts = [i for i, word in enumerate(speech.words[:-1], 1) if word.text in OPEN_WORDS and i > 1]
    if not cuts or rng.random() < 0.5:
        return [speech]
    cut = cuts[rng.integers(len(cuts))]
    return [tight(speech.cut(0, cut)), tight(speech.cut(cut, len(speech.words)))]


def _says(script: Script, trials: list[Trial], now_s: float, speech: Speech) -> float:
    script.sounds.append(Sound(now_s, speech))
    if speech.seconds >= STRETCH_S:
        trials.append(_foil(now_s + (speech.seconds - WINDOW_S) / 2))
    return now_s + speech.seconds


def _foil(begin_s: float) -> Trial:
    return Trial("foil", "no_onset", begin_s, begin_s + WINDOW_S)


def observe(
    script: Script, trials: Sequence[Trial], verdicts: Sequence[Verdict], outcome: Outcome, reader: Reader
) -> dict:
    """sounds: how many were made. turn: whether one of them was as long as a turn. open: share of the time that points take."""
    made = segments(outcome.spans)
    points = sum(trial.end_s - trial.begin_s for trial in trials if trial.row == "point")
    return {"sounds": len(made), "turn": any(takes_turn(s, 0) for s in made), "open": points / script.length_s}


def _counts(record: Record) -> tuple[float, ...]:
    trials = {row: [t["right"] for t in record["trials"] if t["row"] == row] for row in ("point", "foil")}
    about = record["seen"]["sounds"], record["seconds"] / 60, record["seen"]["open"] * record["seen"]["sounds"]
    return sum(trials["point"]), len(trials["point"]), sum(trials["foil"]), len(trials["foil"]), *about


def figures(records: Sequence[Record]) -> dict[str, Figure]:
    counts = [_counts(record) for record in records]
    return {
        "gain": of_sums(counts, lambda hit, points, kept, foils, *_: 100 * (hit / points - 1 + kept / foils), "points"),
        "points": right(rows(records, "point")),
        "foils": share([not trial["right"] for trial in rows(records, "foil")]),
        "precision": of_sums(counts, lambda hit, p, k, f, sounds, *_: 100 * hit / sounds),
        "over_chance": of_sums(counts, lambda hit, p, k, f, sounds, m, by_luck: 100 * (hit - by_luck) / sounds, "points"),
        "per_minute": of_sums(counts, lambda hit, p, k, f, sounds, minutes, _: sounds / minutes, "/min"),
        "takeover": share(list(seen(records, "turn"))),
    }


SUITE = Suite(
    name="backchannel",
    asks='say "okay" or the like where a sentence of the user\'s story ends, and nowhere else',
    mirrors="Full-Duplex-Bench v1 backchannel; other data, and points and foils instead of a histogram that a metronome wins",
    items=items,
    figures=figures,
    headline="gain",
    chance={"silent": 0, "always": 5, "random": 15, "metronome": 15},
    observe=observe,
)
