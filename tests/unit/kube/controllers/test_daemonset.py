"""Proves where a DaemonSet's pods belong, and which are made, replaced and removed."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import apps_v1, core_v1
from provisioner.kube.controllers.daemonset import HASH, belongs_on, decide
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
