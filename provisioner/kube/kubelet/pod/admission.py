"""Whether a pod that was bound to this node can run here. The scheduler asked the same; a pod may have been bound without it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.qos import qos_class
from provisioner.kube.api.tolerations import tolerated
from provisioner.kube.api.volume_match import term_matches
from provisioner.kube.kubelet.pod.resources import requested
from provisioner.kube.kubelet.pod.services import Settings
from provisioner.kube.kubelet.pod.worker import FINAL

# Of namespaces of their own, and without reach beyond them (upstream's list, Kubernetes documentation "Using sysctls").
SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
}
CRITICAL = 2_000_000_000
EVERY_ADDRESS = "0.0.0.0"
Refusal = tuple[str, str]


def refusal(
    pod: core_v1.Pod,
    others: Iterable[core_v1.Pod],
    settings: Settings,
    node: core_v1.Node | None = None,
    pressures: frozenset[str] = frozenset(),
) -> Refusal | None:
    """(reason, message) as upstream's, or None for a pod that fits beside `others`."""
    return (
        _operating_system(pod)
        or _under_pressure(pod, pressures)
        or _sysctls(pod, settings.unsafe_sysctls)
        or _node_affinity(pod, node)
        or _room(pod, [other for other in others if other.status.phase not in FINAL], settings)
    )


def _under_pressure(pod: core_v1.Pod, pressures: frozenset[str]) -> Refusal | None:
    """Short of memory alone, the node still takes pods that asked for some."""
    if not pressures or (pod.spec.priority or 0) >= CRITICAL:
        return None
    if pressures == {"MemoryPressure"} and qos_class(pod.spec) != "BestEffort":
        return None
    return "Evicted", f"Pod was rejected: The node had condition: [{' '.join(sorted(pressures))}]. "


def _sysctls(pod: core_v1.Pod, allowed: Sequence[str]) -> Refusal | None:
    context = pod.spec.security_context
    for sysctl in (context.sysctls if context else None) or ():
        name = (sysctl.name or "").replace("/", ".")
        listed = name in SAFE_SYSCTLS or any(name == one or (one.endswith("*") and name.startswith(one[:-1])) for one in allowed)
        if not listed:
            return "SysctlForbidden", f'Pod was rejected: forbidden sysctl: "{name}" not allowlisted'
        if (pod.spec.host_network and name.startswith("net.")) or (pod.spec.host_ipc and name.startswith(("kernel.shm", "kernel.msg"))):
            space = "host net" if name.startswith("net.") else "host ipc"
            return "SysctlForbidden", f'Pod was rejected: forbidden sysctl: "{name}" not allowed with {space} enabled'
    return None


def _operating_system(pod: core_v1.Pod) -> Refusal | None:
    if pod.spec.os is not None and pod.spec.os.name not in (None, "linux"):
        return "PodOSNotSupported", "Pod was rejected: Failed to admit pod as the OS field doesn't match node OS"
    if (pod.spec.node_selector or {}).get("kubernetes.io/os", "linux") != "linux":
        text = "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label"
        return "PodOSSelectorNodeLabelDoesNotMatch", f"Pod was rejected: {text}"
    return None


def _node_affinity(pod: core_v1.Pod, node: core_v1.Node | None) -> Refusal | None:
    """The node selector and required node affinity, and taints that would end the pod at once."""
    if node is None:
        return None
    labels, name = node.metadata.labels or {}, node.metadata.name or ""
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity is not None else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity is not None else None
    fits = all(labels.get(key) == value for key, value in (pod.spec.node_selector or {}).items())
    if not fits or (required is not None and not any(term_matches(term, labels, name) for term in required.node_selector_terms or ())):
        return "NodeAffinity", "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
    if any(t.effect == "NoExecute" and not tolerated(pod.spec.tolerations, t) for t in node.spec.taints or ()):
        return "TaintToleration", "Pod was rejected: Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"
    return None


def _room(pod: core_v1.Pod, running: Sequence[core_v1.Pod], settings: Settings) -> Refusal | None:
    if len(running) + 1 > settings.max_pods:
        return "OutOfpods", _message("pods", 1, len(running), settings.max_pods)
    for name, amount in requested(pod.spec).items():
        used = sum(requested(other.spec)[name] for other in running)
        capacity = settings.allocatable.get(name, 0)
        if amount and used + amount > capacity:
            return f"OutOf{name}", _message(name, amount, used, capacity)
    taken = {port for other in running for port in _host_ports(other.spec)}
    if any(_clash(mine, other) for mine in _host_ports(pod.spec) for other in taken):
        return "NodePorts", "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
    return None


def _message(name: str, wanted: int, used: int, capacity: int) -> str:
    return f"Pod was rejected: Node didn't have enough resource: {name}, requested: {wanted}, used: {used}, capacity: {capacity}"


def _host_ports(spec: core_v1.PodSpec) -> Iterable[tuple[str, int, str]]:
    for container in spec.containers or ():
        for port in container.ports or ():
            if port.host_port:
                yield port.protocol or "TCP", port.host_port, port.host_ip or EVERY_ADDRESS


def _clash(mine: tuple[str, int, str], other: tuple[str, int, str]) -> bool:
    """One port may serve several pods, on an address each."""
    return mine[:2] == other[:2] and (mine[2] == other[2] or EVERY_ADDRESS in (mine[2], other[2]))
