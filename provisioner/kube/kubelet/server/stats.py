"""How much pods and the node use: /stats/summary, and /metrics/resource as metrics servers read it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioner.kube.api.meta import parse_time
from provisioner.kube.client.clock import Clock
from provisioner.kube.kubelet.errors import DockerError
from provisioner.kube.kubelet.node.machine import cgroup_cpu_ns, cgroup_working_set, is_limited, meminfo
from provisioner.kube.kubelet.runtime.containers import Container, Containers
from provisioner.kube.kubelet.runtime.docker import Docker

# dockerd reads each container's cgroup; more at once only wait for each other. Guess.
PARALLEL = 8
# Two readers within this time get the same sample.
FRESH_S = 2.0
# USER_HZ, the unit of /proc/stat.
TICK_NS = 10_000_000


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one container or of the node. `nano_cores` is the rate since the sample before; None for the first one."""

    cpu_ns: int
    memory_bytes: int
    working_set_bytes: int
    nano_cores: int | None
    network: tuple[int, int] = (0, 0)


class Stats:
    """Samples when asked. Rates are between one asker and the next."""

    def __init__(self, docker: Docker, containers: Containers, clock: Clock) -> None:
        self._docker, self._containers, self._clock = docker, containers, clock
        self._before: dict[str, tuple[float, int]] = {}
        self._slots = asyncio.Semaphore(PARALLEL)
        self._sampled: dict[str, Usage] = {}
        self._sampled_at = -FRESH_S
        self._sampling = asyncio.Lock()

    async def sample(self) -> dict[str, Usage]:
        """Usage of every running container, by its id."""
        async with self._sampling:
            if self._clock.monotonic() - self._sampled_at >= FRESH_S:
                running = [c for c in self._containers.all() if c.running]
                found = await asyncio.gather(*(self._one(c) for c in running))
                self._sampled = {c.id: usage for c, usage in zip(running, found, strict=True) if usage is not None}
                self._sampled_at = self._clock.monotonic()
                self._before = {id_: value for id_, value in self._before.items() if id_ in self._sampled or id_ == "node"}
            return self._sampled

    async def _one(self, container: Container) -> Usage | None:
        try:
            async with self._slots:
                answer = await self._docker.stats(container.id)
        except DockerError:
            return None
        return self._usage(container.id, answer)

    def _usage(self, key: str, answer: dict[str, Any]) -> Usage:
        cpu = int((answer.get("cpu_stats") or {}).get("cpu_usage", {}).get("total_usage", 0))
        memory = answer.get("memory_stats") or {}
        used = int(memory.get("usage", 0) or 0)
        detail = memory.get("stats") or {}
        inactive = int(detail.get("total_inactive_file", detail.get("inactive_file", 0)))
        networks = (answer.get("networks") or {}).values()
        network = (sum(n.get("rx_bytes", 0) for n in networks), sum(n.get("tx_bytes", 0) for n in networks))
        return Usage(cpu, used, max(0, used - inactive), self._rate(key, cpu), network)

    def _rate(self, key: str, cpu_ns: int) -> int | None:
        now = self._clock.monotonic()
        before = self._before.get(key)
        self._before[key] = (now, cpu_ns)
        if before is None or now - before[0] < 0.01 or cpu_ns < before[1]:
            return None
        return int((cpu_ns - before[1]) / (now - before[0]))

    def node(self) -> Usage:
        """The whole host, by /proc; by its own cgroup where it is a container."""
        own_ns = cgroup_cpu_ns() if is_limited() else None
        if own_ns is not None:
            used = cgroup_working_set()
            return Usage(own_ns, used, used, self._rate("node", own_ns))
        fields = [int(value) for value in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        # user, nice, system, irq, softirq, steal: all that is not idle or waiting for disks.
        cpu = (sum(fields) - fields[3] - fields[4]) * TICK_NS
        memory = meminfo()
        used = memory["MemTotal"] - memory["MemFree"]
        return Usage(cpu, used, memory["MemTotal"] - memory["MemAvailable"], self._rate("node", cpu))


def pods_of(containers: Sequence[Container]) -> dict[str, list[Container]]:
    found: dict[str, list[Container]] = {}
    for container in containers:
        if container.running:
            found.setdefault(container.pod_uid, []).append(container)
    return found


def resource_metrics(node: Usage, containers: Sequence[Container], samples: dict[str, Usage], clock: Clock) -> str:
    """Prometheus' text format, names and labels as upstream's /metrics/resource."""
    at = int(clock.now().timestamp() * 1000)
    cpu_lines, memory_lines, starts, pod_cpu, pod_memory = [], [], [], [], []
    for members in pods_of(containers).values():
        known = [(c, samples[c.id]) for c in members if c.id in samples]
        where = f'namespace="{members[0].pod_namespace}",pod="{members[0].pod_name}"'
        for container, usage in known:
            if not container.is_sandbox:
                labels = f'{{container="{container.name}",{where}}}'
                cpu_lines.append(f"container_cpu_usage_seconds_total{labels} {usage.cpu_ns / 1e9:.6f} {at}")
                began = parse_time(container.started_at)
                if began is not None:
                    starts.append(f"container_start_time_seconds{labels} {began.timestamp():.3f}")
                memory_lines.append(f"container_memory_working_set_bytes{labels} {usage.working_set_bytes} {at}")
        pod_cpu.append(f"pod_cpu_usage_seconds_total{{{where}}} {sum(u.cpu_ns for _, u in known) / 1e9:.6f} {at}")
        pod_memory.append(f"pod_memory_working_set_bytes{{{where}}} {sum(u.working_set_bytes for _, u in known)} {at}")
    lines = [
        "# TYPE container_cpu_usage_seconds_total counter",
        *cpu_lines,
        "# TYPE container_memory_working_set_bytes gauge",
        *memory_lines,
        "# TYPE container_start_time_seconds gauge",
        *starts,
        "# TYPE node_cpu_usage_seconds_total counter",
        f"node_cpu_usage_seconds_total {node.cpu_ns / 1e9:.6f} {at}",
        "# TYPE node_memory_working_set_bytes gauge",
        f"node_memory_working_set_bytes {node.working_set_bytes} {at}",
        "# TYPE pod_cpu_usage_seconds_total counter",
        *pod_cpu,
        "# TYPE pod_memory_working_set_bytes gauge",
        *pod_memory,
        "# TYPE resource_scrape_error gauge",
        "resource_scrape_error 0",
    ]
    return "\n".join(lines) + "\n"
