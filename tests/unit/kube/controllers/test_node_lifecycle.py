"""Proves which taints a node's conditions call for, and when its pods must go."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.controllers.node_lifecycle import eviction_time, silenced, wanted_taints, with_taints
from tests.unit.kube.controllers.objects import NOW, at, made, pod

NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"


def node(taints: list[dict[str, Any]] | None = None, unschedulable: bool = False, **conditions: str) -> core_v1.Node:
    found = [{"type": type_, "status": status, "lastHeartbeatTime": at(-50)} for type_, status in conditions.items()]
    spec = {"taints": taints or [], "unschedulable": unschedulable}
    return made(core_v1.Node, {"metadata": {"name": "n"}, "spec": spec, "status": {"conditions": found}})


@pytest.mark.parametrize(
    ("found", "taints"),
    [
        (node(Ready="True"), []),
        (node(Ready="False"), [(NOT_READY, "NoSchedule"), (NOT_READY, "NoExecute")]),
        (node(Ready="Unknown"), [(UNREACHABLE, "NoSchedule"), (UNREACHABLE, "NoExecute")]),
        (node(), [(NOT_READY, "NoSchedule")]),
        (node(Ready="True", MemoryPressure="True", DiskPressure="False"), [("node.kubernetes.io/memory-pressure", "NoSchedule")]),
        (node(unschedulable=True, Ready="True"), [("node.kubernetes.io/unschedulable", "NoSchedule")]),
    ],
)
def test_taints_follow_conditions(found: core_v1.Node, taints: list[tuple[str, str]]) -> None:
    assert wanted_taints(found) == taints


def test_others_taints_are_left_alone_and_times_kept() -> None:
    present = [
        {"key": "mine", "effect": "NoExecute"},
        {"key": UNREACHABLE, "effect": "NoExecute", "timeAdded": at(-90)},
        {"key": NOT_READY, "effect": "NoSchedule"},
    ]
    made_ = with_taints(node(present, Ready="Unknown"), at(0))
    assert [(t.key, t.effect, t.time_added) for t in made_] == [
        ("mine", "NoExecute", None),
        (UNREACHABLE, "NoExecute", at(-90)),
        (UNREACHABLE, "NoSchedule", None),
    ]
    assert [t.key for t in with_taints(node(present, Ready="True"), at(0))] == ["mine"]


TAINT = [{"key": UNREACHABLE, "effect": "NoExecute", "timeAdded": at(0)}]


@pytest.mark.parametrize(
    ("tolerations", "after_s"),
    [
        ([], 0),
        ([{"key": UNREACHABLE, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30}], 30),
        ([{"key": UNREACHABLE, "operator": "Exists", "tolerationSeconds": 30}, {"operator": "Exists", "tolerationSeconds": 5}], 5),
        ([{"operator": "Exists"}], None),
        ([{"key": "other", "operator": "Exists"}], 0),
        ([{"key": UNREACHABLE, "operator": "Exists", "effect": "NoSchedule"}], 0),
    ],
)
def test_when_a_pod_must_go(tolerations: list[dict[str, Any]], after_s: int | None) -> None:
    due = eviction_time(pod(spec={"tolerations": tolerations}), node(TAINT, Ready="Unknown"))
    assert due == (None if after_s is None else NOW.timestamp() + after_s)


def test_a_silent_node_says_unknown_in_every_condition() -> None:
    found = {c.type: (c.status, c.reason) for c in silenced(node(Ready="True", MemoryPressure="False"), at(0))}
    assert found["Ready"] == ("Unknown", "NodeStatusUnknown")
    assert found["MemoryPressure"] == ("Unknown", "NodeStatusUnknown")
    assert found["DiskPressure"] == ("Unknown", "NodeStatusNeverUpdated")
