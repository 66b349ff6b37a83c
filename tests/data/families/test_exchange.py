import numpy as np
import pytest

from duologue.data.families import exchange
from duologue.data.families.exchange import draw, held_out, line, recital, vary
from duologue.data.script import Script
from tests.data.fake_bank import FakeBank, speech_of


def test_vary_expands_nested_alternatives():
    rng = np.random.default_rng(0)
    seen = {vary(rng, "{hi|hey {there|you}} {duo|}") for _ in range(200)}
    assert seen == {"hi", "hi duo", "hey there", "hey there duo", "hey you", "hey you duo"}


def test_the_held_out_share_is_what_it_says_and_never_changes():
    assert np.mean([held_out("sum", i) for i in range(4000)]) == pytest.approx(0.15, abs=0.02)
    assert [held_out("sum", a, a + 1) for a in range(8)] == [held_out("sum", a, a + 1) for a in range(8)]
    assert held_out("x", "phrase 3") == (__import__("zlib").crc32(b"x\x1fphrase 3") % 100 < 15)


def test_a_phrase_is_held_out_with_all_that_fills_and_dresses_it():
    rng, seen = np.random.default_rng(0), {}
    for _ in range(4000):
        made = line(
            rng, "f", "i", ("{what|which|how|who} <a> {now|then|so|ever|here}",), (), {"a": str(rng.integers(9))}
        )
        phrase = exchange.bare(made.text.replace(made.slots["a"], "<a>"))
        seen.setdefault(phrase, set()).add(made.held_out)
    assert all(len(flags) == 1 for flags in seen.values())
    assert {True} in seen.values() and {False} in seen.values()


def test_the_plain_way_to_ask_is_always_trained():
    rng = np.random.default_rng(0)
    for plain in (f"plain {n}" for n in range(40)):
        assert not line(rng, "f", "i", (plain,), ()).held_out
        assert not line(rng, "f", "i", ("{" + plain + "|" + plain + "}", plain), ()).held_out


def test_draw_weighs_its_makers():
    rng = np.random.default_rng(0)
    makers = [(3, lambda rng: line(rng, "f", "a", ("a",), ())), (1, lambda rng: line(rng, "f", "b", ("b b",), ()))]
    stream = draw(rng, "train", makers)
    assert np.mean([next(stream).intent == "a" for _ in range(2000)]) == pytest.approx(0.75, abs=0.05)


def test_a_recital_is_steady_and_never_overlaps():
    owns = recital(("one", "seventeen", "two"), 2.0, 0.3, FakeBank())
    steps = np.diff([own.start_s for own in owns])
    assert owns[0].start_s == 2.0 and np.ptp(steps) < 1e-9
    assert all(a.start_s + a.speech.seconds <= b.start_s for a, b in zip(owns, owns[1:]))
    steps = np.diff([own.start_s for own in recital(("one", "two", "six"), 0, 0.8, FakeBank())])
    assert steps == pytest.approx([0.8, 0.8])


def test_no_answer_wanted_means_none():
    script, rng = Script("f", 0.0), np.random.default_rng(0)
    silent = line(rng, "f", "remark", ("i am typing",), ())
    end_s = exchange.says(script, 1.0, speech_of(silent.text, "v", silent))
    assert exchange.answers(script, rng, FakeBank(), silent, end_s) == end_s
    assert not script.own and [check.kind for check in script.checks] == ["quiet"]
