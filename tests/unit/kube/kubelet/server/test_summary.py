"""Proves that disks, networks and process numbers are told as the kernel has them, and that what is not there is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.kube.client.clock import FakeClock
from provisioner.kube.kubelet.server import summary as module
from provisioner.kube.kubelet.server.stats import Usage
from provisioner.kube.kubelet.server.summary import SWAPPED, file_system, interface, summary


def test_disks_and_processes(tmp_path: Path) -> None:
    node = summary("n", Usage(1, 2, 3, 4), [], {}, FakeClock(), root=tmp_path, image_root=tmp_path)["node"]
    assert 0 < node["fs"]["availableBytes"] <= node["fs"]["capacityBytes"]
    assert node["runtime"]["imageFs"]["inodes"] >= node["runtime"]["imageFs"]["inodesFree"]
    assert 0 < node["rlimit"]["curproc"] <= node["rlimit"]["maxpid"]
    assert node["cpu"] == {"time": "2026-01-01T00:00:00Z", "usageCoreNanoSeconds": 1, "usageNanoCores": 4}


def test_a_disk_that_is_not_there() -> None:
    assert file_system(Path("/nowhere/at/all"), "now") == {"time": "now"}


def test_a_pods_own_view_of_its_cable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NETWORK_DEVICES", tmp_path)
    counters = tmp_path / "podx" / "statistics"
    counters.mkdir(parents=True)
    (counters / "rx_bytes").write_text("10\n")
    (counters / "tx_bytes").write_text("20\n")
    assert interface("podx", "eth0", SWAPPED) == {"name": "eth0", "rxBytes": 20, "txBytes": 10}
