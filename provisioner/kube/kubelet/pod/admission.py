"""Whether a pod that was bound to this node can run here. The scheduler asked the same; a pod may have been bound without it."""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.pod.resources import requested
from provisioner.kube.kubelet.pod.services import Settings
from provisioner.kube.kubelet.pod.worker import FINAL


def refusal(pod: core_v1.Pod, others: Iterable[core_v1.Pod], settings: Settings) -> tuple[str, str] | None:
    """(reason, message) as upstream's, or None for a pod that fits beside `others`."""
    running = [other for other in others if other.status.phase not in FINAL]
    if len(running) + 1 > settings.max_pods:
        return "OutOfpods", _message("pods", 1, len(running), settings.max_pods)
    wanted = requested(pod.spec)
    for name, amount in wanted.items():
        used = sum(requested(other.spec)[name] for other in running)
        capacity = settings.allocatable.get(name, 0)
        if amount and used + amount > capacity:
            return f"OutOf{name}", _message(name, amount, used, capacity)
    taken = {port for other in running for port in _host_ports(other.spec)}
    if taken & set(_host_ports(pod.spec)):
        return "NodePorts", "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
    return None


def _message(name: str, wanted: int, used: int, capacity: int) -> str:
    return f"Pod was rejected: Node didn't have enough resource: {name}, requested: {wanted}, used: {used}, capacity: {capacity}"


def _host_ports(spec: core_v1.PodSpec) -> Iterable[tuple[str, int]]:
    for container in spec.containers or ():
        for port in container.ports or ():
            if port.host_port:
                yield port.protocol or "TCP", port.host_port
