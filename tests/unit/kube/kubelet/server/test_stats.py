"""Proves usage numbers: working sets, rates between samples, and what metrics servers read."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.client.clock import FakeClock
from provisioner.kube.kubelet.node import machine
from provisioner.kube.kubelet.runtime.containers import Container
from provisioner.kube.kubelet.server.stats import Stats, resource_metrics
from provisioner.kube.kubelet.server.summary import summary
from tests.unit.kube.kubelet.server.running import container


class Docker:
    cpu = 10**9
    calls = 0

    async def stats(self, _: str) -> dict[str, Any]:
        self.calls += 1
        memory = {"usage": 1000, "stats": {"total_inactive_file": 300}}
        return {"cpu_stats": {"cpu_usage": {"total_usage": self.cpu}}, "memory_stats": memory}


class Containers:
    def all(self) -> list[Container]:
        return [container("POD"), container("main")]


async def test_samples_rates_and_reports() -> None:
    docker, clock = Docker(), FakeClock()
    stats = Stats(docker, Containers(), clock)  # type: ignore[arg-type]
    first = await stats.sample()
    assert first["main"].working_set_bytes == 700 and first["main"].nano_cores is None
    await stats.sample()
    assert docker.calls == 2
    await clock.advance(10)
    docker.cpu += 5 * 10**9
    samples = await stats.sample()
    assert samples["main"].nano_cores == 5 * 10**8
    told = summary("n", stats.node(), Containers().all(), samples, clock)
    pod = told["pods"][0]
    assert pod["podRef"] == {"name": "p", "namespace": "d", "uid": "u"} and [c["name"] for c in pod["containers"]] == ["main"]
    assert pod["cpu"]["usageNanoCores"] == 10**9 and pod["memory"]["workingSetBytes"] == 1400
    assert told["node"]["nodeName"] == "n" and told["node"]["memory"]["workingSetBytes"] > 0
    text = resource_metrics(stats.node(), Containers().all(), samples, clock)
    assert 'container_cpu_usage_seconds_total{container="main",namespace="d",pod="p"} 6.000000 1767225610000' in text
    assert 'pod_memory_working_set_bytes{namespace="d",pod="p"} 1400 ' in text and "POD" not in text


def test_a_host_that_is_a_container_is_measured_by_its_own_cgroup(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "/sys/fs/cgroup/memory.max": "1000000",
        "/sys/fs/cgroup/memory.current": "5000",
        "/sys/fs/cgroup/memory.stat": "anon 1\ninactive_file 2000",
        "/sys/fs/cgroup/cpu.stat": "usage_usec 7000\nuser_usec 1",
    }
    monkeypatch.setattr(machine, "_text", lambda path: files.get(path, ""))
    usage = Stats(Docker(), Containers(), FakeClock()).node()  # type: ignore[arg-type]
    assert (usage.cpu_ns, usage.working_set_bytes) == (7_000_000, 3000)
