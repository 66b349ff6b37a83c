"""The interaction panel: hand-made ticks, and tau2-bench's own golden figures where its data can be had."""

import json
import os
import urllib.request
from pathlib import Path

import pytest

from duologue.evals.interaction import ASIDE, TIC, Event, Tick, events, panel

DATA = "tests/test_voice/test_interaction_metrics/testdata"
GOLDEN = f"https://raw.githubusercontent.com/sierra-research/tau2-bench/a2c024725189473d2d7cea3a5cfdbcc67478e41f/{DATA}"
RUNS = ("49b22f0c-4a56-41c5-922f-bc2a56e53a23", "7c6a3e3e-ac3f-406f-aea9-8cacb0a2e680", "cd9c5ed2-9751-4c86-8dac-8a895a332e41")


def ticks(user: str, agent: str, *, backchannel: bool = False, insert: str = "", at: range = range(0)) -> list[Tick]:
    """A letter a tick: "x" for speech."""
    return [
        Tick(u == "x", a == "x", backchannel, ((insert, "um"),) if insert and i in at else ())
        for i, (u, a) in enumerate(zip(user, agent, strict=True))
    ]


def test_an_answer_and_its_latency():
    (event,) = events(ticks("xxxxx.....", ".......xx."))
    assert event.kind == "response" and event.good and event.latency_s == pytest.approx(0.4)


def test_who_must_ask_again_was_not_answered():
    found = events(ticks("xx....xx....", "..........xx"))
    assert [(e.kind, e.good) for e in found] == [("response", False), ("response", True)]


@pytest.mark.parametrize(("backchannel", "kind", "good"), [(False, "yield", True), (True, "backchannel", False)])
def test_stopping_is_right_only_for_an_interruption(backchannel, kind, good):
    found = [e for e in events(ticks("...xxx......", "xxxxx.......", backchannel=backchannel)) if e.kind != "response"]
    assert [(e.kind, e.good) for e in found] == [(kind, good)]


def test_never_stopping_is_no_yield():
    assert Event("yield", False) in events(ticks("...xxx" + "." * 14, "x" * 20))


def test_a_tic_into_silence_should_be_ignored():
    user = "xx........xx...."
    assert Event(TIC, True) in events(ticks(user, "." * 16, insert=TIC, at=range(2)))
    assert Event(TIC, False) in events(ticks(user, "....xx..........", insert=TIC, at=range(2)))


def test_an_aside_between_turns_counts_once():
    found = [e for e in events(ticks("." * 16, "." * 16, insert=ASIDE, at=range(3, 6))) if e.kind == ASIDE]
    assert found == [Event(ASIDE, True)]
    assert not [e for e in events(ticks("." * 16, "x" * 16, insert=ASIDE, at=range(3, 6))) if e.kind == ASIDE]


def test_beginning_while_the_user_speaks_is_cutting_in():
    assert panel([ticks("xxxxxx......", "...xx....xx.")])["agent_interruption_rate"] == 1.0


def test_what_never_happened_has_no_figure():
    assert set(panel([ticks("....", "....")]).values()) == {None}


def _golden(name: str) -> dict:
    """A file of the golden data: from TAU2_BENCH (a checkout), else from where it is published."""
    try:
        if folder := os.environ.get("TAU2_BENCH"):
            return json.loads((Path(folder) / DATA / name).read_text())
        with urllib.request.urlopen(f"{GOLDEN}/{name}", timeout=10) as answer:
            return json.load(answer)
    except OSError as error:
        pytest.skip(f"tau2-bench's golden data cannot be had: {error}")


def _tick(row: dict) -> Tick:
    user, agent = row.get("user_chunk") or {}, row.get("agent_chunk") or {}
    effects = [user.get(name) or {} for name in ("source_effects", "speech_effects")]
    inserts = [effect["speech_insert"] for effect in effects if effect.get("speech_insert")]
    kinds = tuple((TIC if i["type"] == "vocal_tic" else ASIDE, i.get("text", "")) for i in inserts)
    backchannel = (user.get("turn_taking_action") or {}).get("action") == "backchannel"
    return Tick(bool(user.get("contains_speech")), bool(agent.get("contains_speech")), backchannel, kinds)


def test_the_golden_figures_of_tau2_bench_to_all_printed_digits():
    wanted = _golden("expected_metrics.json")
    runs = [list(map(_tick, _golden(f"experiment/simulations/{run}.json")["ticks"])) for run in RUNS]
    counts = wanted.pop("counts")
    found = [event for run in runs for event in events(run)]
    assert panel(runs) == wanted
    kinds = {"response": "response", "yield": "yield", "backchannel": "backchannel", TIC: TIC, ASIDE: ASIDE}
    assert {f"{name}_total": sum(e.kind == kind for e in found) for kind, name in kinds.items()}.items() <= counts.items()
