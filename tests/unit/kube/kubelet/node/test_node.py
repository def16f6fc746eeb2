"""Proves which events tell of a node: its pressures at each start, readiness where it changes, and whether pods may come."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.kubelet.node.node import NodeKeeper, NodeSettings

CONDITIONS = [
    {"type": "MemoryPressure", "status": "False", "reason": "KubeletHasSufficientMemory"},
    {"type": "DiskPressure", "status": "False", "reason": "KubeletHasNoDiskPressure"},
    {"type": "Ready", "status": "True", "reason": "KubeletReady"},
]


class Recorder:
    def __init__(self) -> None:
        self.reasons: list[str] = []

    def event(self, _: object, __: str, reason: str, message: str) -> None:
        assert reason == "Starting" or message == f"Node n status is now: {reason}"
        self.reasons.append(reason)


def keeper() -> tuple[NodeKeeper, Recorder]:
    recorder, other = Recorder(), cast(Any, None)
    settings = NodeSettings("n", "10.0.0.1", 10250, "v1", Path("/"))
    return NodeKeeper(other, settings, other, other, other, other, cast(Any, recorder), FakeClock()), recorder


def node(**spec: Any) -> core_v1.Node:
    return codec.decode_dict(core_v1.Node, {"metadata": {"name": "n"}, "spec": spec, "status": {"conditions": CONDITIONS}})


def test_a_start_tells_of_pressures_and_a_change_of_itself() -> None:
    kept, recorder = keeper()
    kept._note_changes(node(), node().status)
    assert recorder.reasons == ["Starting", "NodeHasSufficientMemory", "NodeHasNoDiskPressure"]
    status = node().status
    for condition in status.conditions or ():
        if condition.type == "Ready":
            condition.status = "False"
    kept._note_changes(node(), status)
    assert recorder.reasons[3:] == ["NodeNotReady"]


def test_cordons_are_told_of() -> None:
    kept, recorder = keeper()
    for unschedulable in (None, True, True, None):
        kept.observed(node(unschedulable=unschedulable))
    assert recorder.reasons == ["NodeNotSchedulable", "NodeSchedulable"]
