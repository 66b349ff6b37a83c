"""A session's log holds every bit of what came in, and a replay proves what went out."""

import json
from dataclasses import replace

import numpy as np
import pytest

from duologue.engine.log import differing_bits, replay, to_json, turn_in, turn_out
from duologue.errors import DataError
from duologue.live import Conversation
from duologue.turn import SAMPLES_PER_TURN, Call, TurnIn, TurnOut
from tests.engine.made import talk


def test_turns_survive_json_bit_for_bit():
    whole = np.round(np.linspace(-1, 1, SAMPLES_PER_TURN) * 32767).astype(np.float32) / 32768
    for turn in [*talk(3), TurnIn(0, whole), TurnIn(1, -whole * 0.0, patience=1.5)]:
        again = turn_in(json.loads(json.dumps(to_json(turn))))
        assert again.pcm_S.tobytes() == turn.pcm_S.tobytes()
        assert np.array_equal(again.image, turn.image) if turn.image is not None else again.image is None
        names = "index", "typed", "notes", "missing_ms", "unplayed_ms", "patience"
        assert all(getattr(again, n) == getattr(turn, n) for n in names)
    assert "pcm16" in to_json(TurnIn(0, whole)) and "pcm32" in to_json(talk(3)[0])


def test_differing_bits_counts_sound_and_words():
    quiet = TurnOut(3, np.zeros(SAMPLES_PER_TURN, np.float32), False, calls=(Call("delegate", "weather"),))
    assert differing_bits(quiet, turn_out(json.loads(json.dumps(to_json(quiet))))) == 0
    loud = quiet.pcm_S.copy()
    loud[7] = np.float32(2.0)  # one bit of the exponent
    assert differing_bits(quiet, replace(quiet, pcm_S=loud)) == 1
    assert differing_bits(quiet, replace(quiet, heard="yes")) > 0
    assert differing_bits(quiet, replace(quiet, calls=())) > 0


@pytest.fixture
def logged(voiced, tmp_path):
    """The log of a session that was recorded from its fifth turn on."""
    conversation = Conversation(voiced=voiced, seed=7)
    for turn in talk(1, 5):
        conversation.step(turn)
    conversation.record(tmp_path / "session.jsonl")
    for turn in talk(1, 12)[5:]:
        conversation.step(replace(turn, patience=-1e9 if turn.index == 8 else None))
    conversation.log.close()
    return tmp_path / "session.jsonl"


def test_a_replay_has_no_differing_bit(voiced, logged):
    assert replay(logged, voiced) == (7, 0)


def test_a_changed_input_or_output_is_seen(voiced, logged):
    lines = [json.loads(line) for line in logged.read_text().splitlines()]
    lines[3]["in"]["typed"] += "something else"
    logged.write_text("\n".join(map(json.dumps, lines)))
    turns, bits = replay(logged, voiced)
    assert turns == 7 and bits > 0


@pytest.mark.parametrize("text, why", [
    ("", "not the log"), ("{", "not the log"), ('{"format": "duologue-session-1", "weights": "x"}', "other weights"),
])  # fmt: skip
def test_what_is_no_log_is_refused(voiced, tmp_path, text, why):
    (tmp_path / "x.jsonl").write_text(text)
    with pytest.raises(DataError, match=why):
        replay(tmp_path / "x.jsonl", voiced)
    with pytest.raises(DataError, match="cannot read"):
        replay(tmp_path / "absent.jsonl", voiced)


def test_a_damaged_turn_names_its_line(voiced, logged):
    lines = logged.read_text().splitlines()
    lines[3] = lines[3].replace('"index": 6', '"index": 60')
    logged.write_text("\n".join(lines))
    with pytest.raises(DataError, match="line 4: not a turn"):
        replay(logged, voiced)
