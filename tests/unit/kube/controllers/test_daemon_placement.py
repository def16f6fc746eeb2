"""Proves where a DaemonSet's pods belong, and which are made, replaced and removed."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import apps_v1, core_v1
from provisioner.kube.controllers.daemon_placement import HASH, belongs_on, decide, status_of
from tests.unit.kube.controllers.objects import NOW, at, made

NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}


def node(name: str = "a", labels: dict[str, str] | None = None, **spec: Any) -> core_v1.Node:
    return made(core_v1.Node, {"metadata": {"name": name, "labels": labels or {}}, "spec": spec})


@pytest.mark.parametrize(
    ("spec", "found", "expected"),
    [
        ({}, node(), (True, True)),
        ({"nodeSelector": {"disk": "fast"}}, node(), (False, False)),
        ({"nodeSelector": {"disk": "fast"}}, node(labels={"disk": "fast"}), (True, True)),
        ({}, node(taints=[{"key": "x", "effect": "NoSchedule"}]), (False, True)),
        ({}, node(taints=[{"key": "x", "effect": "NoExecute"}]), (False, False)),
        ({"tolerations": [{"operator": "Exists"}]}, node(taints=[{"key": "x", "effect": "NoExecute"}]), (True, True)),
        ({}, node(taints=[NOT_READY, {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]), (True, True)),
        ({}, node(taints=[{"key": "x", "effect": "PreferNoSchedule"}]), (True, True)),
    ],
)
def test_where_it_belongs(spec: dict[str, Any], found: core_v1.Node, expected: tuple[bool, bool]) -> None:
    assert belongs_on(made(core_v1.PodSpec, spec), found) == expected


def pod(name: str, where: str, *, digest: str = "new", phase: str = "Running", ready: bool = True) -> core_v1.Pod:
    conditions = [{"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": at(-60)}]
    metadata = {"name": name, "labels": {HASH: digest}, "creationTimestamp": at(-600)}
    return made(core_v1.Pod, {"metadata": metadata, "spec": {"nodeName": where}, "status": {"phase": phase, "conditions": conditions}})


def plan(pods: list[core_v1.Pod], unavailable: Any = 1, kind: str = "RollingUpdate") -> tuple[list[str], list[str]]:
    strategy: dict[str, Any] = {"type": kind} | ({"rollingUpdate": {"maxUnavailable": unavailable}} if kind == "RollingUpdate" else {})
    ds = made(
        apps_v1.DaemonSet, {"metadata": {"name": "d"}, "spec": {"selector": {}, "template": {"spec": {}}, "updateStrategy": strategy}}
    )
    found = decide(ds, [node(name) for name in "abc"], pods, "new", NOW)
    return list(found.create), [p.metadata.name or "" for p in found.delete]


@pytest.mark.parametrize(
    ("pods", "create", "delete"),
    [
        ([], ["a", "b", "c"], []),
        ([pod("pa", "a"), pod("pb", "b"), pod("pc", "c")], [], []),
        ([pod("pa", "a"), pod("double", "a", ready=False), pod("pb", "b"), pod("pc", "c")], [], ["double"]),
        ([pod("pa", "a", phase="Failed"), pod("pb", "b"), pod("pc", "c")], [], ["pa"]),
        ([pod("pa", "a"), pod("pb", "b"), pod("pc", "c"), pod("lost", "gone")], [], ["lost"]),
    ],
    ids=["bare", "whole", "double", "ended", "node-gone"],
)
def test_made_and_removed(pods: list[core_v1.Pod], create: list[str], delete: list[str]) -> None:
    assert plan(pods) == (create, delete)


def test_old_ones_go_as_many_at_a_time_as_may_be_missing() -> None:
    old = [pod(f"p{name}", name, digest="old") for name in "abc"]
    assert len(plan(old)[1]) == 1
    assert len(plan(old, "50%")[1]) == 2
    assert plan(old, kind="OnDelete") == ([], [])
    one_down = [pod("pa", "a", digest="old", ready=False), *old[1:]]
    assert plan(one_down)[1] == ["pa"], "one that is down already costs nothing"


def surging(pods: list[core_v1.Pod], surge: Any = 1) -> tuple[list[str], list[str]]:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": 0}}
    spec = {"selector": {}, "template": {"spec": {}}, "updateStrategy": strategy}
    found = decide(made(apps_v1.DaemonSet, {"metadata": {"name": "d"}, "spec": spec}), [node(name) for name in "abc"], pods, "new", NOW)
    return list(found.create), [p.metadata.name or "" for p in found.delete]


OLD = [pod(f"old-{name}", name, digest="old") for name in "abc"]


@pytest.mark.parametrize(
    ("surge", "pods", "create", "delete"),
    [
        (1, OLD, ["a"], []),
        ("50%", OLD, ["a", "b"], []),
        (1, [*OLD, pod("new-a", "a", ready=False)], [], []),
        (1, [*OLD, pod("new-a", "a")], ["b"], ["old-a"]),
        (1, [pod("old-a", "a", digest="old", ready=False), *OLD[1:]], ["a", "b"], ["old-a"]),
    ],
    ids=["one-more", "a-share", "waits", "old-goes-when-new-serves", "one-that-is-down-costs-nothing"],
)
def test_new_ones_come_first_where_there_may_be_more(surge: Any, pods: list[core_v1.Pod], create: list[str], delete: list[str]) -> None:
    assert surging(pods, surge) == (create, delete)


@pytest.mark.parametrize(
    ("pods", "numbers"),
    [
        ([pod("pa", "a"), pod("pb", "b", ready=False)], (3, 2, 0, 1, 1, 2, 2)),
        ([pod("pa", "a", digest="old"), pod("px", "elsewhere")], (3, 1, 0, 1, 1, 0, 2)),
        ([pod("old", "a", digest="old"), pod("new", "a", ready=False)], (3, 1, 0, 1, 1, 0, 2)),
    ],
)
def test_status(pods: list[core_v1.Pod], numbers: tuple[int, ...]) -> None:
    """(desired, current, misscheduled, ready, available, updated, unavailable)."""
    ds = made(apps_v1.DaemonSet, {"metadata": {"name": "d"}, "spec": {"selector": {}, "template": {"spec": {}}}})
    status = status_of(ds, [node(name) for name in "abc"], pods, "new", 0, NOW)
    assert numbers == (
        status.desired_number_scheduled,
        status.current_number_scheduled,
        status.number_misscheduled,
        status.number_ready,
        status.number_available or 0,
        status.updated_number_scheduled or 0,
        status.number_unavailable or 0,
    )
