"""What a script wants of the model, one `Trial` for each thing that can go right or wrong. Read `trials_of` first.

Windows are judged by the sound's beginning ("onset"). A family's `Script.checks` say what must be heard; here they become
rows of the figures, made fair to a system with a pace of its own: `patient` lets the user wait until it has answered.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from duologue.data.families.delegate_words import ACKS
from duologue.data.families.timing import QUESTIONS
from duologue.data.labels import own_end
from duologue.data.script import Check, Own, Script, Sound
from duologue.evals.errands import Errand, errands

ANSWER_S = 2.5
SILENT_S, STAY_SILENT_S = 0.6, 2.0
SLOT_S = 0.5
PATIENCE_S = 2.0
SLOWER_S = 0.4  # how much longer than scripted an item of a recital may take
QUICKEST_S = 0.5  # an item of a recital
RECITING_S = 1.2  # a recital that paused longer than this is over
FOREVER_S = 1e9
SOONEST_S = 0.5  # into somebody's words, before which nothing that is done can be because of them
ON_THE_CLOCK = ("time", "cue", "correct_me", "pronounce", "translate", "delegate")  # the user does not wait for the model there


@dataclass(frozen=True, slots=True)
class Trial:
    """One case of one row, times in seconds on the world's clock.

    kind: "answer" (one of `accept`, onset in the window; all `items` follow when there are some) · "quiet" (no onset in
    the window) · "stop" (was reciting at `after_s`, silent in the window) · "goes_on" (was reciting at `after_s`; two
    neighbouring `items` in the window) · "resumes" (the same, onset in the window, not from the first item) · "slots" (each of `slots_s` has `accept` within `tolerance_s`, and no onset in the
    `quiet` spans) · "written" (one of `accept` in the text channel) · "word" (one of `accept` begins in the window, whatever
    is said besides) · "delegates" and "keeps" (a `delegate` call in the window, none in it).
    """

    row: str
    kind: str
    begin_s: float
    end_s: float
    accept: tuple[str, ...] = ()
    after_s: float = 0.0
    items: tuple[str, ...] = ()
    slots_s: tuple[float, ...] = ()
    quiet: tuple[tuple[float, float], ...] = ()
    tolerance_s: float = SLOT_S
    limit_s: float = FOREVER_S  # the answer's words are over by then: the user speaks again


def trials_of(script: Script) -> list[Trial]:
    """All trials of a family's script."""
    special = {"delegate": _delegate, "pause": _pause, "interrupt": _interrupt, "hold": _hold, "time": _time, "invite": _invite,
               "refuse": _refuse, "read": _read}  # fmt: skip
    return special.get(script.family, _answers)(script)


def _sound_end(sound: Sound) -> float:
    return sound.start_s + sound.speech.seconds


def _limit(script: Script, after_s: float) -> float:
    """When the user's next words begin."""
    return min((s.start_s for s in script.sounds if s.start_s > after_s + 0.05), default=FOREVER_S)


def _answer(script: Script, check: Check, row: str) -> Trial:
    """An answer with the recital that follows it, if there is one."""
    items = next((c.accept for c in script.checks if c.kind == "goes_on" and c.after_s == check.after_s), ())
    limit_s = _limit(script, check.after_s)
    return Trial(row, "answer", check.start_s, check.end_s, check.accept, check.after_s, items, limit_s=limit_s)


def _answers(script: Script) -> list[Trial]:
    """Every answer, and what is written."""
    row = f"answers/{script.family}"
    found = [_answer(script, c, row) for c in script.checks if c.kind == "answer"]
    return found + [Trial("written", "written", c.start_s, c.end_s, c.accept) for c in script.checks if c.kind == "written"]


def _invite(script: Script) -> list[Trial]:
    """The hand-over is answered; all through the narration the model is quiet."""
    listening = [Trial("listens", "quiet", c.start_s, c.end_s) for c in script.checks if c.kind == "quiet"]
    return _answers(script) + listening


def _pause(script: Script) -> list[Trial]:
    """Answers (repairs in a row of their own), and a turn not taken in each pause."""
    repaired = {round(i["end_s"], 2) for i in script.about["items"] if i["class"] == "repair"}
    found = []
    for c in script.checks:
        if c.kind == "answer":
            found.append(_answer(script, c, "repair" if round(c.after_s, 2) in repaired else "answers/pause"))
        elif c.kind == "quiet" and not any(s.start_s < c.end_s - 0.01 and _sound_end(s) > c.start_s + 0.01 for s in script.sounds):
            found.append(Trial("pause", "quiet", c.start_s, c.end_s + 0.2))
    return found


def _recitals(script: Script) -> list[Sound]:
    return [s for s in script.sounds if s.speech.line and "recital" in s.speech.line.slots]


def _runs_on(asked: Sound, until_s: float) -> bool:
    """Whether even a quick recital is not over by then."""
    return _sound_end(asked) + QUICKEST_S * len(asked.speech.line.slots["recital"]) > until_s + 1.0


def _interrupt(script: Script) -> list[Trial]:
    """Silence after "stop" and "wait", the other question answered, the recital taken up again."""
    found, now_s = [], 0.0
    for item in script.about["items"]:
        asked = next(s for s in _recitals(script) if s.start_s > now_s)
        into = next(s for s in script.sounds if s.start_s > asked.start_s)
        now_s = _sound_end(into)
        if item["class"] == "question":
            found += [_answer(script, c, "answers/interrupt") for c in script.checks if c.kind == "answer" and c.after_s == now_s]
        elif _runs_on(asked, now_s):
            end_s = min(now_s + STAY_SILENT_S, _limit(script, now_s))
            found.append(Trial(f"stop/{item['class']}", "stop", now_s + SILENT_S, end_s, after_s=into.start_s))
        if "resumed" in item:
            again = next(s for s in script.sounds if s.start_s > now_s)
            found.append(_resumes(script, _sound_end(again), tuple(asked.speech.line.slots["recital"])))
    return found


def _resumes(script: Script, end_s: float, items: tuple[str, ...]) -> Trial:
    window = (end_s - 0.2, end_s + ANSWER_S)
    return Trial("resume", "resumes", *window, after_s=end_s, items=items, limit_s=_limit(script, end_s))


def _hold(script: Script) -> list[Trial]:
    """A recital goes on through what is not meant for it; silence stays; small questions are answered."""
    asked = _recitals(script)
    found = [_answer(script, c, "answers/hold") for c in script.checks if c.kind == "answer" and not _starts(c, asked)]
    for item in script.about["items"]:
        sound = next(s for s in script.sounds if abs(s.start_s - item["start_s"]) < 0.006)
        if not item["speaking"]:
            found.append(Trial(f"stays_silent/{item['class']}", "quiet", sound.start_s, _sound_end(sound) + 1.0))
            continue
        line = max((s for s in asked if s.start_s < sound.start_s), key=lambda s: s.start_s)
        end_s = max(_sound_end(sound), sound.start_s + 1.0) + 2.0
        if _runs_on(line, end_s - 1.0):
            items = tuple(line.speech.line.slots["recital"])
            found.append(Trial(f"goes_on/{item['class']}", "goes_on", sound.start_s, end_s, after_s=sound.start_s, items=items))
    return found


def _starts(check: Check, asked: list[Sound]) -> bool:
    return any(abs(_sound_end(s) - check.after_s) < 1e-6 for s in asked)


def _time(script: Script) -> list[Trial]:
    """One timed task of a script that has only one: its row is named by its class."""
    if len(script.about["items"]) != 1:
        return []
    item = script.about["items"][0]
    row, word = f"time/{item['class']}", item.get("word")
    slots = [c for c in script.checks if c.kind == "answer" and c.accept == (word,)]
    quiet = tuple((c.start_s, c.end_s) for c in script.checks if c.kind == "quiet")
    others = [c for c in script.checks if c.kind == "answer" and c not in slots]
    if item["class"] in ("once", "every"):
        tolerance_s = SLOT_S if item["class"] == "once" else (slots[0].end_s - slots[0].start_s) / 2
        times = tuple(c.after_s for c in slots)
        return [Trial(row, "slots", times[0], times[-1], (word,), slots_s=times, quiet=quiet, tolerance_s=tolerance_s)]
    if item["class"] == "elapsed":
        return [_answer(script, others[-1], row)]
    slot_s = _sound_end(script.sounds[0]) + item["n"]
    return [Trial(row, "quiet", max(slot_s - 1.0, quiet[-1][0]), slot_s + 1.5)]  # where the acknowledgement has its time, it may sound


def _delegate(script: Script) -> list[Trial]:
    """Requests handed on and acknowledged; all else answered or left alone, and not handed on. Results have no fixed times."""
    asked, found = errands(script), []
    for errand in asked:
        limit_s = _limit(script, errand.end_s)
        span = (errand.begin_s + SOONEST_S, min(errand.end_s + ANSWER_S, limit_s))
        found.append(Trial(f"delegates/{errand.kind}", "delegates", *span, after_s=errand.end_s))
        window = (errand.end_s - 0.2, errand.end_s + ANSWER_S)
        found.append(Trial("ack", "answer", *window, ACKS, errand.end_s, limit_s=limit_s))
    said = [s for s in script.sounds if all(abs(s.start_s - errand.begin_s) > 1e-6 for errand in asked)]
    return found + [trial for sound in said for trial in _not_delegated(script, sound, asked)]


def _not_delegated(script: Script, sound: Sound, asked: list[Errand]) -> Iterator[Trial]:
    """What else the user says: a small question, "wait", talk to others."""
    line, end_s = sound.speech.line, _sound_end(sound)
    limit_s = _limit(script, end_s)
    if line.intent not in ("yes", "no"):
        yield Trial("keeps", "keeps", sound.start_s + SOONEST_S, min(end_s + ANSWER_S, limit_s))
    if line.intent in ("skip", "wait"):
        yield Trial(f"stop/{line.intent}", "stop", end_s + SILENT_S, min(end_s + STAY_SILENT_S, limit_s), after_s=sound.start_s)
    if line.answers or line.intent == "resume":
        small = line.family in QUESTIONS and "recital" not in line.slots
        waited_for = small and any(errand.open_at(sound.start_s) for errand in asked)
        row = "pending" if waited_for else f"answers/{line.intent}"
        yield from (_answer(script, c, row) for c in script.checks if c.kind == "answer" and c.after_s == end_s)


def _refuse(script: Script) -> list[Trial]:
    """Refusals and answers to near misses, rows by how it was asked; refusals that were talked over give way."""
    rows = {round(item["end_s"], 3): item["row"] for item in script.about["items"] if "row" in item}
    asked = [c for c in script.checks if c.kind in ("answer", "written")]
    found = [_answer(script, c, rows.get(round(c.after_s, 3), "answers/refuse")) for c in asked if c.kind == "answer"]
    found += [Trial("written", "written", c.start_s, c.end_s, c.accept) for c in asked if c.kind == "written"]
    cut = [item for item in script.about["items"] if "yield" in item]
    return found + [Trial("yield", "stop", *item["yield"], after_s=item["at_s"]) for item in cut]


def _read(script: Script) -> list[Trial]:
    """Texts read aloud, and what is said into them: silence after "stop" and "wait", then the cut sentence, or the next text."""
    rows = {round(item["end_s"], 3): item["row"] for item in script.about["items"] if item["row"] != "stop"}
    asked = [c for c in script.checks if c.kind == "answer"]
    found = [_answer(script, c, rows.get(round(c.after_s, 3), "answers/read")) for c in asked]
    for item in script.about["items"]:
        if item["row"] == "stop" and rows.get(round(item["end_s"], 3)) != "skip":
            end_s = min(item["end_s"] + STAY_SILENT_S, _limit(script, item["end_s"]))
            found.append(Trial("stop", "stop", item["end_s"] + SILENT_S, end_s, after_s=item["at_s"]))
    on = [c for c in script.checks if c.kind == "goes_on"]
    return found + [Trial("goes_on", "goes_on", c.start_s, c.end_s, after_s=c.start_s, items=c.accept) for c in on]


def moved(trial: Trial, by_s: float) -> Trial:
    """The same trial, all of it `by_s` later."""
    times = {name: getattr(trial, name) + by_s for name in ("begin_s", "end_s", "after_s", "limit_s")}
    slots_s = tuple(slot_s + by_s for slot_s in trial.slots_s)
    return replace(trial, **times, slots_s=slots_s, quiet=tuple((a + by_s, b + by_s) for a, b in trial.quiet))


def patient(script: Script, trials: list[Trial]) -> tuple[Script, list[Trial]]:
    """The same conversation with a user who waits at least PATIENCE_S after an answer before saying something new.

    Nothing is moved where the clock counts (ON_THE_CLOCK), where pictures go on meanwhile, or while the model is speaking.
    """
    if script.family in ON_THE_CLOCK or script.views:
        return script, trials
    into = _into_recitals(script)
    for at_s in sorted((sound.start_s for sound in script.sounds if sound not in into), reverse=True):
        if (wait_s := _wait_before(script, at_s)) > 0:
            script, trials = _wait(script, trials, at_s - 1e-4, wait_s)
    return _wait(script, trials, script.length_s, _wait_before(script, script.length_s))


def _into_recitals(script: Script) -> list[Sound]:
    """What is said into a recital: it must stay there."""
    if script.family == "hold":
        speaking = {item["start_s"] for item in script.about["items"] if item["speaking"]}
        return [s for s in script.sounds if round(s.start_s, 2) in speaking]
    if script.family == "interrupt":
        return [next(s for s in script.sounds if s.start_s > asked.start_s) for asked in _recitals(script)]
    if script.family == "read":
        told = {item["at_s"] for item in script.about["items"]} | {c.start_s for c in script.checks if c.kind == "goes_on"}
        return [s for s in script.sounds if s.start_s in told]
    return []


def _wait_before(script: Script, at_s: float) -> float:
    """Seconds of silence that are missing before a user's line: 0 when an answer is not the last thing before it."""
    before = [own for own in script.own if own.start_s < at_s]
    if not before or any(own_end(own) > at_s for own in before):
        return 0.0
    ended_s = max(own_end(own) for own in before)
    if any(ended_s < _sound_end(s) < at_s - 1e-3 for s in script.sounds):
        return 0.0
    slower_s = 0.0 if before[-1].cut_s else SLOWER_S * _items_before(before)
    return max(0.0, PATIENCE_S + slower_s - (at_s - ended_s))


def _items_before(owns: list[Own]) -> int:
    """The number of items of the recital that was last."""
    count = 1
    for own, then in zip(owns[-2::-1], owns[:0:-1], strict=True):
        if then.start_s - own_end(own) > RECITING_S:
            break
        count += 1
    return count


def _wait(script: Script, trials: list[Trial], at_s: float, by_s: float) -> tuple[Script, list[Trial]]:
    """Everything from `at_s` on happens `by_s` later; what began before keeps its times."""

    def later(t: float) -> float:
        return t + by_s if t >= at_s else t

    moved = replace(
        script,
        length_s=script.length_s + by_s,
        sounds=[replace(s, start_s=later(s.start_s)) for s in script.sounds],
        own=[replace(o, start_s=later(o.start_s), cut_s=o.cut_s and later(o.cut_s)) for o in script.own],
        **{name: [(later(t), *rest) for t, *rest in getattr(script, name)] for name in ("typed", "written", "notes", "calls")},
        checks=[],
    )
    return moved, [_moved(trial, at_s, by_s) for trial in trials]


def _moved(trial: Trial, at_s: float, by_s: float) -> Trial:
    if trial.begin_s < at_s:
        return replace(trial, limit_s=trial.limit_s + by_s if trial.limit_s > at_s else trial.limit_s)
    return moved(trial, by_s)
