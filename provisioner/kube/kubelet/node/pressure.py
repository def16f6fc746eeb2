"""When a node is short of memory, disk or process numbers: thresholds, the conditions they lead to, and which pod must go first. Pure.

Source: the Kubernetes documentation "Node-pressure Eviction"; wording is upstream's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from provisioner.kube.api import quantity
from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.pod.resources import requests_of

CONDITIONS = {
    "memory.available": "MemoryPressure",
    "nodefs.available": "DiskPressure",
    "nodefs.inodesFree": "DiskPressure",
    "imagefs.available": "DiskPressure",
    "imagefs.inodesFree": "DiskPressure",
    "pid.available": "PIDPressure",
}
RESOURCES = {
    "memory.available": "memory",
    "nodefs.available": "ephemeral-storage",
    "nodefs.inodesFree": "inodes",
    "imagefs.available": "ephemeral-storage",
    "imagefs.inodesFree": "inodes",
    "pid.available": "pids",
}
# Pods of system-cluster-critical and above stay (upstream's SystemCriticalPriority).
CRITICAL = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Threshold:
    """`amount` in bytes, inodes or pids; or `percent` of the capacity. `grace_s` 0 is a hard one."""

    signal: str
    text: str
    amount: int = 0
    percent: float | None = None
    grace_s: float = 0.0

    def limit(self, capacity: int) -> int:
        return self.amount if self.percent is None else int(capacity * self.percent / 100)


@dataclass(frozen=True, slots=True)
class Observation:
    available: int
    capacity: int


def threshold(signal: str, text: str, grace_s: float = 0.0) -> Threshold:
    """Raises ValueError for an unknown signal or no amount."""
    if signal not in CONDITIONS:
        raise ValueError(f"unknown signal; expected one of {', '.join(CONDITIONS)}")
    if text.endswith("%"):
        percent = float(text[:-1])
        if not 0 <= percent <= 100:
            raise ValueError("expected 0% to 100%")
        return Threshold(signal, text, percent=percent, grace_s=grace_s)
    return Threshold(signal, text, amount=quantity.value(text), grace_s=grace_s)


@dataclass(slots=True)
class Pressure:
    """What is short now, and since when. Conditions stay for `transition_s` after the last shortage, so that they don't flap."""

    thresholds: Sequence[Threshold]
    transition_s: float = 300.0
    _since: dict[Threshold, float] = field(default_factory=dict)
    _last: dict[str, float] = field(default_factory=dict)

    def update(self, seen: Mapping[str, Observation], now_s: float) -> list[Threshold]:
        """The thresholds that are crossed and whose grace is over; memory first, as upstream."""
        acting = []
        for one in self.thresholds:
            observation = seen.get(one.signal)
            if observation is None or observation.available >= one.limit(observation.capacity):
                self._since.pop(one, None)
                continue
            since = self._since.setdefault(one, now_s)
            if now_s - since >= one.grace_s:
                self._last[CONDITIONS[one.signal]] = now_s
                acting.append(one)
        return sorted(acting, key=lambda one: (one.signal != "memory.available", one.grace_s))

    def conditions(self, now_s: float) -> frozenset[str]:
        """MemoryPressure, DiskPressure and PIDPressure that hold."""
        return frozenset(name for name, last in self._last.items() if now_s - last < self.transition_s or last == now_s)


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one pod: bytes of memory and of local storage by container, and storage outside containers (volumes)."""

    memory: Mapping[str, int] = field(default_factory=dict)
    storage: Mapping[str, int] = field(default_factory=dict)
    volumes: int = 0

    def of(self, resource: str) -> Mapping[str, int]:
        return self.memory if resource == "memory" else self.storage if resource == "ephemeral-storage" else {}

    def total(self, resource: str) -> int:
        return sum(self.of(resource).values()) + (self.volumes if resource == "ephemeral-storage" else 0)


def may_go(pod: core_v1.Pod) -> bool:
    """Static and critical pods are never evicted."""
    static = (pod.metadata.annotations or {}).get("kubernetes.io/config.source", "api") != "api"
    return not static and (pod.spec.priority or 0) < CRITICAL


def rank(pods: Sequence[core_v1.Pod], usage: Mapping[str, Usage], resource: str) -> list[core_v1.Pod]:
    """Who goes first: pods over their request, then those of lower priority, then those that are furthest over."""

    def order(pod: core_v1.Pod) -> tuple[bool, int, int]:
        used = usage.get(pod.metadata.uid or "", Usage()).total(resource)
        over = used - requested(pod, resource)
        return over <= 0, pod.spec.priority or 0, -over

    return sorted((pod for pod in pods if may_go(pod)), key=order)


def requested(pod: core_v1.Pod, resource: str) -> int:
    return sum(quantity.value(requests_of(c).get(resource, 0)) for c in pod.spec.containers or ())


def eviction_message(one: Threshold, seen: Observation, pod: core_v1.Pod, usage: Usage) -> str:
    resource = RESOURCES[one.signal]
    amount = _shown(one.limit(seen.capacity)) if one.percent is not None else one.text
    text = f"The node was low on resource: {resource}. Threshold quantity: {amount}, available: {_shown(seen.available)}. "
    for container in pod.spec.containers or ():
        used = usage.of(resource).get(container.name or "", 0)
        request = quantity.value(requests_of(container).get(resource, 0))
        if used > request:
            text += (
                f"Container {container.name} was using {_shown(used)}, request is {_shown(request)}, has larger consumption of {resource}. "
            )
    return text


def storage_problem(pod: core_v1.Pod, usage: Usage, volumes: Mapping[str, int]) -> str | None:
    """Why a pod that uses more local storage than it may is evicted. `volumes` are its emptyDirs' bytes by name."""
    for volume in pod.spec.volumes or ():
        limit = volume.empty_dir.size_limit if volume.empty_dir is not None and volume.empty_dir.medium != "Memory" else None
        if limit and quantity.value(limit) and volumes.get(volume.name or "", 0) > quantity.value(limit):
            return f'Usage of EmptyDir volume "{volume.name}" exceeds the limit "{limit}". '
    limits = {c.name or "": storage_limit(c) for c in pod.spec.containers or ()}
    for name, maximum in limits.items():
        if maximum and usage.storage.get(name, 0) > maximum:
            return f'Container {name} exceeded its local ephemeral storage limit "{_shown(maximum)}". '
    total = sum(limits.values())
    if all(limits.values()) and total and usage.total("ephemeral-storage") > total:
        return f"Pod ephemeral local storage usage exceeds the total limit of containers {_shown(total)}. "
    return None


def storage_limit(container: core_v1.Container) -> int:
    limits = (container.resources.limits if container.resources else None) or {}
    return quantity.value(limits.get("ephemeral-storage", 0))


def bounded_storage(pod: core_v1.Pod) -> bool:
    """Whether anything of a pod's local storage has a limit: only those are measured."""
    volumes = any(v.empty_dir is not None and v.empty_dir.size_limit and v.empty_dir.medium != "Memory" for v in pod.spec.volumes or ())
    return volumes or any(storage_limit(c) for c in pod.spec.containers or ())


def _shown(amount: int) -> str:
    """Bytes as upstream shows them: the largest binary unit that divides them."""
    for exponent, unit in ((30, "Gi"), (20, "Mi"), (10, "Ki")):
        if amount and amount % (1 << exponent) == 0:
            return f"{amount >> exponent}{unit}"
    return str(amount)
