"""Every suite through controls whose results are known: no recogniser, no weights, a voice bank without voices."""

from pathlib import Path

import numpy as np
import pytest

from duologue.data.bank_writer import Writer
from duologue.data.families import read
from duologue.data.recordings import home_of
from duologue.data.script import Line, Own, Script
from duologue.errors import DataError
from duologue.evals import human, suites
from duologue.evals.draws import from_bank, frozen
from duologue.evals.glossary import MEANINGS, meaning
from duologue.evals.items import digest
from duologue.evals.outcome import Outcome
from duologue.evals.runs import OWN_WORDS, Asked, cases_of
from duologue.evals.score import Reader
from duologue.evals.suite import ORACLE_LEAST, Ears, record_of
from duologue.evals.suites import hearing, long, reading, refusal_long, timed, turn, voice
from duologue.evals.suites.repair import first_version
from duologue.evals.systems import CONTROLS, Case, run
from duologue.evals.trials import Trial
from tests.data.fake_bank import FakeBank, speech_of
from tests.data.synthetic import speech
from tests.evals.made import outcome

CASES = 8
SUITES = suites.SUITES | suites.SAFE | suites.OPEN


def no_recordings():
    raise DataError("no network in tests")


@pytest.fixture(scope="module", autouse=True)
def quick_voice():
    """DNSMOS and the speaker encoder take seconds, and nothing here is about them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(voice, "quality", lambda _: None)
        patch.setattr(voice, "likeness", lambda *_: None)
        patch.setattr(reading, "quality", lambda _: None)
        patch.setattr(reading, "likeness", lambda *_: None)
        patch.setattr(human, "fetched", no_recordings)
        patch.setattr(read, "PARAGRAPH", 0.8)  # the bank's sentences are short, and only longer texts are talked into
        patch.setattr(long, "LENGTH_S", 420.0)
        patch.setattr(refusal_long, "MINUTES", (0, 1, 2))
        yield


@pytest.fixture(scope="module")
def source():
    """Each family's conversations are drawn once."""
    kept: dict[str, list] = {}

    def conversations(family):
        if family not in kept:
            kept[family] = list(from_bank(FakeBank(), 3, 80)(family))
        return iter(kept[family])

    return conversations


@pytest.fixture(scope="module")
def drawn(source):
    return {name: suite.items(source, CASES) for name, suite in SUITES.items()}


def records(suite, kept, system):
    found = dict(run(system, [Case(script, i) for i, (script, _) in enumerate(kept)]))
    return [record_of(suite, i, kept[i], found[i], OWN_WORDS) for i in range(len(kept))]


@pytest.fixture(scope="module")
def figures(drawn):
    found = {}

    def of(name: str, control: str):
        if (name, control) not in found:
            suite = SUITES[name]
            found[name, control] = suite.figures(records(suite, drawn[name], CONTROLS[control]))
        return found[name, control]

    return of


@pytest.mark.parametrize("name", SUITES)
def test_the_labels_themselves_reach_the_maximum(figures, name):
    headline = figures(name, "oracle")[SUITES[name].headline]
    assert headline.cases and headline.value >= ORACLE_LEAST


@pytest.mark.parametrize("control", [name for name in CONTROLS if name != "oracle"])
@pytest.mark.parametrize("name", SUITES)
def test_who_does_not_listen_stays_at_the_chance_level_that_is_written_down(figures, name, control):
    headline = figures(name, control)[SUITES[name].headline]
    assert (headline.value or 0.0) <= SUITES[name].chance[control] or headline.low <= SUITES[name].chance[control]


@pytest.mark.parametrize("name", [name for name in SUITES if name != "voice"])
def test_silence_wins_nothing(figures, name):
    assert figures(name, "silent")[SUITES[name].headline].value == 0.0


@pytest.mark.parametrize("name", SUITES)
def test_every_figure_has_its_cases_and_a_meaning(figures, name):
    for key, figure in figures(name, "oracle").items():
        assert meaning(key)
        assert figure.value is None or figure.low <= figure.value <= figure.high, key
        assert figure.value is None or figure.cases > 0


def test_no_meaning_is_left_over(figures):
    keys = {key for name in SUITES for key in figures(name, "oracle")}
    keys |= {key for suite in (suites.AGENT | suites.EYES).values() for key in suite.figures([])}
    used = keys | {key.partition("/")[0] for key in keys}
    used |= {part for key in used for part in key.rsplit("_", 1)}
    assert not set(MEANINGS) - used


@pytest.mark.parametrize("name", SUITES)
def test_the_order_of_the_cases_changes_nothing(drawn, name):
    suite, kept = SUITES[name], drawn[name]
    found = records(suite, kept, CONTROLS["metronome"])
    forth, back = suite.figures(found), suite.figures(found[::-1])
    assert {k: f.value for k, f in forth.items()} == pytest.approx({k: f.value for k, f in back.items()}, nan_ok=True)


@pytest.mark.parametrize("name", SUITES)
def test_a_system_that_fails_scores_nothing_and_stays_in_the_denominator(drawn, figures, name):
    suite, kept = SUITES[name], drawn[name]
    found = [record_of(suite, i, item, Outcome(failure="gone"), OWN_WORDS) for i, item in enumerate(kept)]
    failed, best = suite.figures(found)[suite.headline], figures(name, "oracle")[suite.headline]
    assert (failed.value or 0.0) <= 0.0 and failed.cases == best.cases
    assert all(trial["reason"] == "failed: gone" for record in found for trial in record["trials"])


@pytest.mark.parametrize("name", SUITES)
def test_the_same_items_have_the_same_hash_and_other_ones_another(source, drawn, name):
    assert digest(SUITES[name].items(source, CASES)) == digest(drawn[name])
    assert digest(drawn[name][:-1]) != digest(drawn[name])


def test_a_metronome_does_not_win_backchannels_at_any_rate(drawn):
    suite, kept = SUITES["backchannel"], drawn["backchannel"]
    for period_s in (0.9, 1.5, 2.0, 3.1, 5.0):
        spans = [(float(t), float(t) + 0.3) for t in np.arange(0.7, 45, period_s)]
        found = [record_of(suite, i, item, outcome(*spans, length_s=50), OWN_WORDS) for i, item in enumerate(kept)]
        gain = suite.figures(found)["gain"]
        assert gain.low < 15.0, (period_s, gain)


def test_never_yielding_is_worth_three_of_four_on_average_and_nothing_at_least(drawn):
    suite = SUITES["overlap"]
    found = records(suite, drawn["overlap"], CONTROLS["oracle"])
    for record in found:
        for overlap in record["seen"]["overlaps"]:
            overlap["good"] = overlap["row"] != "interruption"
    stubborn = suite.figures(found)
    assert (stubborn["least"].value, stubborn["mean"].value, stubborn["balanced"].value) == (0.0, 75.0, 50.0)


def test_questions_are_told_apart_by_pace_and_length(figures):
    found = figures("turn", "oracle")
    paces, lengths = (sum(found[key].cases for key in keys if key in found) for keys in (
        ("good/slow", "good/even", "good/fast"), ("good/short", "good/medium", "good/long"),
    ))  # fmt: skip
    assert paces == lengths == found["good"].cases
    assert turn._kinds(speech_of("what is two plus three", "flite/slt")) == ["flite", "fast", "short"]
    assert turn._kinds(speech_of("strawberries delighted several grandmothers yesterday morning", "kokoro/am_puck")) == ["kokoro", "slow", "medium"]


def test_how_late_a_recital_stops(drawn):
    suite = SUITES["overlap"]
    script, trials = next(item for item in drawn["overlap"] if any(t.kind == "stop" for t in item[1]))
    trial = next(t for t in trials if t.kind == "stop")
    spoken = outcome((trial.after_s - 3.0, trial.after_s + 0.7), length_s=60)
    (overlap,) = record_of(suite, 0, (script, [trial]), spoken, OWN_WORDS)["seen"]["overlaps"]
    assert overlap["stop_s"] == pytest.approx(0.7, abs=0.011)


@pytest.mark.parametrize(
    ("asked", "stale"),
    [
        ("what is five plus four no wait eight plus five", "nine"),
        ("tell me the opposite of hot i mean of big", "cold"),
        ("which day comes after monday sorry after friday", "tuesday"),
        ("what comes after six no eight", "seven"),
        ("what is your name", None),
    ],
)
def test_the_answer_to_what_was_taken_back(asked, stale):
    assert first_version(asked) == stale


def test_words_that_nobody_would_understand_are_not_asked_for():
    def spoken(word: str) -> tuple[Script, list[Trial]]:
        script = Script("time", 9.0, own=[Own(5.0, speech_of(word, "v"))])
        return script, [Trial("time/once", "slots", 4.0, 6.0, (word,), slots_s=(5.0,), tolerance_s=0.5)]

    kept = timed.items(lambda _: iter(map(spoken, ("tea", "lunch", "up", "ding"))), 3)
    assert [trials[0].accept for _, trials in kept] == [("lunch",), ("ding",)]


def test_a_cancelled_timer_must_be_answered(source):
    script, (trial,) = next(item for item in timed.items(source, 3) if item[1][0].row == "time/cancel")
    suite, quiet = SUITES["timed"], outcome(length_s=60)
    end_s = max(s.start_s + s.speech.seconds for s in script.sounds)
    assert not record_of(suite, 0, (script, [trial]), quiet, OWN_WORDS)["seen"]["good"]
    if end_s + 1.0 < trial.begin_s:
        assert record_of(suite, 0, (script, [trial]), outcome((end_s + 0.3, end_s + 0.6), length_s=60), OWN_WORDS)["seen"]["good"]


def test_a_time_told_into_its_question_is_chance(source):
    item = next(item for item in timed.items(source, 3) if item[1][0].row == "time/elapsed")
    trial, question, suite = item[1][0], item[0].sounds[-1], SUITES["timed"]
    told, after = Ears(Reader(lambda *_: trial.accept[0])), (trial.after_s + 0.3, trial.after_s + 1.0)
    into = (question.start_s + 0.1, question.start_s + 0.4)
    assert record_of(suite, 0, item, outcome(after, length_s=60), told)["seen"]["good"]
    assert not record_of(suite, 0, item, outcome(into, after, length_s=60), told)["seen"]["good"]


def test_a_long_session_has_its_probes_afresh(drawn):
    session, *alone = drawn["long"]
    probes = [trial for trial in session[1] if trial.row != "idle"]
    assert session[0].length_s <= long.LENGTH_S
    assert [f"fresh/{t.row}" for t in probes] == [t.row for _, trials in alone for t in trials]


def test_an_empty_source_gives_no_items():
    assert SUITES["pause"].items(frozen([(Script("talk", 1.0), [])]), 4) == []


def test_how_late_a_word_was_written_is_told_of_those_that_were_right(drawn):
    suite, (item, *_) = SUITES["hearing"], drawn["hearing"]
    first, *rest = list(hearing._wanted(item[0]))
    heard = [(first[0] + 0.7, first[1]), *((end_s + 1.5, "wrong") for end_s, _ in rest)]
    found = record_of(suite, 0, item, Outcome(heard=heard), OWN_WORDS)["seen"]
    assert found["lags"] == [pytest.approx(0.7, abs=1e-3)] and found["words"][2:] == [len(rest), len(rest) + 1]


def test_actors_are_heard_in_sentences_that_no_training_had(tmp_path, monkeypatch):
    monkeypatch.setenv("DUOLOGUE_CACHE", str(tmp_path))
    assert hearing._actors(2) == []
    home = home_of(tmp_path / "actors")
    for side in ("recorded", "unheard"):
        writer = Writer(f"{side}/joe", home)
        for n in range(6):
            said = speech(f"{side} number {'abcdef'[n]}")
            writer.add(Line("hear", "open", said.text, held_out=side == "unheard"), said.pcm_S, said.words)
        writer.close()
    scripts = hearing._actors(2)
    assert len(scripts) == 2
    assert {sound.speech.voice for script in scripts for sound in script.sounds if sound.transcribed} == {"unheard/joe"}


def test_hearing_has_its_rows_and_asks_for_noise_where_it_is_meant(drawn):
    items = drawn["hearing"]
    assert [sum(script.about["row"] == row for script, _ in items) for row in ("clean", "test-noise", "slow", "fast")] == [4, 4, 1, 1]
    cases = cases_of("hearing", items, Asked(Path("out"), channel="clean"))
    assert [case.channel for case in cases] == ["test-noise" if script.about["row"] == "test-noise" else "clean" for script, _ in items]
    spans = [hearing._wanted(script) for script, _ in items if script.about["row"] in ("clean", "slow")]
    clean, slow = list(spans[0]), list(spans[-1])
    assert [word for _, word in clean] == [word for _, word in slow] and slow[-1][0] > clean[-1][0] * 1.1
