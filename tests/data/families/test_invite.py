"""The model listens until it is invited."""

from itertools import pairwise

import pytest

from duologue.data.families.invite import REPLIES
from duologue.data.script import reply_at
from tests.data.families.timing_checks import scripts


@pytest.mark.parametrize("split", ["train", "test"])
def test_only_a_hand_over_is_answered_and_at_once(split):
    invited = silent = 0
    for script in scripts("invite", split):
        calls = [x for x in script.sounds if x.speech.line.family == "invite"]
        assert len(calls) == len(script.own)
        for call, own in zip(calls, script.own, strict=True):
            assert own.start_s == pytest.approx(reply_at(call.start_s + call.speech.seconds))
            assert own.speech.text in REPLIES[call.speech.line.intent]
        invited, silent = invited + len(calls), silent + (not calls)
    assert invited > 2 * silent > 20


def test_narrations_are_long_and_their_gaps_short():
    for script in scripts("invite"):
        told = [x for x in script.sounds if x.speech.line.family == "hear"]
        gaps = [b.start_s - a.start_s - a.speech.seconds for a, b in pairwise(told)]
        assert all(gap >= 0.3 for gap in gaps)
        assert sum(gap > 1.2 for gap in gaps) <= 1  # only around a reply
        assert script.about["items"][0]["listened_s"] >= 4


def test_somebody_who_never_hands_over_is_never_answered():
    for script in scripts("invite"):
        if script.about["items"][0]["class"] == "open":
            last = script.sounds[-1]
            (check,) = script.checks
            assert not script.own and check.kind == "quiet"
            assert check.start_s == script.sounds[0].start_s
            assert check.end_s >= last.start_s + last.speech.seconds + 2
