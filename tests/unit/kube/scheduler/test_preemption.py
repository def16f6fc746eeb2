"""Proves whom preemption chooses: as few and as unimportant pods as can be, and those that budgets protect last."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import policy_v1
from provisioner.kube.scheduler.filters import fit
from provisioner.kube.scheduler.preemption import Budget, Preemption, budgets_of, preempt
from tests.unit.kube.scheduler.objects import cluster, node, pod


def chosen(there: list[tuple[str, str, str, int]], budgets: list[Budget] | None = None, **vip: Any) -> tuple[str, list[str]] | None:
    """`there` are (name, node, cpu, priority); the pod that wants in asks for one core."""
    nodes = cluster(*(node(name, cpu="2") for name in sorted({where for _, where, _, _ in there})))
    for name, where, cpu, priority in there:
        nodes.place(pod(name, cpu=cpu, priority=priority, labels={"name": name}), where)
    before = nodes.requested("cpu").tolist()
    wanting = pod("vip", **{"cpu": "1", "priority": 10, **vip})
    found: Preemption | None = preempt(
        wanting, nodes, range(nodes.size), lambda row: all(bool(mask[row]) for mask, _ in fit(wanting, nodes)), budgets or ()
    )
    assert nodes.requested("cpu").tolist() == before, "nothing was changed by thinking about it"
    return (found.node, sorted(v.pod.metadata.name or "" for v in found.victims)) if found is not None else None


def budget(allowed: int, *names: str, disrupted: frozenset[str] = frozenset()) -> Budget:
    return Budget("ns", lambda labels: labels.get("name") in names, allowed, disrupted)


@pytest.mark.parametrize(
    ("there", "budgets", "expected"),
    [
        ([("a1", "a", "1", 5), ("a2", "a", "1", 1), ("b1", "b", "2", 7)], [], ("a", ["a2"])),
        ([("a1", "a", "2", 5), ("b1", "b", "1", 5), ("b2", "b", "1", 5)], [], ("a", ["a1"])),
        ([("a1", "a", "2", 10)], [], None),
        ([("a1", "a", "1", 2), ("a2", "a", "1", 1)], [budget(0, "a2")], ("a", ["a1"])),
        ([("a1", "a", "2", 1), ("b1", "b", "2", 5)], [budget(0, "a1")], ("b", ["b1"])),
        ([("a1", "a", "2", 1), ("b1", "b", "2", 5)], [budget(1, "a1")], ("a", ["a1"])),
        ([("a1", "a", "2", 1), ("b1", "b", "2", 5)], [budget(0, "a1", disrupted=frozenset({"a1"}))], ("a", ["a1"])),
        ([("a1", "a", "2", 1)], [budget(0, "a1")], ("a", ["a1"])),
    ],
    ids=["least-important", "fewest", "equals-stay", "protected-last", "budget-before-priority", "allowed", "counted-already", "if-it-must-be"],
)  # fmt: skip
def test_whom(there: list[tuple[str, str, str, int]], budgets: list[Budget], expected: tuple[str, list[str]] | None) -> None:
    assert chosen(there, budgets) == expected


def test_what_a_budget_says() -> None:
    document = {
        "metadata": {"namespace": "ns", "name": "b"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}},
        "status": {"disruptionsAllowed": 2, "disruptedPods": {"p": "2026-01-01T00:00:00Z"}},
    }
    (found,) = budgets_of([msgspec.convert(document, policy_v1.PodDisruptionBudget), policy_v1.PodDisruptionBudget()])
    assert (found.namespace, found.allowed, found.disrupted) == ("ns", 2, frozenset({"p"}))
    assert found.matches({"a": "b"}) and not found.matches({})
