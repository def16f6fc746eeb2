"""/stats/summary: usage of the node and of its pods, in the form of stats.k8s.io/v1alpha1 Summary."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from provisioner.kube.api.meta import rfc3339
from provisioner.kube.client.clock import Clock
from provisioner.kube.kubelet.runtime.containers import Container
from provisioner.kube.kubelet.server.stats import Usage, pods_of
from provisioner.kube.network.podnet import interface_of

COUNTERS = {"rxBytes": "rx_bytes", "rxErrors": "rx_errors", "txBytes": "tx_bytes", "txErrors": "tx_errors"}
# The host's end of a pod's cable receives what the pod sends.
SWAPPED = {"rxBytes": "tx_bytes", "rxErrors": "tx_errors", "txBytes": "rx_bytes", "txErrors": "rx_errors"}
NETWORK_DEVICES = Path("/sys/class/net")


def summary(
    node_name: str,
    node: Usage,
    containers: Sequence[Container],
    samples: dict[str, Usage],
    clock: Clock,
    *,
    root: Path | None = None,
    image_root: Path | None = None,
) -> dict[str, Any]:
    """Containers without a sample are left out, and so are pods that have none."""
    now = rfc3339(clock.now())
    told: dict[str, Any] = {"nodeName": node_name, **cpu_and_memory([node], now), "systemContainers": [], "rlimit": _processes(now)}
    if root is not None:
        told["fs"] = file_system(root, now)
    if image_root is not None:
        told["runtime"] = {"imageFs": file_system(image_root, now)}
    link = default_interface()
    if link:
        told["network"] = {"time": now, **interface(link, link, COUNTERS), "interfaces": [interface(link, link, COUNTERS)]}
    pods = []
    for uid, members in pods_of(containers).items():
        known = [(c, samples[c.id]) for c in members if c.id in samples]
        if known:
            pods.append(_pod(uid, known, now, lambda path: file_system(path, now)))
    return {"node": told, "pods": pods}


def _pod(uid: str, known: Sequence[tuple[Container, Usage]], now: str, disk: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    first = known[0][0]
    told: dict[str, Any] = {
        "podRef": {"name": first.pod_name, "namespace": first.pod_namespace, "uid": uid},
        "startTime": min(c.started_at for c, _ in known),
        "containers": [_container(c, usage, now) for c, usage in known if not c.is_sandbox],
        **cpu_and_memory([usage for _, usage in known], now),
    }
    if found := interface_of_pod(uid):
        told["network"] = {"time": now, **found, "interfaces": [found]}
    return told


def _container(container: Container, usage: Usage, now: str) -> dict[str, Any]:
    told: dict[str, Any] = {"name": container.name, "startTime": container.started_at, **cpu_and_memory([usage], now)}
    try:
        told["logs"] = {"time": now, "usedBytes": Path(container.log_path).stat().st_blocks * 512 if container.log_path else 0}
    except OSError:
        return told
    return told


def cpu_and_memory(usages: Sequence[Usage], now: str) -> dict[str, Any]:
    rates = [usage.nano_cores for usage in usages if usage.nano_cores is not None]
    cpu: dict[str, Any] = {"time": now, "usageCoreNanoSeconds": sum(usage.cpu_ns for usage in usages)}
    if len(rates) == len(usages):
        cpu["usageNanoCores"] = sum(rates)
    memory = {
        "time": now,
        "usageBytes": sum(usage.memory_bytes for usage in usages),
        "workingSetBytes": sum(usage.working_set_bytes for usage in usages),
    }
    return {"cpu": cpu, "memory": memory}


def file_system(path: Path, now: str) -> dict[str, Any]:
    """The file system that `path` lies on."""
    try:
        found = os.statvfs(path)
    except OSError:
        return {"time": now}
    size = found.f_frsize
    return {
        "time": now,
        "availableBytes": found.f_bavail * size,
        "capacityBytes": found.f_blocks * size,
        "usedBytes": (found.f_blocks - found.f_bfree) * size,
        "inodesFree": found.f_ffree,
        "inodes": found.f_files,
        "inodesUsed": found.f_files - found.f_ffree,
    }


def interface(device: str, name: str, counters: dict[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {"name": name}
    for ours, kernels in counters.items():
        try:
            told[ours] = int((NETWORK_DEVICES / device / "statistics" / kernels).read_text())
        except (OSError, ValueError):
            continue
    return told


def interface_of_pod(uid: str) -> dict[str, Any]:
    """A pod's own view of its cable; empty for one that has none."""
    cable = interface_of(uid)
    return interface(cable, "eth0", SWAPPED) if (NETWORK_DEVICES / cable).exists() else {}


def default_interface() -> str:
    """The device that the default route leads out of; empty where there is none."""
    try:
        lines = Path("/proc/net/route").read_text().splitlines()[1:]
    except OSError:
        return ""
    return next((words[0] for line in lines if len(words := line.split()) > 2 and words[1] == "00000000"), "")


def _processes(now: str) -> dict[str, Any]:
    return {
        "time": now,
        "maxpid": int(Path("/proc/sys/kernel/pid_max").read_text()),
        "curproc": int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2]),
    }
