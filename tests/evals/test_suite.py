"""Scripts of every family through the whole bench, with controls whose results are known."""

from dataclasses import replace
from itertools import pairwise
from threading import Event

import numpy as np
import pytest

from duologue.data.labels import own_end
from duologue.data.script import Own, Script, Sound
from duologue.errors import ConfigError, DataError
from duologue.evals import items, quick
from duologue.evals.draws import FAMILIES, draw, enough, fill, quota_key
from duologue.evals.judge import Ear
from duologue.evals.outcome import decided_outcome, outcome_of
from duologue.evals.score import Reader, said_tokens, score
from duologue.evals.systems import BEAT_S, Case, always_on, at_random, metronome, oracle, run, silent
from duologue.evals.trials import Trial, patient, trials_of
from duologue.turn import SAMPLES_PER_TURN, TurnOut
from tests.data.fake_bank import FakeBank, speech_of


@pytest.fixture(scope="module")
def drawn():
    return [item for family in FAMILIES for item in draw(family, FakeBank(), 4, seed=5)]


def shares(drawn, system) -> dict[str, float]:
    """Share of right trials by what quota they count for, words as the system itself tells them."""
    outcomes = dict(run(system, [Case(script, i) for i, (script, _) in enumerate(drawn)], decided_outcome))
    right: dict[str, list[bool]] = {}
    for i, (_, trials) in enumerate(drawn):
        for trial in trials:
            right.setdefault(quota_key(trial), []).append(score(trial, outcomes[i], Reader(said_tokens)).right)
    return {key: float(np.mean(values)) for key, values in right.items()}


def test_the_oracle_is_right_everywhere(drawn):
    assert set(shares(drawn, oracle).values()) == {1.0}


def test_silence_only_wins_where_silence_is_wanted(drawn):
    waits = {"pause", "listens", "stays_silent", "time/cancel"}
    assert shares(drawn, silent) == {key: float(key in waits) for key in shares(drawn, silent)}


@pytest.mark.parametrize("system", [always_on, metronome, at_random])
def test_who_says_the_right_words_at_any_time_gets_part_of_it(drawn, system):
    found = shares(drawn, system)
    assert found["answers"] < 0.6 and found["stop"] < 0.6 and not found["time/every"]


def test_controls_say_the_words_of_the_script_and_nothing_else(drawn):
    script = drawn[0][0]
    wanted = {word for own in script.own for word in own.speech.text.split()}
    for system in (always_on, metronome, at_random):
        (outs,) = system([Case(script, 0)])
        assert {word for out in outs for word in out.said.split()} <= wanted
        assert any(out.pcm_S.any() for out in outs) and not any(out.heard for out in outs)


def test_always_is_always_and_a_metronome_keeps_its_beat():
    script = Script("talk", 20.0, own=[Own(4.0, speech_of("yes", "own"))])
    spans = [outcome_of(system([Case(script, 0)])[0]).spans for system in (always_on, metronome)]
    assert max(b[0] - a[1] for a, b in pairwise(spans[0])) < 0.2 if len(spans[0]) > 1 else True
    assert np.allclose(np.diff([begin_s for begin_s, _ in spans[1]]), BEAT_S)


def test_a_patient_user_waits_and_windows_move_along():
    first, second, reply = speech_of("one", "ada"), speech_of("two", "ada"), speech_of("yes", "own")
    script = Script("numbers", 4.0, [Sound(0.5, first), Sound(2.0, second)], [Own(1.2, reply), Own(2.8, reply)])
    trial = Trial("answers/numbers", "answer", 2.0, 4.7, ("yes",), 2.2)
    moved, (trial,) = patient(script, [trial])
    wait_s = moved.sounds[1].start_s - script.sounds[1].start_s
    assert moved.sounds[0].start_s == 0.5 and moved.sounds[1].start_s - (1.2 + reply.seconds) >= 2.0
    assert moved.own[1].start_s == pytest.approx(2.8 + wait_s) and trial.after_s == pytest.approx(2.2 + wait_s)


def test_nothing_is_moved_inside_a_recital(drawn):
    for script, trials in drawn:
        if script.family in ("hold", "interrupt"):
            begun = [t.after_s for t in trials if t.kind in ("goes_on", "stop")]
            assert all(any(o.start_s < s < o.start_s + 1.4 for o in script.own) for s in begun)


def test_a_system_that_fails_is_counted_and_its_neighbours_are_not(drawn):
    scripts = [script for script, _ in drawn[:3]]

    def moody(cases):
        if any(case.script is scripts[1] for case in cases):
            raise ValueError("no mood")
        return silent(cases)

    outcomes = dict(run(moody, [Case(script, i) for i, script in enumerate(scripts)]))
    assert outcomes[1].failure == "ValueError: no mood" and not outcomes[0].failure and not outcomes[2].failure


def test_a_system_that_hangs_is_left_behind(drawn):
    scripts, held = [script for script, _ in drawn[:2]], Event()

    def stuck(cases):
        if any(case.script is scripts[1] for case in cases):
            held.wait()
        return silent(cases)

    cases = [Case(replace(script, length_s=1.0, own=[]), i) for i, script in enumerate(scripts)]
    scripts[1] = cases[1].script
    outcomes = dict(run(stuck, cases, limit_s=-1.0))  # and three for the second that each lasts
    held.set()
    assert outcomes[1].failure == "TimeoutError: no answer within 2 s" and not outcomes[0].failure


@pytest.mark.parametrize(
    "spoil",
    [
        lambda outs: outs[:-1],
        lambda outs: [TurnOut(o.index, np.full(SAMPLES_PER_TURN, np.nan, np.float32), True) for o in outs],
        lambda outs: [TurnOut(o.index, np.zeros(5, np.float32), True) for o in outs],
    ],
)
def test_malformed_sound_is_a_failure(drawn, spoil):
    outcome = dict(run(lambda cases: [spoil(outs) for outs in silent(cases)], [Case(drawn[0][0], 0)]))[0]
    assert outcome.failure


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("items")
    kept = [item for family in ("numbers", "pause", "typed") for item in fill(family, FakeBank(), 2, 0)]
    items.save(kept, folder=folder)
    return folder, kept


def test_frozen_items_come_back(frozen):
    folder, kept = frozen
    for (script, trials), (again, trials_again) in zip(kept, items.load(folder=folder), strict=True):
        assert [s.speech.text for s in script.sounds] == [s.speech.text for s in again.sounds]
        assert script.typed == pytest.approx(again.typed) if not script.typed else script.typed[0][1] == again.typed[0][1]
        assert [t.row for t in trials] == [t.row for t in trials_again]
        assert [t.end_s for t in trials_again] == pytest.approx([t.end_s for t in trials], abs=1e-4)
        sound_S, sound_again_S = script.sounds[0].speech.pcm_S if script.sounds else None, None
        if sound_S is not None:
            sound_again_S = again.sounds[0].speech.pcm_S
            assert np.corrcoef(sound_S, sound_again_S)[0, 1] > 0.9


def test_the_scripts_own_words_keep_out_of_the_silence_after_a_cancelled_timer():
    """Of the items that everybody is measured on; what sounds into a window counts as spoken there."""
    owed = [(script, trial) for script, trials in items.load() for trial in trials if trial.row == "time/cancel"]
    spoken = [(own.start_s, own_end(own), trial) for script, trial in owed for own in script.own]
    assert owed and not [case for case in spoken if case[0] < case[2].end_s and case[1] > case[2].begin_s]


def test_changed_items_are_refused(frozen, tmp_path):
    for path in frozen[0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "quick.ogg").write_bytes(b"OggS" + bytes(100))
    with pytest.raises(DataError, match=r"quick\.ogg"):
        items.load(folder=tmp_path)


def test_missing_items_name_the_command(tmp_path):
    with pytest.raises(DataError, match="freeze"):
        items.load(folder=tmp_path)


def test_the_bench_is_repeatable_and_counts_all(frozen):
    rows = ["answers", "pause", "repair", "loss", "noise"]
    first, second = (quick.measure(oracle, quick.Asked(2, 0, rows, frozen[0]), ear=Ear(lambda _: "13", lambda *_: "")) for _ in range(2))
    assert first == second
    kept = enough(items.load(folder=frozen[0]), 2)
    wanted = sum(t.row.startswith("answers/") for _, trials in kept for t in trials)
    assert first["rows"]["answers"]["right"]["cases"] == wanted
    assert first["rows"]["hear/clean"]["percent"] == 0 and first["rows"]["loss"]["points"]["percent"] == 0


def test_an_unknown_row_is_the_users_mistake():
    with pytest.raises(ConfigError, match="there is no row 'size'"):
        quick.measure(silent, quick.Asked(rows=["size"]))


def test_rows_of_all_families_are_there(drawn):
    rows = {quota_key(t) for _, trials in drawn for t in trials}
    assert {"answers", "pause", "stop", "goes_on", "time/once", "time/every", "written"} <= rows
    assert trials_of(Script("talk", 1.0)) == []
