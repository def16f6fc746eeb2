"""Proves the node's status: what is allocatable, and which conditions say that it is well."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.node.machine import Machine
from provisioner.kube.kubelet.node.status import Health, allocatable_numbers, conditions, node_status
from provisioner.kube.kubelet.pod.resize import FEATURES
from provisioner.kube.kubelet.runtime.docker_types import ImageSummary

MACHINE = Machine("h", 4, 8 * 1024**3, 100 * 1024**3, "amd64", "6.1", "Debian", "m", "b", "s")
NOW = "2026-01-01T00:01:00Z"


def status(**values: Any) -> core_v1.NodeStatus:
    health = Health(
        docker_version="20.10.24", images=[ImageSummary("i", ["a:1", "<none>:<none>"], None, 5), ImageSummary("j", ["b:1"], None, 9)]
    )
    defaults: dict[str, Any] = {"node_name": "n", "node_ip": "10.0.0.1", "port": 10250, "max_pods": 110, "reserved": {}, "version": "v1"}
    return node_status(MACHINE, health=health, now=NOW, **{"before": core_v1.NodeStatus(), **defaults, **values})


def test_what_is_reserved_is_not_allocatable() -> None:
    found = status(reserved={"cpu": "500m", "memory": "1Gi"})
    assert found.capacity is not None and found.allocatable is not None
    assert (found.capacity["cpu"], found.capacity["memory"], found.capacity["pods"]) == ("4", "8388608Ki", "110")
    assert (found.allocatable["cpu"], found.allocatable["memory"]) == ("3500m", f"{7 * 1024**2}Ki")
    assert allocatable_numbers(MACHINE, {"cpu": "1"})["cpu"] == 3000


def test_addresses_versions_and_images() -> None:
    found = status()
    assert found.addresses == [
        core_v1.NodeAddress(type="InternalIP", address="10.0.0.1"),
        core_v1.NodeAddress(type="Hostname", address="n"),
    ]
    assert found.node_info is not None and found.node_info.container_runtime_version == "docker://20.10.24"
    assert found.declared_features == sorted(FEATURES)
    assert [(i.names, i.size_bytes) for i in found.images or ()] == [(["b:1"], 9), (["a:1"], 5)]


def of(health: Health, before: tuple[core_v1.NodeCondition, ...] = ()) -> dict[str | None, tuple[str | None, str | None]]:
    return {c.type: (c.status, c.reason) for c in conditions(health, before, NOW)}


def test_a_well_node() -> None:
    assert of(Health()) == {
        "MemoryPressure": ("False", "KubeletHasSufficientMemory"),
        "DiskPressure": ("False", "KubeletHasNoDiskPressure"),
        "PIDPressure": ("False", "KubeletHasSufficientPID"),
        "Ready": ("True", "KubeletReady"),
    }


def test_pressure_and_problems() -> None:
    found = of(Health(problems=["container runtime is down"], pressures=frozenset({"MemoryPressure", "DiskPressure", "PIDPressure"})))
    assert {type_: status for type_, (status, _) in found.items()} == {
        "MemoryPressure": "True",
        "DiskPressure": "True",
        "PIDPressure": "True",
        "Ready": "False",
    }


def test_transition_times_stay_while_the_status_does() -> None:
    before = (core_v1.NodeCondition(type="Ready", status="True", last_transition_time="old"),)
    ready = next(c for c in conditions(Health(), before, NOW) if c.type == "Ready")
    assert (ready.last_transition_time, ready.last_heartbeat_time) == ("old", NOW)
    broken = next(c for c in conditions(Health(problems=["x"]), before, NOW) if c.type == "Ready")
    assert broken.last_transition_time == NOW


def test_what_others_say_that_the_node_has_can_be_given_away() -> None:
    found = status(before=core_v1.NodeStatus(capacity={"example.com/dongle": "3", "cpu": "99"}))
    assert found.capacity is not None and found.allocatable is not None
    assert (found.allocatable["example.com/dongle"], found.capacity["cpu"]) == ("3", "4")
