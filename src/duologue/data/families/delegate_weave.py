"""Errands among the other things that the model does: into a recital, beside one, beside a timer, beside reading aloud.

Everything that was going on keeps to its own rules; the result comes as soon as it leaves room. Read `beside_recital` first.
"""

from duologue.data.families import delegate_words as words
from duologue.data.families.delegate_steps import comes, delay, delegates, hands_on, result, told, waits
from duologue.data.families.exchange import answer_checks, ends, pick, says, vary
from duologue.data.families.interrupt import QUESTION_HEARD_S, cuts_in
from duologue.data.families.read import ASK
from duologue.data.families.time import acknowledges, boundary, slot
from duologue.data.families.timing import Scene, own_end, recites
from duologue.data.script import REACTION_S, Check, Own, Speech, reply_at

LONG_S = 13  # a timer that leaves room for an errand before it
READ_S = 0.4  # until a note has been read, at most


def into_recital(scene: Scene, now_s: float) -> float:
    """An errand instead of the rest of a recital, which stops as for any other question (family `interrupt`)."""
    speech = scene.line(words.FAMILY, "ask")
    *_, end_s, _ = cuts_in(scene, now_s, speech, min(QUESTION_HEARD_S, speech.seconds + REACTION_S))
    at_s, quiet_s = hands_on(scene, speech, end_s)
    note_s = comes(scene, at_s, quiet_s)
    return told(scene, result(scene, speech.line), note_s, note_s)


def beside_recital(scene: Scene, now_s: float) -> float:
    """A recital is asked for while an errand is pending, and goes on when the result comes: that waits for its end."""
    speech = scene.line(words.FAMILY, "ask")
    _, quiet_s = delegates(scene, speech, now_s)
    line, asked_s, owns = recites(scene, quiet_s + scene.rng.uniform(0.4, 1.5), 5, 12)
    scene.script.own += owns
    scene.script.checks += answer_checks(line, asked_s, owns)
    note_s = owns[0].start_s + scene.rng.uniform(0.2, 0.9) * (ends(owns) - owns[0].start_s)
    return told(scene, result(scene, speech.line), note_s, ends(owns))


def beside_timer(scene: Scene, now_s: float) -> float:
    """An errand while a timer runs: the word comes at its time, the result before it where it fits, else after it."""
    timed = scene.line("time", "once", lambda line: line.slots["seconds"] >= LONG_S)
    end_s, seconds = _set(scene, timed, now_s), timed.line.slots["seconds"]
    word, slot_s = scene.bank.own_word(timed.line.slots["word"]), now_s + timed.seconds + seconds
    speech = scene.line(words.FAMILY, "ask")
    at_s, quiet_s = delegates(scene, speech, end_s + scene.rng.uniform(0.3, 1.0))
    timer = Own(boundary(slot_s), word)
    note_s, text = max(quiet_s, at_s + delay(scene)), result(scene, speech.line)
    over_s = reply_at(note_s + READ_S) + scene.bank.own(text).seconds
    after = over_s + 0.3 > timer.start_s and note_s < own_end(timer)
    scene.script.own.append(timer)
    busy = slot(scene.script, slot_s, seconds, word)
    waits(scene, quiet_s, note_s, [busy])
    told_s = told(scene, text, note_s, own_end(timer) if after else note_s)
    return max(told_s, busy[1])


def _set(scene: Scene, timed: Speech, now_s: float) -> float:
    """The user sets the timer. Returns from when there is room."""
    scene.script.about["items"].append({"timer": timed.text})
    return acknowledges(scene, timed.line, says(scene.script, now_s, timed))


def beside_reading(scene: Scene, now_s: float) -> float:
    """Text to be read aloud comes while an errand is pending: the result waits until it has been read."""
    speech = scene.line(words.FAMILY, "ask")
    at_s, quiet_s = delegates(scene, speech, now_s)
    sentence, typed_s = scene.bank.own_sentence(scene.rng, scene.split), quiet_s + scene.rng.uniform(0.4, 1.5)
    scene.script.typed.append((typed_s, vary(scene.rng, pick(scene.rng, ASK)).replace("<>", sentence.text)))
    own = Own(reply_at(typed_s + READ_S), sentence)
    scene.script.own.append(own)
    scene.script.checks.append(Check("answer", typed_s, own_end(own), (sentence.text,), typed_s))
    note_s = max(at_s + 1.0, own.start_s + scene.rng.uniform(0.1, 0.9) * sentence.seconds)
    return told(scene, result(scene, speech.line), note_s, max(note_s, own_end(own)))
