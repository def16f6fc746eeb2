"""Changing the resources of running containers: what may be given, and what Docker has to be told. Pure.

A pod's `spec` is what is wanted, what the kubelet lets it have is `allocated`, what its containers run with is `actual`; the status tells
the last two. Source: the Kubernetes documentation "Resize CPU and Memory Resources assigned to Containers".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.pod.decide import is_sidecar
from provisioner.kube.kubelet.pod.resources import host_resources, requested
from provisioner.kube.kubelet.runtime.containers import Container

Resources = Mapping[str, core_v1.ResourceRequirements]
# An event's type, reason and message.
Note = tuple[str, str, str]
# What is the whole pod's, beside its containers' by name.
POD = ""
# Of those that Kubernetes knows (KEP-5328), what an update of a pod may need of its node.
FEATURES = ("InPlacePodLevelResourcesVerticalScaling", "InPlacePodVerticalScalingInitContainers")
# None given.
NO_LIMIT = -1
CPU_PERIOD_US = 100_000


@dataclass(frozen=True, slots=True)
class Change:
    """Docker's update of one container; `restart` where its resizePolicy wants it begun anew instead."""

    update: Mapping[str, int]
    restart: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What events have said of a pod's resizing: why it waits, and whether one has begun that has not ended."""

    pending: tuple[str, str] | None = None
    under_way: bool = False


def resizable(pod: core_v1.Pod) -> list[core_v1.Container]:
    return [*(pod.spec.init_containers or ()), *(pod.spec.containers or ())]


def wanted(pod: core_v1.Pod) -> dict[str, core_v1.ResourceRequirements]:
    found = {c.name or "": c.resources or core_v1.ResourceRequirements() for c in resizable(pod)}
    return found | ({POD: pod.spec.resources} if pod.spec.resources is not None else {})


def with_resources(pod: core_v1.Pod, allocated: Resources) -> core_v1.Pod:
    """The pod as it may run now."""
    if wanted(pod) == allocated:
        return pod

    def each(containers: Sequence[core_v1.Container] | None) -> list[core_v1.Container] | None:
        return [msgspec.structs.replace(c, resources=allocated.get(c.name or "", c.resources)) for c in containers or ()] or None

    spec = msgspec.structs.replace(
        pod.spec, containers=each(pod.spec.containers), init_containers=each(pod.spec.init_containers), resources=allocated.get(POD)
    )
    return msgspec.structs.replace(pod, spec=spec)


def problem(pod: core_v1.Pod, others: Iterable[core_v1.Pod], allocatable: Mapping[str, int]) -> tuple[str, str] | None:
    """(Infeasible or Deferred, message) where the node can't give what the pod asks for: never, or not now."""
    asked, running = requested(pod.spec), [requested(other.spec) for other in others]
    for name, amount in asked.items():
        capacity = allocatable.get(name, 0)
        if amount > capacity:
            return "Infeasible", f"Node didn't have enough capacity: {name}, requested: {amount}, capacity: {capacity}"
    for name, amount in asked.items():
        used, capacity = sum(other[name] for other in running), allocatable.get(name, 0)
        if amount and used + amount > capacity:
            text = f"Node didn't have enough resource: {name}, requested: {amount}, used: {used}, capacity: {capacity}"
            return "Deferred", text
    return None


def change_of(spec: core_v1.PodSpec, container: core_v1.Container, found: Container, node_memory_bytes: int) -> Change | None:
    """What a running container's resources lack of what it may have; None for nothing."""
    there = host_resources(spec, container, node_memory_bytes)
    shares, quota, memory = there["CpuShares"], there.get("CpuQuota", NO_LIMIT), there.get("Memory", NO_LIMIT)
    update: dict[str, int] = {}
    changed = set()
    if shares != found.cpu_shares or quota != (found.cpu_quota or NO_LIMIT):
        update |= {"CpuShares": shares, "CpuPeriod": CPU_PERIOD_US, "CpuQuota": quota}
        changed.add("cpu")
    if memory != (found.memory_bytes or NO_LIMIT):
        update |= {"Memory": memory, "MemorySwap": memory}
        changed.add("memory")
    if not changed:
        return None
    policies: dict[str | None, Any] = {p.resource_name: p.restart_policy for p in container.resize_policy or ()}
    return Change(update, any(policies.get(name) == "RestartContainer" for name in changed))


def news(
    told: Told, pod: core_v1.Pod, allowed: core_v1.Pod, actual: Resources, pending: tuple[str, str] | None, *, begun: bool
) -> tuple[list[Note], Told]:
    """(events that are due, what has been told then). `allowed` is the pod with what it may have since now, where `begun`."""
    notes = []
    if pending is not None and pending != told.pending:
        notes.append(("Warning", f"Resize{pending[0]}", f"Pod resize {pending[0]}: {_summary(pod, pending[1])}"))
    under_way = begun or told.under_way
    if begun:
        notes.append(("Normal", "ResizeStarted", f"Pod resize started: {_summary(allowed)}"))
    elif under_way and all(actual.get(name) == resources for name, resources in wanted(allowed).items() if name not in _once(allowed)):
        notes.append(("Normal", "ResizeCompleted", f"Pod resize completed: {_summary(allowed)}"))
        under_way = False
    return notes, Told(pending, under_way)


def _once(pod: core_v1.Pod) -> set[str | None]:
    """Init containers that end before the others begin."""
    return {c.name for c in pod.spec.init_containers or () if not is_sidecar(c)}


def _sorted(resources: core_v1.ResourceRequirements | None) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(codec.to_dict(resources) if resources else {}, order="sorted"))


def _summary(pod: core_v1.Pod, error: str = "") -> str:
    """The pod's resources as upstream's events write them."""
    found: dict[str, Any] = {}
    for key, containers in (("initContainers", pod.spec.init_containers), ("containers", pod.spec.containers)):
        listed = [{"name": c.name, "resources": _sorted(c.resources)} for c in containers or ()]
        if listed:
            found[key] = listed
    found["generation"] = pod.metadata.generation or 0
    return msgspec.json.encode(found | ({"error": error} if error else {})).decode()
