"""The benches on a toy, for as short as can be: their rows, their files, and that what they claim to add up does."""

import json

import numpy as np
import pytest

from duologue.agent.background import Agent
from duologue.bench import long, peers, sessions, ticks, turn, voice, wire
from duologue.bench.figures import Figures, bars, give, spread
from duologue.errors import ConfigError, DataError, SessionError
from duologue.evals.judge import Ear
from duologue.live import Conversation
from duologue.model import checkpoint, drawn, flow
from duologue.turn import SAMPLES_PER_TURN, TurnOut, silence


@pytest.fixture(scope="module")
def weights(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    checkpoint.save(path, model)
    return path


def test_figures_are_given_as_table_json_and_plot(tmp_path, capsys):
    rows = [{"what": "a", "ms": 1.0}, {"what": "b", "ms": 2.5}]
    give(Figures("two things", rows, bars("what", "ms", 2.0)), tmp_path / "f.json", tmp_path / "f.png")
    read = json.loads((tmp_path / "f.json").read_text())
    assert read["rows"] == rows and read["about"]["torch"]
    assert "two things" in capsys.readouterr().out and (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ConfigError, match="cannot write"):
        give(Figures("x", rows, bars("what", "ms")), tmp_path / "absent" / "f.json", None)


def test_spread():
    assert spread([1.0, 2.0, 3.0]) == {"p50 ms": 2.0, "p95 ms": 2.9, "p99 ms": 2.98, "n": 3}


def test_the_parts_of_a_turn_add_up_and_nothing_stays_watched(voiced):
    took = turn.turn_ms(voiced, turn.SPEAKS, turns=2)
    parts = [sum(ms) for part, ms in took.items() if part != "all"]
    assert all(len(ms) == 2 for ms in took.values()) and sum(parts) == pytest.approx(sum(took["all"]))
    assert all(min(took[part]) > 0 for part in ("embed", "trunk", "heads", "flow", "vocoder"))
    assert not any(name in vars(owner) for places in turn.parts_of(voiced).values() for owner, name in places)
    assert not sum(turn.turn_ms(voiced, turn.HUSHES, turns=2)["flow"])


def test_bench_turn(weights, monkeypatch):
    monkeypatch.setattr(turn, "first_turn_ms", lambda checkpoint: 1.0)
    rows = turn.turn(weights, 1).rows
    assert [row["what"] for row in rows][:3] == ["bfloat16 quiet turn", "bfloat16 speaking turn", "bfloat16 · embed"]
    assert rows[-1] == {"what": "start to first turn"} | spread([1.0] * 3)


def test_a_picture_comes_in_every_turn_and_is_looked_at(weights, voiced, monkeypatch):
    seen = []
    fuse, picture = type(voiced.model.fuse), type(voiced.model.fuse).picture
    monkeypatch.setattr(fuse, "picture", lambda *args: seen.append(args) or picture(*args))
    turn.turn_ms(voiced, turn.HUSHES, turns=2, pictures=True)
    assert len(seen) == turn.WARM + 2
    turn.turn_ms(voiced, turn.HUSHES, turns=2)
    assert len(seen) == turn.WARM + 2
    images = [t.image for t, _ in zip(turn.noise(pictures=True), range(2), strict=False)]
    assert images[0].shape == (120, 160, 3) and (images[0] != images[1]).any()
    monkeypatch.setattr(turn, "first_turn_ms", lambda checkpoint: 1.0)
    assert "a picture in each, ms (aim: p99 60 in bf16, 120 in fp32)" in turn.turn(weights, 1, pictures=True).title
    assert "session, ms (aim: p99 40 in bf16, 80 in fp32)" in turn.turn(weights, 1).title


def test_a_rung_counts_every_turn(voiced):
    crowd_ms = sessions.rung(voiced, 2, seconds=0.4)
    assert crowd_ms["sessions"] == 2 and crowd_ms["tick p50 ms"] > 0 and crowd_ms["wait p99 ms"] >= crowd_ms["tick p50 ms"] / 2


@pytest.mark.parametrize(("most", "limit", "held"), [(64, 12, 12), (64, 1, 1), (64, 0, 0), (8, 100, 8), (128, 100, 96)])
def test_the_ladder_is_halved(weights, monkeypatch, most, limit, held):
    def rung(voiced, count, seconds):
        return {"sessions": count, "tick p99 ms": 100.0 if count <= limit else 200.0, "late %": 0.0}

    monkeypatch.setattr(sessions, "rung", rung)
    steps = []
    figures = sessions.sessions(weights, 1, most, progress=lambda done, total: steps.append((done, total)))
    tried = [row["sessions"] for row in figures.rows]
    assert figures.title.startswith(f"{held} live sessions") and tried == sorted(set(tried))
    assert len(steps) == len(tried) <= steps[-1][1] <= 5


def test_a_rung_over_the_wire_has_the_servers_figures(weights):
    with wire.serving(weights, 4) as address:
        row = wire.rung(address, 2, seconds=1.0)
        assert row["sessions"] == 2 and 0 < row["tick p50 ms"] <= row["tick p99 ms"] and row["turn to turn p99 ms"] > 150
        assert wire.rung(address, 6, seconds=0.2)["late %"] > 30  # two find no place


def test_a_server_that_cannot_start_is_said(tmp_path):
    with pytest.raises(DataError, match="did not start"), wire.serving(tmp_path / "none.safetensors", 1):
        pass


def test_sessions_that_fall_behind_are_left_at_once(voiced, monkeypatch):
    monkeypatch.setattr(sessions, "BEHIND_TURNS", 0)
    row = sessions.rung(voiced, 2, seconds=600)
    assert row["late %"] > 0 and not sessions.fits(row | {"tick p99 ms": 1.0})


def test_a_turn_that_is_never_answered_is_said_and_not_waited_for(voiced, monkeypatch):
    monkeypatch.setattr(sessions, "SETTLE_S", 0.0)
    crowd = sessions.Crowd.__new__(sessions.Crowd)
    crowd.given, crowd.behind, crowd.lives = {(0, 0): 0.0}, 0, []
    with pytest.raises(SessionError, match="1 turns were never answered"):
        crowd.settle()


def test_slow_tasks_run_beside_every_second_block(weights, monkeypatch):
    made = []
    monkeypatch.setattr(ticks, "BLOCK", 8)
    monkeypatch.setattr(ticks, "PACE_S", 0.001)
    monkeypatch.setattr(ticks, "Agent", lambda backend: made.append(Agent(backend)) or made[-1])
    figures = ticks.ticks(weights, tasks=3, turns=8)
    assert [(row["tasks"], row["n"]) for row in figures.rows] == [("3 slow tasks", 7), ("0 slow tasks", 8)]
    assert [len(agent.board.tasks) for agent in made] == [3, 0] and made[0].backend.read > 0
    assert "aim: at most 1.05" in figures.title


def test_bench_long(weights):
    figures = long.long(weights, hours=0)
    assert [row["hours"] for row in figures.rows] == [0.017, 0.022] and "of the first ten" in figures.title


@pytest.mark.slow
def test_bench_peers(weights):
    pytest.importorskip("moshi")
    rows = peers.peers(weights, 1).rows
    assert len(rows) == 8 and all(row["ms a second of talk"] > 0 for row in rows)


def test_the_peer_s_absence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "moshi.models", None)
    with pytest.raises(ConfigError, match="pip install --no-deps moshi"):
        peers._imported()


def test_bench_voice_samples_as_told_and_leaves_the_constants(weights, monkeypatch):
    seen, before = [], (flow.STEPS, drawn.TEMPERATURE)
    tone = 0.1 * np.sin(np.arange(SAMPLES_PER_TURN) / 5).astype(np.float32)

    class Talker:
        def __init__(self, voiced):
            self.voiced = voiced

        def step(self, turn):
            seen.append((flow.STEPS, drawn.TEMPERATURE))
            return TurnOut(turn.index, tone if turn.index == 3 else 0 * tone, turn.index == 3)

    monkeypatch.setattr(voice, "Conversation", Talker)
    monkeypatch.setattr(voice, "TEXTS", ("seven", "good morning"))
    monkeypatch.setattr(voice, "TURNS", 6)
    monkeypatch.setattr(voice, "whisper_ear", lambda: Ear(lambda sound_S: "good morning", None))
    monkeypatch.setattr(voice, "quality", lambda sound_S: 3.456)
    rows = voice.voice(weights, (1, 4), (0.5,)).rows
    assert set(seen) == {(1, 0.5), (4, 0.5)} and before == (flow.STEPS, drawn.TEMPERATURE)
    assert [row["sampled"] for row in rows] == ["1 steps at 0.5", "4 steps at 0.5"]
    assert all(row["words wrong %"] == round(200 / 3, 1) and row["P808"] == 3.46 and row["answered"] == 2 for row in rows)


def test_steps_and_temperature_change_what_is_said(voiced):
    def sound(steps, temperature):
        with voice.sampled(steps, temperature):
            talk = Conversation(voiced=voiced, patience=turn.SPEAKS)
            return np.concatenate([talk.step(silence(k)).pcm_S for k in range(2)])

    plain = sound(4, 0.7)
    assert np.array_equal(plain, sound(flow.STEPS, drawn.TEMPERATURE))
    assert not np.array_equal(plain, sound(1, 0.7)) and not np.array_equal(plain, sound(4, 0.1))
