"""The row of `eval quick` that tells how long a turn takes: of turns that speak, which are the longest."""

from duologue.evals import speed


def test_every_turn_that_is_timed_speaks(voiced, monkeypatch):
    monkeypatch.setattr(speed, "TURNS", 26)
    found = speed.turn_times(voiced)
    assert found["turns"] == 6 and found["speaking"] == 26 and 0 < found["p50_ms"] <= found["p99_ms"]
