"""The delegation suite: its background side is the real agent on the turns' clock; controls and cascades have known results."""

from dataclasses import replace

import numpy as np
import pytest

from duologue.data.families import delegate_words as words
from duologue.data.script import Own, Script
from duologue.evals import items
from duologue.evals.cascade import standard
from duologue.evals.cascade_parts import Parts
from duologue.evals.cascade_unasked import engineered
from duologue.evals.clerk import beside, lived
from duologue.evals.draws import from_bank, frozen
from duologue.evals.errands import asks, errands, spoken, wanted
from duologue.evals.glossary import meaning
from duologue.evals.outcome import Outcome, outcome_of
from duologue.evals.runs import OWN_WORDS
from duologue.evals.suite import ORACLE_LEAST, record_of
from duologue.evals.suites import AGENT, chosen
from duologue.evals.suites.delegation import SUITE
from duologue.evals.systems import CONTROLS, Case, model, run
from duologue.evals.trials import trials_of
from tests.data.fake_bank import FakeBank
from tests.evals.test_cascade import loud

CASES = 6


@pytest.fixture(scope="module")
def drawn():
    return SUITE.items(from_bank(FakeBank(), 3, 120), CASES)


def records(drawn, system):
    outcomes = dict(run(system, [Case(script, i) for i, (script, _) in enumerate(drawn)]))
    assert not [o.failure for o in outcomes.values() if o.failure]
    return [record_of(SUITE, i, item, outcomes[i], OWN_WORDS) for i, item in enumerate(drawn)]


@pytest.fixture(scope="module")
def figures(drawn):
    """Figures of a control, each measured once."""
    found = {}
    return lambda name: found.setdefault(name, SUITE.figures(records(drawn, CONTROLS[name])))


def ear(drawn):
    """Knows every sound of the conversations by its samples."""
    known = [(s.speech.pcm_S, s.speech.text) for script, _ in drawn for s in script.sounds]

    def write(sound_S):
        loud_S = np.flatnonzero(np.abs(sound_S) > 0.005)
        core_S = sound_S[loud_S[0] : loud_S[-1] + 1] if len(loud_S) else sound_S[:0]
        fitting = [(pcm_S, text) for pcm_S, text in known if len(core_S) and abs(len(pcm_S) - len(core_S)) < 400]
        return max(((_likeness(core_S, pcm_S), text) for pcm_S, text in fitting), default=(0.0, ""))[1]

    return write


def _likeness(a_S, b_S):
    samples = min(len(a_S), len(b_S))
    return float(a_S[:samples] @ b_S[:samples] / (np.linalg.norm(a_S) * np.linalg.norm(b_S)))


def test_the_labels_themselves_reach_the_maximum(figures):
    best = figures("oracle")
    assert best["woven"].cases >= CASES and best["woven"].value >= ORACLE_LEAST
    for name in ("delegated", "kept", "pass1", "ack", "told", "cancelled", "stopped", "resumed"):
        assert best[name].cases and best[name].value == 100.0, name
    assert best["claimed"].value == best["stale"].value == best["presence"].value == 0.0
    assert all(meaning(name) for name in best)


@pytest.mark.parametrize("control", ["silent", "always", "random", "metronome"])
def test_who_does_not_listen_wins_nothing(figures, control):
    found = figures(control)
    assert found["woven"].value <= SUITE.chance[control] and found["pass1"].value == 0.0


def test_saying_any_answer_early_is_a_claim(figures):
    assert figures("always")["claimed"].value > 30 and figures("silent")["claimed"].value == 0.0


def test_the_one_that_waits_is_absent_and_the_one_that_does_not_is_present(drawn):
    parts = Parts(loud, ear(drawn), FakeBank())
    blocking, asynchronous = (SUITE.figures(records(drawn, system(parts))) for system in (standard, engineered))
    assert asynchronous["presence"].value > blocking["presence"].value
    assert asynchronous["woven"].value > blocking["woven"].value > 0
    assert asynchronous["taken"].value > 80 and blocking["taken"].value < 10  # only one of them says that it will
    assert blocking["stale"].value > asynchronous["stale"].value == 0.0


def test_a_result_comes_in_the_turn_of_the_script_when_it_is_called_for_in_time(drawn):
    checked = 0
    for script, _ in drawn:
        outcome = outcome_of(CONTROLS["oracle"]([Case(script, 0)])[0])
        came = {event.text: event.turn for event in lived(script, outcome).events if event.what == "delivered"}
        for errand in (e for e in errands(script) if e.back_s is None and e.kind not in ("two", "streamed")):
            (note_s, text), *_ = errand.notes
            assert came[text] == int(note_s / 0.2 + 1e-6), (errand, came)
            checked += 1
    assert checked >= CASES


def test_a_late_call_gets_a_late_answer(drawn):
    script = next(s for s, _ in drawn if [e.kind for e in errands(s)] == ["answered"])
    late = replace(script, calls=[(at_s + 1.0, *call) for at_s, *call in script.calls])
    first, then = (
        next(e.turn for e in lived(s, outcome_of(CONTROLS["oracle"]([Case(s, 0)])[0])).events if e.what == "delivered")
        for s in (script, late)
    )
    assert then - first == 5


def judged(script: Script, change) -> dict:
    """The record of the oracle playing a changed script, judged by the unchanged one."""
    outcome = outcome_of(CONTROLS["oracle"]([Case(change(script), 0)])[0])
    return record_of(SUITE, 0, (script, trials_of(script)), outcome, OWN_WORDS)


@pytest.fixture(scope="module")
def answered(drawn):
    return next(s for s, _ in drawn if [e.kind for e in errands(s)] == ["answered"] and errands(s)[0].topic != "open")


def test_a_wrong_value_is_not_told(answered):
    (errand,) = errands(answered)
    _, values = words.ANSWERS[errand.topic]
    right = max((v for v in values if v in errand.notes[0][1]), key=len)
    other = next(v for v in values if v not in errand.notes[0][1] and right not in v)
    bank = FakeBank()

    def lie(script):
        own = [Own(o.start_s, bank.own(o.speech.text.replace(right, other))) for o in script.own]
        return replace(script, own=own)

    (request,) = judged(answered, lie)["seen"]["requests"]
    assert request["pass1"] and request["told"] == [False] and not request["woven"]
    (request,) = judged(answered, lambda script: script)["seen"]["requests"]
    assert request["woven"]


def test_an_answer_that_is_slow_to_be_told_does_not_count(answered):
    said_s = answered.own[-1].start_s

    def slow(script):
        own = [replace(o, start_s=o.start_s + 3.0) if o.start_s == said_s else o for o in script.own]
        return replace(script, own=own, length_s=script.length_s + 5)

    (request,) = judged(answered, slow)["seen"]["requests"]
    assert request["pass1"] and request["told"] == [False]


def test_a_call_that_nobody_wanted_spoils_the_conversation(drawn):
    script = next(s for s, _ in drawn if {e.kind for e in errands(s)} == {"small_talk"})
    free = next(t for t in trials_of(script) if t.row == "keeps")
    record = judged(script, lambda s: replace(s, calls=[*s.calls, (free.begin_s + 0.2, "delegate", "2")]))
    assert not [r for r in record["seen"]["requests"] if r["woven"]]
    assert [t["reason"] for t in record["trials"] if t["row"] == "keeps"].count("a call") == 1


def test_results_told_over_the_user_do_not_count(drawn):
    script = next(s for s, _ in drawn if "talked_over" in {e.kind for e in errands(s)})
    errand = next(e for e in errands(script) if e.kind == "talked_over")
    note_s, text = errand.notes[0]
    rude = [replace(o, start_s=float(np.ceil(note_s / 0.2 + 1) * 0.2)) if o.speech.text == text else o for o in script.own]
    over = any(s.start_s < note_s < s.start_s + s.speech.seconds - 0.8 for s in script.sounds)
    record = judged(script, lambda s: replace(s, own=rude))
    row = next(r for r in record["seen"]["requests"] if r["kind"] == "talked_over")
    assert row["told"] == [not over]


def test_who_does_not_take_back_tells_what_is_stale(drawn):
    script = next(s for s, _ in drawn if "cancelled" in {e.kind for e in errands(s)})
    errand = next(e for e in errands(script) if e.kind == "cancelled")
    calls = [call for call in script.calls if call[1] != "cancel"]
    told = Own(errand.notes[0][0] + 1.0, FakeBank().own(errand.notes[0][1]))
    record = judged(script, lambda s: replace(s, calls=calls, own=[*s.own, told]))
    assert [row["right"] for row in record["seen"]["back"] if row["kind"] == "cancelled"] == [False]


def test_the_model_has_the_agent_beside_it(voiced, drawn):
    """Random weights call nothing; that the notes of the script do not leak in is what can be seen."""
    script = min((s for s, _ in drawn if errands(s)), key=lambda s: s.length_s)
    assert all(not turn.notes for turn in Case(script, 0).inputs()) and script.notes
    (outs,) = model(voiced)([Case(script, 0)])
    assert len(outs) == Case(script, 0).turns


def test_a_failed_system_has_everything_wrong(drawn):
    found = [record_of(SUITE, i, item, Outcome(failure="gone"), OWN_WORDS) for i, item in enumerate(drawn)]
    failed = SUITE.figures(found)
    assert failed["woven"].value == 0.0 and failed["woven"].cases == SUITE.figures(records(drawn, CONTROLS["oracle"]))["woven"].cases


def test_items_can_be_frozen(drawn, tmp_path):
    items.save(drawn, "delegation", tmp_path)
    kept = items.load("delegation", tmp_path)
    assert items.digest(kept) == items.digest(drawn) and [errands(s) for s, _ in kept if s.calls]
    again = SUITE.items(frozen([item for item in kept if item[0].family == words.FAMILY]), CASES)
    assert len(again) == len(drawn)
    outcome = outcome_of(CONTROLS["oracle"]([Case(kept[0][0], 0)])[0])
    assert all(r["woven"] for r in record_of(SUITE, 0, kept[0], outcome, OWN_WORDS)["seen"]["requests"])


@pytest.mark.parametrize(
    ("text", "before", "found"),
    [
        ("um will it rain in Oslo then", "", ("weather", "oslo")),
        ("when does the next train to oslo leave", "what's the weather in rome", ("train", "oslo")),
        ("no i meant rome", "when does the next train to oslo leave", ("train", "rome")),
        ("is it raining in helsinky", "", ("weather", "helsinki")),
        ("how much is a kettle then", "", ("price", "kettle")),
        ("what is two plus three", "", None),
    ],
)
def test_what_is_wanted_is_read_off_the_words(text, before, found):
    assert wanted(text, before) == found


def test_remarks_ask_for_nothing():
    assert asks("is there a message from anna") and asks("no i meant rome", "the weather in oslo")
    assert not asks("the piano stood in oslo") and not asks("no i meant rome")


def test_what_notes_have_the_model_say():
    assert spoken("urgent: anna says call back") == "anna says call back"
    assert spoken("failed: nothing was found") == words.SORRY["nothing was found"]


def test_the_background_side_ends_with_the_conversation(drawn):
    with beside(drawn[0][0]) as (agent, _):
        loop = agent.loop.loop
    assert loop.is_closed()


def test_it_is_chosen_by_name_and_by_group():
    assert chosen(["delegation"]) == chosen(["agent"]) == list(AGENT.values())
