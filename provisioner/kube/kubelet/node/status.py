"""The Node object's status: pure, from facts about the host and the state of the kubelet's parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provisioner.kube.api import quantity
from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.node.machine import Machine
from provisioner.kube.kubelet.pod.resize import FEATURES
from provisioner.kube.kubelet.runtime.docker_types import ImageSummary

# Upstream's nodeStatusMaxImages.
MAX_IMAGES = 50


@dataclass(frozen=True, slots=True)
class Health:
    """What decides the conditions. `problems` are the reasons why the node can't run pods; empty means ready.
    `pressures` holds MemoryPressure, DiskPressure and PIDPressure where they are.
    """

    problems: Sequence[str] = ()
    pressures: frozenset[str] = frozenset()
    docker_version: str = ""
    images: Sequence[ImageSummary] = field(default_factory=tuple)


def capacity(machine: Machine, max_pods: int) -> dict[str, str]:
    return {
        "cpu": str(machine.cpus),
        "ephemeral-storage": f"{machine.disk_bytes // 1024}Ki",
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "memory": f"{machine.memory_bytes // 1024}Ki",
        "pods": str(max_pods),
    }


def allocatable(machine: Machine, max_pods: int, reserved: Mapping[str, str]) -> dict[str, str]:
    """Capacity without `reserved`: what is kept for the host, and what is kept free before pods are evicted."""
    found = capacity(machine, max_pods)
    cpu_milli = machine.cpus * 1000 - quantity.milli(reserved.get("cpu", 0))
    memory = machine.memory_bytes - quantity.value(reserved.get("memory", 0))
    found["cpu"] = str(cpu_milli // 1000) if cpu_milli % 1000 == 0 else f"{cpu_milli}m"
    found["memory"] = f"{max(0, memory) // 1024}Ki"
    found["ephemeral-storage"] = str(max(0, machine.disk_bytes - quantity.value(reserved.get("ephemeral-storage", 0))))
    return found


def extended(before: core_v1.NodeStatus) -> dict[str, Any]:
    """Resources that somebody else says the node has (example.com/dongle): all of them can be given to pods."""
    return {name: amount for name, amount in (before.capacity or {}).items() if "/" in name}


def allocatable_numbers(machine: Machine, reserved: Mapping[str, str]) -> dict[str, int]:
    """{"cpu": milli, "memory": bytes, "ephemeral-storage": bytes}."""
    found = allocatable(machine, 0, reserved)
    return {
        "cpu": quantity.milli(found["cpu"]),
        "memory": quantity.value(found["memory"]),
        "ephemeral-storage": quantity.value(found["ephemeral-storage"]),
    }


def conditions(health: Health, before: Sequence[core_v1.NodeCondition], now: str) -> list[core_v1.NodeCondition]:
    """MemoryPressure, DiskPressure, PIDPressure, Ready; transition times move only with the status."""
    wanted = [
        ("MemoryPressure", "KubeletHasInsufficientMemory", "KubeletHasSufficientMemory", "memory available"),
        ("DiskPressure", "KubeletHasDiskPressure", "KubeletHasNoDiskPressure", "disk pressure"),
        ("PIDPressure", "KubeletHasInsufficientPID", "KubeletHasSufficientPID", "PID available"),
    ]
    made = []
    for type_, bad_reason, good_reason, what in wanted:
        bad = type_ in health.pressures
        word = ("has" if bad else "has no") if type_ == "DiskPressure" else ("has insufficient" if bad else "has sufficient")
        made.append((type_, "True" if bad else "False", bad_reason if bad else good_reason, f"kubelet {word} {what}"))
    if health.problems:
        several = f"[{', '.join(health.problems)}]"
        made.append(("Ready", "False", "KubeletNotReady", several if len(health.problems) > 1 else health.problems[0]))
    else:
        made.append(("Ready", "True", "KubeletReady", "kubelet is posting ready status"))
    known = {c.type: c for c in before}
    return [_condition(*one, known.get(one[0]), now) for one in made]


def _condition(type_: str, status: str, reason: str, message: str, before: core_v1.NodeCondition | None, now: str) -> core_v1.NodeCondition:
    same = before is not None and before.status == status
    return core_v1.NodeCondition(
        type=type_,
        status=status,
        reason=reason,
        message=message,
        last_heartbeat_time=now,
        last_transition_time=before.last_transition_time if same and before else now,
    )


def node_status(
    machine: Machine,
    *,
    node_name: str,
    node_ip: str,
    port: int,
    max_pods: int,
    reserved: Mapping[str, str],
    version: str,
    health: Health,
    before: core_v1.NodeStatus,
    now: str,
) -> core_v1.NodeStatus:
    """The whole status as this kubelet sees it; conditions of others are not in it."""
    largest = sorted(health.images, key=lambda image: -image.size)[:MAX_IMAGES]
    return core_v1.NodeStatus(
        addresses=[
            core_v1.NodeAddress(type="InternalIP", address=node_ip),
            core_v1.NodeAddress(type="Hostname", address=node_name),
        ],
        capacity={**extended(before), **capacity(machine, max_pods)},
        allocatable={**extended(before), **allocatable(machine, max_pods, reserved)},
        conditions=conditions(health, before.conditions or (), now),
        features=core_v1.NodeFeatures(supplemental_groups_policy=True),
        declared_features=list(FEATURES),
        daemon_endpoints=core_v1.NodeDaemonEndpoints(kubelet_endpoint=core_v1.DaemonEndpoint(port=port)),
        node_info=core_v1.NodeSystemInfo(
            architecture=machine.architecture,
            boot_id=machine.boot_id,
            container_runtime_version=f"docker://{health.docker_version}",
            kernel_version=machine.kernel,
            kube_proxy_version="",
            kubelet_version=version,
            machine_id=machine.machine_id,
            operating_system="linux",
            os_image=machine.os_image,
            system_uuid=machine.system_uuid,
        ),
        images=[
            core_v1.ContainerImage(
                names=[n for n in [*(i.repo_digests or ()), *(i.repo_tags or ())] if "<none>" not in n], size_bytes=i.size
            )
            for i in largest
        ],
    )
