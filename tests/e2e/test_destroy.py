"""Proves that destroy removes exactly what up made. Runs last: the cluster is gone afterwards."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.lab import Cluster, run


def test_destroy_leaves_nothing(cluster: Cluster) -> None:
    cluster.provision("destroy", "--yes").ok()
    links = run(["ip", "-o", "address", "show"]).stdout
    for address in cluster.addresses.values():
        assert address.rpartition(".")[0] + "." not in links
    assert not [line for line in Path("/proc/self/mounts").read_text().splitlines() if "/var/lib/provision/labs" in line]
    assert str(cluster.inventory.parent) not in run(["ps", "-eo", "args"]).stdout
    assert not (cluster.state / "machines").exists()
    cluster.provision("destroy", "--yes").ok()
