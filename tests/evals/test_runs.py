"""Runs: stored as they go, resumed, refused when they are of something else, the same for the same seed."""

import json

import numpy as np
import pytest
import soundfile

from duologue.data.script import Own, Script, Sound
from duologue.errors import ConfigError, DataError
from duologue.evals import freeze, runs
from duologue.evals.contestants import Contestant, contestant
from duologue.evals.files import recorded, write_inputs
from duologue.evals.runs import OWN_WORDS, Asked, cases_of, run_all, run_suite, stored, summary
from duologue.evals.suites import SUITES, chosen
from duologue.evals.systems import oracle, silent
from duologue.evals.trials import Trial
from duologue.turn import SAMPLE_RATE_HZ
from tests.data.fake_bank import FakeBank, speech_of

SUITE = SUITES["turn"]


def conversation(word: str, start_s: float = 0.6):
    asked, reply = speech_of(f"say {word}", "flite/ada"), speech_of(word, "own")
    end_s = start_s + asked.seconds
    script = Script("repeat", 8.0, [Sound(start_s, asked)], [Own(float(np.ceil(end_s / 0.2 + 1) * 0.2), reply)])
    return script, [Trial("answers/repeat", "answer", end_s - 0.2, end_s + 2.5, (word,), end_s)]


@pytest.fixture
def drawn():
    return [conversation(word) for word in ("apple", "river", "seven", "yellow", "cow")]


@pytest.fixture
def asked(tmp_path):
    return Asked(tmp_path / "run", cases=5)


ORACLE = Contestant("oracle", oracle)


def test_what_is_stored_is_not_held_again(drawn, asked):
    first = run_suite(SUITE, drawn, ORACLE, asked, OWN_WORDS)

    def broken(cases):
        raise AssertionError("held again")

    assert run_suite(SUITE, drawn, ORACLE._replace(system=broken), asked, OWN_WORDS) == first
    assert stored(asked.folder, "turn", "oracle") == first


def test_a_run_that_was_torn_goes_on_where_it_stopped(drawn, asked):
    first = run_suite(SUITE, drawn, ORACLE, asked, OWN_WORDS)
    path = asked.folder / "turn.oracle.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], lines[3][:20]]))
    held = []

    def counted(cases):
        held.extend(cases)
        return oracle(cases)

    assert run_suite(SUITE, drawn, ORACLE._replace(system=counted), asked, OWN_WORDS) == first
    assert len(held) == 3


@pytest.mark.parametrize("change", [{"seed": 1}, {"channel": "test-noise"}])
def test_another_run_in_the_same_folder_is_refused(drawn, asked, change):
    run_suite(SUITE, drawn, ORACLE, asked, OWN_WORDS)
    with pytest.raises(ConfigError, match=f"another run.*{next(iter(change))}"):
        run_suite(SUITE, drawn, ORACLE, asked._replace(**change), OWN_WORDS)


def test_other_items_are_another_run(drawn, asked):
    run_suite(SUITE, drawn, ORACLE, asked, OWN_WORDS)
    with pytest.raises(ConfigError, match="items"):
        run_suite(SUITE, drawn[:-1], ORACLE, asked, OWN_WORDS)


def test_the_same_seed_gives_the_same_json(drawn, asked, tmp_path):
    texts = []
    for folder in ("a", "b"):
        records = run_suite(SUITE, drawn, ORACLE, asked._replace(folder=tmp_path / folder), OWN_WORDS)
        texts.append(json.dumps([records, summary(SUITE, ORACLE, records)]))
    assert texts[0] == texts[1]


def test_failures_are_counted_with_their_reason(drawn, asked):
    def moody(cases):
        if any("cow" in case.script.own[0].speech.text for case in cases):
            raise ValueError("no cows")
        return oracle(cases)

    found = summary(SUITE, ORACLE, run_suite(SUITE, drawn, Contestant("moody", moody), asked, OWN_WORDS))
    assert found["failed"] == {"ValueError: no cows": 1} and found["conversations"] == 5
    assert found["figures"]["good"] == {**found["figures"]["good"], "value": 80.0, "cases": 5}


def test_some_conversations_can_be_listened_to(drawn, asked):
    run_suite(SUITE, drawn, ORACLE, asked, OWN_WORDS)
    sounds = sorted(asked.folder.glob("*.ogg"))
    sides_SC, rate_hz = soundfile.read(sounds[0])
    assert len(sounds) == runs.EXAMPLES and sides_SC.shape[1] == 2 and abs(len(sides_SC) / rate_hz - 8.2) < 0.3
    own = stored(asked.folder, "turn", "oracle")[0]["spans"][0]
    assert np.abs(sides_SC[: int(own[0] * rate_hz) - 400, 1]).max() < 0.01 < np.abs(sides_SC[:, 1]).max()


def test_a_server_is_a_system_like_any_other(drawn, asked):
    server = Contestant("ws://localhost:8000/v1/realtime", oracle)
    records = run_suite(SUITE, drawn, server, asked, OWN_WORDS)
    assert stored(asked.folder, "turn", server.name) == records
    assert len(list(asked.folder.glob("turn.ws-localhost-8000-v1-realtime.?.ogg"))) == runs.EXAMPLES


def test_what_is_drawn_of_a_conversation(drawn):
    story = runs.story_of(drawn[0])
    assert story["user"][0][2] == "say apple" and story["wanted"][0][3] == "apple"
    timed = Trial("time/every", "slots", 2.0, 4.0, ("tea",), slots_s=(2.0, 4.0), tolerance_s=0.5)
    assert [w[1:3] for w in runs.story_of((drawn[0][0], [timed]))["wanted"]] == [[1.5, 2.5], [3.5, 4.5]]


def test_files_both_ways(drawn, asked, tmp_path):
    folder, cases = tmp_path / "files", cases_of("turn", drawn, asked)
    write_inputs("turn", drawn, cases, folder)
    for i, outs in enumerate(oracle(cases)):
        sound_S, rate_hz = soundfile.read(folder / f"turn/{i:04d}/input.wav")
        assert rate_hz == SAMPLE_RATE_HZ and len(sound_S) == 8 * SAMPLE_RATE_HZ
        said_S = np.concatenate([np.zeros(3200), *(out.pcm_S for out in outs)])[: len(sound_S)]
        soundfile.write(folder / f"turn/{i:04d}/output.wav", np.repeat(said_S, 3), 48_000)
    labels = json.loads((folder / "turn/0000/turn_taking.json").read_text())
    assert labels[0]["timestamp"][0] == pytest.approx(drawn[0][1][0].after_s)
    spoken = json.loads((folder / "turn/0000/transcription.json").read_text())
    assert [chunk["text"] for chunk in spoken["chunks"]] == ["say", "apple"]
    records = run_suite(SUITE, drawn, Contestant("files", recorded(folder)), asked, OWN_WORDS)
    best = run_suite(SUITE, drawn, ORACLE, asked, OWN_WORDS)
    assert not any(record["failure"] for record in records)
    assert [r["seen"]["turns"][0]["onset_s"] for r in records] == pytest.approx([r["seen"]["turns"][0]["onset_s"] for r in best], abs=0.03)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.unlink(), "cannot read"),
        (lambda path: path.write_bytes(b"RIFF nothing"), "cannot read"),
        (lambda path: soundfile.write(path, np.zeros(20 * 16_000), 16_000), "20.0 s long, its input 8.0 s"),
        (lambda path: soundfile.write(path, np.zeros(16_000), 16_000), "1.0 s long, its input 8.0 s"),
    ],
)
def test_one_bad_file_is_one_failed_case(drawn, asked, tmp_path, spoil, reason):
    folder, cases = tmp_path / "files", cases_of("turn", drawn, asked)
    for case in cases:
        (folder / case.name).mkdir(parents=True)
        soundfile.write(folder / case.name / "output.wav", np.zeros(8 * 16_000), 16_000)
    spoil(folder / cases[2].name / "output.wav")
    records = run_suite(SUITE, drawn, Contestant("files", recorded(folder)), asked, OWN_WORDS)
    assert [bool(record["failure"]) for record in records] == [False, False, True, False, False]
    assert reason in records[2]["failure"]


def test_outputs_can_be_kept_in_the_same_layout(drawn, asked, tmp_path):
    run_suite(SUITE, drawn[:1], ORACLE, asked._replace(outputs=tmp_path / "said"), OWN_WORDS)
    assert soundfile.info(tmp_path / "said/oracle/turn/0000/output.wav").samplerate == SAMPLE_RATE_HZ


def test_mistakes_say_what_to_do(tmp_path, monkeypatch, asked):
    with pytest.raises(ConfigError, match="there is no suite 'size'"):
        chosen(["turn", "size"])
    with pytest.raises(ConfigError, match="there is no system 'theirs'"):
        contestant("theirs")
    with pytest.raises(DataError, match="duologue eval inputs"):
        contestant(f"files:{tmp_path / 'none'}")
    monkeypatch.setattr(runs, "source_of", lambda _: lambda family: iter(()))
    with pytest.raises(DataError, match="no conversations for turn"):
        run_all([SUITE], [Contestant("silent", silent)], asked)


def test_all_names_every_suite():
    assert chosen(["all"]) == list(SUITES.values()) and [s.name for s in chosen(["voice", "turn"])] == ["turn", "voice"]


def test_a_larger_pool_is_frozen_and_used(tmp_path, monkeypatch):
    monkeypatch.setattr(freeze, "POOL", {"facts": {"answers": 0.5}, "hold": {"goes_on/television": 0.2}})
    freeze.freeze_pool(8, tmp_path, FakeBank())
    monkeypatch.setattr(runs.items, "FOLDER", tmp_path)
    monkeypatch.setattr(runs.items.load, "__defaults__", ("quick", tmp_path))
    kept = list(runs.source_of(200)("facts"))
    assert sum(len(trials) for _, trials in kept) >= 4 and list(runs.source_of(200)("hold"))


def test_the_suites_are_what_was_frozen():
    committed = json.loads((runs.items.FOLDER / "suites.json").read_text())
    assert freeze.hashes(runs.items.FOLDER) == committed
