"""A pod's resources as Docker takes them: quality of service, memory, CPU quota and shares, and who the kernel kills first.

Source: upstream's pkg/kubelet/qos policy and cm helpers (documented under "Pod Quality of Service Classes").
"""

from __future__ import annotations

import math
from typing import Any

from provisioner.kube.api import quantity
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.pod_totals import whole_pod
from provisioner.kube.api.qos import qos_class

MIN_SHARES = 2
GUARANTEED_OOM = -997
BEST_EFFORT_OOM = 1000
# capabilities(7)
CAP_SYS_RESOURCE = 24


def limits_of(container: core_v1.Container) -> dict[str, Any]:
    return (container.resources.limits if container.resources else None) or {}


def requests_of(container: core_v1.Container) -> dict[str, Any]:
    """Requests, which are the limits where they aren't given."""
    requests = (container.resources.requests if container.resources else None) or {}
    return {**limits_of(container), **requests}


def cpu_shares(milli: int) -> int:
    """1024 shares a core; the kernel's least is 2, its most 262144."""
    return max(MIN_SHARES, min(262144, milli * 1024 // 1000))


def lowest_oom_score(capabilities: int) -> int:
    """The lowest score that containers can be given: without CAP_SYS_RESOURCE (inside a container, say) only raising is allowed."""
    return -1000 if capabilities >> CAP_SYS_RESOURCE & 1 else 0


def oom_score_adj(spec: core_v1.PodSpec, container: core_v1.Container, node_memory_bytes: int) -> int:
    """Lower for those that asked for more memory, so that a container over its request dies first."""
    if (spec.priority or 0) >= 2_000_000_000:
        return GUARANTEED_OOM
    kind = qos_class(spec)
    if kind == "Guaranteed":
        return GUARANTEED_OOM
    if kind == "BestEffort":
        return BEST_EFFORT_OOM
    request = quantity.value(requests_of(container).get("memory", 0))
    score = 1000 - (1000 * request) // max(node_memory_bytes, 1)
    return max(1000 + GUARANTEED_OOM, min(score, BEST_EFFORT_OOM - 1))


def host_resources(spec: core_v1.PodSpec, container: core_v1.Container, node_memory_bytes: int, lowest_oom: int = -1000) -> dict[str, Any]:
    """The HostConfig fields for a container's resources."""
    requests = requests_of(container)
    # A container without a limit of its own has its pod's.
    limits = {**((spec.resources.limits if spec.resources else None) or {}), **limits_of(container)}
    memory = quantity.value(limits.get("memory", 0))
    cpu = quantity.milli(limits.get("cpu", 0))
    config: dict[str, Any] = {
        "CpuShares": cpu_shares(quantity.milli(requests.get("cpu", 0))),
        "OomScoreAdj": max(lowest_oom, oom_score_adj(spec, container, node_memory_bytes)),
    }
    if memory:
        # Equal to Memory: no swap.
        config |= {"Memory": memory, "MemorySwap": memory}
    if cpu:
        config |= {"CpuPeriod": 100_000, "CpuQuota": max(1000, cpu * 100)}
    return config


def requested(spec: core_v1.PodSpec) -> dict[str, int]:
    """What the scheduler counts for a pod: {"cpu": milli, "memory": bytes, "ephemeral-storage": bytes}."""
    found = whole_pod(spec, "requests")
    return {name: math.ceil(found.get(name, 0) * (1000 if name == "cpu" else 1)) for name in ("cpu", "memory", "ephemeral-storage")}
