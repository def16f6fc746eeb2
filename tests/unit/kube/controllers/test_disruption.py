"""Proves how many pods a budget lets go."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import core_v1, policy_v1
from provisioner.kube.controllers.disruption import Budget, budget, still_disrupted
from tests.unit.kube.controllers.objects import NOW, at, made


def pods(ready: int, waiting: int = 0) -> list[core_v1.Pod]:
    found = []
    for i in range(ready + waiting):
        conditions = [{"type": "Ready", "status": "True" if i < ready else "False"}]
        found.append(made(core_v1.Pod, {"metadata": {"name": f"p{i}"}, "spec": {}, "status": {"conditions": conditions}}))
    return found


@pytest.mark.parametrize(
    ("spec", "there", "expected", "disrupted", "found"),
    [
        ({"minAvailable": 2}, pods(3), 3, (), Budget(1, 3, 2, 3)),
        ({"minAvailable": "50%"}, pods(3), 3, (), Budget(1, 3, 2, 3)),
        ({"maxUnavailable": 1}, pods(3), 3, (), Budget(1, 3, 2, 3)),
        ({"maxUnavailable": 1}, pods(2, waiting=1), 3, (), Budget(0, 2, 2, 3)),
        ({"maxUnavailable": 1}, pods(3), 3, ("p0",), Budget(0, 2, 2, 3)),
        ({"maxUnavailable": "100%"}, pods(2), 2, (), Budget(2, 2, 0, 2)),
        ({"minAvailable": 0}, [], 0, (), Budget(0, 0, 0, 0)),
    ],
)
def test_budgets(spec: dict[str, Any], there: list[core_v1.Pod], expected: int, disrupted: tuple[str, ...], found: Budget) -> None:
    assert budget(made(policy_v1.PodDisruptionBudgetSpec, spec), there, expected, disrupted) == found


def test_an_eviction_that_did_not_happen_is_given_up() -> None:
    kept, again_s = still_disrupted({"p0": at(-100), "p1": at(-130), "gone": at(0)}, pods(2), NOW)
    assert (kept, again_s) == ({"p0": at(-100)}, 20.0)
