"""A short storm in every test run; a long one by `make chaos`."""

from tests.chaos.chaos import faults, storm


def test_a_storm_leaves_nothing_behind():
    found = storm(lives=60)
    assert len(found.lives) == 60 and any(life.whole for life in found.lives)
    assert not faults(found)
