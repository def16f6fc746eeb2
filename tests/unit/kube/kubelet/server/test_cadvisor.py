"""Proves that containers, pods and the host are told of in the series and labels that dashboards ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from provisioner.kube.client.clock import FakeClock
from provisioner.kube.kubelet.node.machine import Machine
from provisioner.kube.kubelet.server import summary
from provisioner.kube.kubelet.server.cadvisor import Series, cadvisor_metrics
from provisioner.kube.kubelet.server.stats import Usage
from provisioner.kube.network.podnet import interface_of
from tests.unit.kube.kubelet.server.running import container

MACHINE = Machine("h", 4, 8 << 30, 1 << 30, "amd64", "k", "os", "m", "b", "s")


def values(text: str, **labels: str) -> dict[str, float]:
    """By series, the one value whose labels are these."""
    samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
    return {s.name: s.value for s in samples if all(s.labels.get(key) == value for key, value in labels.items())}


def test_what_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary, "NETWORK_DEVICES", tmp_path)
    counters = tmp_path / interface_of("u") / "statistics"
    counters.mkdir(parents=True)
    (counters / "tx_bytes").write_text("20\n")
    samples = {"POD": Usage(10**9, 1, 1, None), "main": Usage(2 * 10**9, 1000, 700, None)}
    every = [container("POD"), container("main"), container("unknown")]
    text = cadvisor_metrics(MACHINE, Usage(10**10, 5000, 4000, None), every, samples, FakeClock())
    assert values(text)["machine_cpu_cores"] == 4
    main = values(text, container="main", pod="p", namespace="d", image="busybox")
    assert (main["container_cpu_usage_seconds_total"], main["container_memory_working_set_bytes"]) == (2, 700)
    assert (main["container_spec_memory_limit_bytes"], main["container_spec_cpu_quota"]) == (64 << 20, 50_000)
    assert values(text, pod="p", container="")["container_cpu_usage_seconds_total"] == 3
    assert values(text, pod="p", interface="eth0")["container_network_receive_bytes_total"] == 20
    assert values(text, id="/")["container_memory_usage_bytes"] == 5000
    assert not values(text, container="unknown") and not values(text, container="POD")


def test_labels_are_escaped() -> None:
    series = Series()
    series.add("x", {"a": 'b"\\\n'}, 1.5)
    assert values(series.text(), a='b"\\\n') == {"x": 1.5}
