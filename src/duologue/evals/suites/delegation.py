"""Delegation: what the model cannot know is handed on, it stays present meanwhile, and weaves the result in.

Read `SUITE`, then `observe`. The background side is the product's own agent on the turns' clock with a clerk behind it
(`evals/clerk.py`); when a result comes follows from when the system called, so its window is laid while judging.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from duologue.data.families import delegate_words as words
from duologue.data.script import Own, Script, Sound
from duologue.evals.draws import Source, take
from duologue.evals.errands import Errand, errands, spoken
from duologue.evals.heard import Heard, timed_words
from duologue.evals.items import Item
from duologue.evals.outcome import TURN_S, Outcome, segments
from duologue.evals.score import Reader, Verdict
from duologue.evals.stats import Figure, of_sums, share
from duologue.evals.suite import Record, Suite, latencies, right, rows, seen
from duologue.evals.trials import RECITING_S, SOONEST_S, Trial, moved
from duologue.evals.wording import contains, words_of

ACK_S, TOLD_S = 1.0, 2.0
WORD_S = 0.6  # a slow word of an answer
EARLY_S = 0.45  # by which words are written before their sound
ALIKE = 0.6  # of an answer's words must be heard, in their order; its value whole
ALONE_S = 1.0  # of silence before a question that is asked alone
SHARES = {  # of the cases: what happens to a request, and what is no request
    "delegates/answered": 0.25, "delegates/small_talk": 0.4, "delegates/talked_over": 0.25, "delegates/urgent": 0.1,
    "delegates/corrected": 0.25, "delegates/cancelled": 0.15, "delegates/two": 0.15, "delegates/failed": 0.15,
    "delegates/streamed": 0.25, "delegates/into_recital": 0.1, "delegates/beside_recital": 0.1,
    "delegates/beside_timer": 0.1, "delegates/beside_reading": 0.1, "pending": 0.35, "keeps": 1, "ack": 1, "stop": 0.1, "answers": 0.25,
}  # fmt: skip


def items(source: Source, cases: int) -> list[Item]:
    """Conversations with requests, then each small question of a wait alone."""
    quotas = {row: max(1, round(part * cases)) for row, part in SHARES.items()}
    drawn = take(_without_questions_to_the_user(source), words.FAMILY, quotas)
    return drawn + [_alone(script, trial) for script, trials in drawn for trial in trials if trial.row == "pending"]


def _without_questions_to_the_user(source: Source) -> Source:
    """A tool that asks for permission is no part of this suite."""
    return lambda family: (i for i in source(family) if "permitted" not in {e.kind for e in errands(i[0])})


def _alone(script: Script, trial: Trial) -> Item:
    """The same question in the same voice with nothing else in the world, the turn grid kept."""
    sound = min(script.sounds, key=lambda s: abs(s.start_s + s.speech.seconds - trial.after_s))
    by_s = -TURN_S * int((sound.start_s - ALONE_S) / TURN_S)
    answer = min(script.own, key=lambda own: (own.start_s < trial.after_s, own.start_s))
    whole = Script("talk", trial.end_s + by_s + 3.0, [replace(sound, start_s=sound.start_s + by_s)])
    whole.own = [Own(answer.start_s + by_s, answer.speech)]
    return whole, [replace(moved(trial, by_s), row="alone", limit_s=whole.length_s)]


def observe(
    script: Script, trials: Sequence[Trial], verdicts: Sequence[Verdict], outcome: Outcome, reader: Reader
) -> dict:
    """What became of each request (`requests`, `back`), and of the small questions (`pending`, `alone`)."""
    answers = {name: [[v.right, v.onset_s] for t, v in zip(trials, verdicts, strict=True) if t.row == name]
               for name in ("pending", "alone")}  # fmt: skip
    asked = errands(script)
    if not asked:
        return answers
    if outcome.failure:
        return answers | {"requests": [_nothing(e) for e in asked if e.back_s is None],
                          "back": [{"kind": e.kind, "stale": False, "right": False} for e in asked if e.back_s is not None]}  # fmt: skip
    from duologue.evals.clerk import lived  # needs the extra `agent`

    told, heard = lived(script, outcome), timed_words(outcome, reader)
    fine = " / ".join(text for trial in trials for text in trial.accept)
    stray = any(v.reason == "a call" for v in verdicts)
    ids = owners(asked, told.events)
    requests = []
    for errand in asked:
        if errand.back_s is None:
            row = _request(script, errand, ids[errand], told, heard, outcome)
            others = " / ".join(text for e in asked if e is not errand for _, text in e.notes)
            row["claimed"] = _claims(errand, heard, row.pop("known_s"), f"{fine} / {others}")
            requests.append(row | {"woven": row["pass1"] and row["told"][:1] == [True] and not stray})
    back = [_taken_back(e, ids[e], told, heard) for e in asked if e.back_s is not None]
    return answers | {"requests": requests, "back": back}


def _nothing(errand: Errand) -> dict:
    return {"kind": errand.kind, "pass1": False, "told": [], "claimed": False, "woven": False}


def owners(asked: Sequence[Errand], events) -> dict[Errand, str | None]:
    """The first task that was asked for because of each request."""
    called = [((event.turn + 1) * TURN_S, event.task) for event in events if event.what == "asked"]
    begins = [*(errand.begin_s for errand in asked[1:]), float("inf")]
    spans = [(e.begin_s + SOONEST_S, until_s + SOONEST_S) for e, until_s in zip(asked, begins, strict=True)]
    return {e: next((id for t, id in called if a <= t < b), None) for e, (a, b) in zip(asked, spans, strict=True)}


def _request(script: Script, errand: Errand, task: str | None, told, heard: Heard, outcome: Outcome) -> dict:
    """Whether the right thing was looked up, when the first result came, and whether each was told rightly."""
    events = [event for event in told.events if event.task == task]
    came = [(event.turn * TURN_S, event.text) for event in events if event.what == "delivered"]
    verdicts = [_told(script, errand, *note, heard, outcome) for note in came]
    return {
        "kind": errand.kind,
        "pass1": told.executed.get(task) == (errand.topic, errand.key),
        "told": [verdict for verdict in verdicts if verdict is not None],
        "known_s": came[0][0] if came else script.length_s,
    }


def _told(script: Script, errand: Errand, came_s: float, note: str, heard: Heard, outcome: Outcome) -> bool | None:
    """Whether a result was heard in time; None where the user cut it short."""
    text, urgent = spoken(note), note.startswith("urgent: ")
    free_s = came_s if urgent else _free(script.sounds, came_s)
    room_s = max(free_s, _silent(outcome, came_s))
    latest_s = room_s + TOLD_S + WORD_S * len(words_of(text))
    begun_s = _first_match(heard, text, errand, came_s - EARLY_S, latest_s)
    over = not urgent and any(came_s <= begin_s < free_s - 0.1 for begin_s, _ in outcome.spans)
    good = begun_s is not None and begun_s <= room_s + TOLD_S and not over
    cut = errand.kind == "streamed" and any(came_s < sound.start_s < latest_s for sound in script.sounds)
    return None if cut and not good else good


def _free(sounds: Sequence[Sound], at_s: float) -> float:
    """When nobody speaks on, from `at_s`."""
    for sound in sorted(sounds, key=lambda s: s.start_s):
        if sound.start_s <= at_s < sound.start_s + sound.speech.seconds:
            at_s = sound.start_s + sound.speech.seconds
    return at_s


def _silent(outcome: Outcome, at_s: float) -> float:
    """When the system itself has said what it is saying at `at_s`, recitals whole."""
    return next((end_s for begin_s, end_s in segments(outcome.spans, RECITING_S) if begin_s <= at_s < end_s), at_s)


def _first_match(heard: Heard, text: str, errand: Errand, begin_s: float, end_s: float) -> float | None:
    """When the first word of an answer is heard that is heard well enough."""
    there = [(t, word) for t, word in heard if begin_s <= t <= end_s]
    found, wanted = [word for _, word in there], words_of(text)
    blocks = SequenceMatcher(None, found, wanted, autojunk=False).get_matching_blocks()
    whole = all(contains(found, value, len(found)) for value in _values(errand, text))
    enough = sum(block.size for block in blocks) >= ALIKE * len(wanted)
    return next((there[block.a][0] for block in blocks if block.size), None) if enough and whole else None


def _values(errand: Errand, text: str) -> list[str]:
    """The longest value of this topic that a text holds: what nobody can know beforehand."""
    _, known = words.ANSWERS.get(errand.topic, ((), ()))
    held = [value for value in known if contains(words_of(text), value, len(text))]
    return [max(held, key=len)] if held else []


def _claims(errand: Errand, heard: Heard, known_s: float, fine: str) -> bool:
    """Whether a value was told before any had come, other than in what was fine to say."""
    said = [word for t, word in heard if errand.end_s <= t < known_s - EARLY_S]
    _, values = words.ANSWERS.get(errand.topic, ((), ()))
    return any(contains(said, value, len(said)) and value not in fine for value in values if said)


def _taken_back(errand: Errand, task: str | None, told, heard: Heard) -> dict:
    """A request that the user corrected or gave up: whether its task was ended, and nothing of it told afterwards."""
    states = {str(event.what) for event in told.events if event.task == task}
    (_, text) = errand.notes[0]
    stale = _first_match(heard, text, errand, errand.back_s, float("inf")) is not None
    ended = bool(states & {"cancelled", "superseded"})
    return {"kind": errand.kind, "stale": stale, "right": ended and not stale}


def _requests(records: Sequence[Record]) -> list[dict]:
    return [request for found in seen(records, "requests") for request in found]


def _pairs(records: Sequence[Record]) -> Iterator[tuple]:
    """Each small question while a task is pending, and alone."""
    pending, alone = ([v for found in seen(_in_order(records), name) for v in found] for name in ("pending", "alone"))
    return zip(pending, alone, strict=True)


def _in_order(records: Sequence[Record]) -> list[Record]:
    return sorted(records, key=lambda record: record["case"])


def figures(records: Sequence[Record]) -> dict[str, Figure]:
    requests, pairs = _requests(records), list(_pairs(records))
    back = [row for found in seen(records, "back") for row in found]
    acks = [trial["onset_s"] for trial in rows(records, "ack")]
    waits = [(a[1] - b[1], 1) for a, b in pairs if a[1] is not None and b[1] is not None]
    return {
        "woven": share([request["woven"] for request in requests]),
        "delegated": right(rows(records, "delegates")),
        "kept": right(rows(records, "keeps")),
        "pass1": share([request["pass1"] for request in requests]),
        "ack": share([onset_s is not None and onset_s <= ACK_S for onset_s in acks]),
        **latencies(acks),
        "told": share([told for request in requests for told in request["told"]]),
        "presence": of_sums([(100 * (a[0] - b[0]), 1) for a, b in pairs], lambda gain, n: gain / n, "points"),
        "presence_later_s": of_sums(waits, lambda later, n: later / n, "s"),
        "stale": share([row["stale"] for row in back if row["kind"] == "corrected"]),
        "claimed": share([request["claimed"] for request in requests]),
        "cancelled": share([row["right"] for row in back if row["kind"] == "cancelled"]),
        "stopped": right(rows(records, "stop")),
        "resumed": right(rows(records, "answers/resume")),
    }


SUITE = Suite(
    name="delegation",
    asks="hand on what it cannot know, stay present meanwhile, tell the result when nobody speaks",
    mirrors="Full-Duplex-Bench v3 tool use, BFCL arguments; other data: a closed world of six topics, held-out keys",
    items=items,
    figures=figures,
    headline="woven",
    chance={"silent": 0, "always": 0, "random": 2, "metronome": 0},
    observe=observe,
)
