"""Proves which taints a node's conditions call for, and when its pods must go."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.controllers.node_lifecycle import NodeLifecycle, eviction_time, silenced, wanted_taints, with_taints
from provisioner.kube.controllers.pod_control import mark_disrupted
from tests.unit.kube.controllers.cluster import Cluster
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
    due = eviction_time(pod(spec={"tolerations": tolerations}), node(TAINT, Ready="Unknown"), 0.0)
    assert due == (None if after_s is None else NOW.timestamp() + after_s)


def test_a_silent_node_says_unknown_in_every_condition() -> None:
    found = {c.type: (c.status, c.reason) for c in silenced(node(Ready="True", MemoryPressure="False"), at(0))}
    assert found["Ready"] == ("Unknown", "NodeStatusUnknown")
    assert found["MemoryPressure"] == ("Unknown", "NodeStatusUnknown")
    assert found["DiskPressure"] == ("Unknown", "NodeStatusNeverUpdated")


LATER = [{"key": "x", "operator": "Exists", "tolerationSeconds": 30}]


async def test_who_tolerates_a_taint_for_a_while_goes_after_it_and_says_why() -> None:
    """A taint of the administrator's doesn't say since when it is there."""
    cluster = Cluster()
    controller = NodeLifecycle(cluster.parts())
    tainted = node([{"key": "x", "effect": "NoExecute"}], Ready="True")
    tainted.metadata.name = "n"
    known = cluster.put(tainted)
    for name, tolerations in (("at-once", []), ("later", LATER), ("never", [{"operator": "Exists"}])):
        cluster.put(pod(name, spec={"nodeName": "n", "tolerations": tolerations}))
    await cluster.settle(controller)
    assert sorted(p.metadata.name or "" for p in cluster.all(core_v1.Pod)) == ["later", "never"]
    await cluster.clock.advance(31)
    controller.queue.add("pod/ns/later")
    await cluster.settle(controller)
    assert [p.metadata.name for p in cluster.all(core_v1.Pod)] == ["never"]
    assert [message for _, _, message in cluster.events] == ["Marking for deletion Pod ns/at-once", "Marking for deletion Pod ns/later"]
    cluster.put(pod("saved", spec={"nodeName": "n", "tolerations": LATER}))
    await cluster.settle(controller)
    cluster.put(msgspec.structs.replace(known, spec=core_v1.NodeSpec()))
    await cluster.settle(controller)
    assert cluster.events[-1][2] == "Cancelling deletion of Pod ns/saved"


async def test_what_ends_a_pod_is_a_condition_of_it() -> None:
    cluster = Cluster()
    controller = NodeLifecycle(cluster.parts())
    known = cluster.put(pod("p", finalizers=["keep"], generation=3))
    await mark_disrupted(controller, known, "DeletionByTaintManager", "because", phase="Failed")
    (marked,) = cluster.all(core_v1.Pod)
    (condition,) = marked.status.conditions or ()
    assert (marked.status.phase, condition.type, condition.reason, condition.observed_generation) == (
        "Failed",
        "DisruptionTarget",
        "DeletionByTaintManager",
        3,
    )
