"""Proves how seats are shared out and lent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from provisioner.kube.apiserver.fairness.shares import Share, current_seats, nominal_seats

LEVELS = {"exempt": Share(0, exempt=True), "a": Share(30, 50), "b": Share(60, 0, 25), "c": Share(10, 90)}


def test_nominal() -> None:
    assert nominal_seats(LEVELS, 100) == {"exempt": 0, "a": 30, "b": 60, "c": 10}
    assert nominal_seats({"a": Share(1), "b": Share(2)}, 10) == {"a": 4, "b": 7}


def test_idle_levels_lend_to_busy_ones() -> None:
    nominal = nominal_seats(LEVELS, 100)
    found = current_seats(LEVELS, nominal, {"a": 100, "b": 0, "c": 0}, 100)
    # a gets what c lends (9 of 10); b lends nothing.
    assert found == {"a": 39, "b": 60, "c": 1}
    found = current_seats(LEVELS, nominal, {"a": 0, "b": 200, "c": 0}, 100)
    assert found["b"] == 75 and found["a"] >= 15


@given(st.fixed_dictionaries({name: st.integers(0, 500) for name in ("a", "b", "c")}))
def test_bounds_hold_whatever_is_wanted(demands: dict[str, float]) -> None:
    nominal = nominal_seats(LEVELS, 100)
    found = current_seats(LEVELS, nominal, demands, 100)
    assert found["b"] >= 60 and found["b"] <= 75 and found["a"] >= 15 and found["c"] >= 1
    assert sum(found.values()) <= 100 + len(found)
