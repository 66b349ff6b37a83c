"""Pauses lie where the question is open; only its last version is answered."""

from itertools import islice

import numpy as np
import pytest

from duologue.data.families import facts, numbers, order, pause
from duologue.data.families.lexicon import DAYS, MONTHS, OPPOSITES
from duologue.data.script import Line, reply_at
from tests.data.families.timing_checks import NUMBER, lines_of, scripts

OPPOSITE = dict(OPPOSITES) | {b: a for a, b in OPPOSITES}


def line(text: str, **slots: str) -> Line:
    return Line("numbers", "x", text, ("y",), slots)


@pytest.mark.parametrize(
    ("text", "slots", "heads"),
    [
        ("what is eight plus five", {"a": "eight", "b": "five", "fact": "thirteen"}, ["what is", "what is eight plus"]),
        (
            "um okay what is eight plus five please",
            {"a": "eight", "b": "five"},
            ["um okay what is", "um okay what is eight plus"],
        ),
        ("count from four to twelve", {"a": "four", "b": "twelve"}, ["count from", "count from four to"]),
        ("monday and then what", {"item": "monday"}, []),
        ("sorry what colour is grass", {"thing": "grass"}, ["sorry what colour", "sorry what colour is"]),
    ],
)
def test_cuts_are_where_nothing_is_complete(text, slots, heads):
    found = pause.open_cuts(line(text, **slots))
    assert [" ".join(text.split()[:cut]) for cut in found] == heads


def test_a_cut_never_leaves_only_courtesies_for_later():
    for module in (numbers, order, facts):
        for whole in islice(module.lines(np.random.default_rng(3), "train"), 500):
            asked = {w for k, v in whole.slots.items() if k not in ("fact", "recital") for w in str(v).split()}
            for cut in pause.open_cuts(whole):
                assert set(whole.text.split()[cut:]) & asked, whole.text


@pytest.mark.parametrize(
    ("text", "slots", "cut"),
    [
        ("what is eight plus five please", {"a": "eight", "b": "five"}, 5),
        ("what is eight plus five for me", {"a": "eight", "b": "five"}, 5),
        ("monday and then", {"item": "monday"}, None),
        ("what is eight plus five", {"a": "eight", "b": "five"}, None),
    ],
)
def test_only_a_courtesy_may_be_clipped(text, slots, cut):
    assert pause.closed_cut(line(text, **slots)) == cut


def _last_version(text: str) -> str:
    """The answer to a repaired question, worked out from its words alone."""
    words = text.replace("count one up", "count up").split()
    values = [NUMBER[word] for word in words if word in NUMBER]
    if "opposite" in words:
        return OPPOSITE[[word for word in words if word in OPPOSITE][-1]]
    for ring in (DAYS, MONTHS):
        if named := [word for word in words if word in ring]:
            return ring[(ring.index(named[-1]) + 1) % len(ring)]
    return numbers.NUMBERS[values[-1] + values[-2] if "plus" in words else values[-1] + 1]


def test_repairs_are_answered_by_the_last_version():
    for split in ("train", "test"):
        found = [x for x in lines_of("pause", split) if x.intent == "repair"]
        assert len(found) > 500
        for repair in found:
            assert repair.slots["fact"] == repair.answers[0] == _last_version(repair.text), repair.text


def test_stems_are_open():
    for stem in lines_of("pause", "train") + lines_of("pause", "test"):
        if stem.intent == "stem":
            assert stem.text.split()[-1] in pause.OPEN_WORDS and not stem.answers


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_model_waits_through_the_pauses_and_answers_at_the_true_end(split):
    seen = set()
    for script in scripts("pause", split):
        sounds = iter(script.sounds)
        for item in script.about["items"]:
            seen.add(item["class"])
            pieces = [next(sounds) for _ in item["said"]]
            assert [x.speech.text for x in pieces] == item["said"]
            ends = [x.start_s + x.speech.seconds for x in pieces]
            for end_s, after, pause_s in zip(ends[:-1], pieces[1:], item["pauses_s"], strict=True):
                assert after.start_s - end_s == pytest.approx(pause_s, abs=2e-3) and 0 < pause_s <= 2.5
                assert any(
                    c.kind == "quiet" and (c.start_s, c.end_s) == pytest.approx((end_s, after.start_s))
                    for c in script.checks
                )
            first = next(x for x in sorted(script.own, key=lambda x: x.start_s) if x.start_s > pieces[0].start_s)
            assert first.start_s == pytest.approx(reply_at(ends[-1]))
            if item["class"] in ("pause", "filler"):
                parts = [s for i, s in enumerate(item["said"]) if item["class"] == "pause" or i != 1]
                assert " ".join(parts) == item["asked"]
    assert seen == set(pause.CLASSES)
