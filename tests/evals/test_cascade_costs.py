"""The straight line through measured work, on a clock of its own."""

from types import SimpleNamespace

import pytest

from duologue.evals import cascade_costs
from duologue.evals.cascade_parts import Costs


def test_work_has_a_fixed_part_and_one_for_each_second(monkeypatch):
    now_s = 0.0

    def work(seconds):
        nonlocal now_s
        now_s += 9.0 if now_s == 0 else 0.3 + 0.1 * seconds  # the first time is slow
        return seconds

    monkeypatch.setattr(cascade_costs, "time", SimpleNamespace(perf_counter=lambda: now_s))
    found = cascade_costs.line(work, [1.0, 2.0, 5.0, 3.0], lambda _, result: result)
    assert found == pytest.approx((0.3, 0.1))


def test_costs_charge_both_parts():
    costs = Costs(recognise=0.1, synthesise=0.2, recognise_fixed_s=0.3, synthesise_fixed_s=0.4)
    assert costs.recognised_s(2.0) == pytest.approx(0.5) and costs.synthesised_s(2.0) == pytest.approx(0.8)
