"""Proves the same through Vagrant: plain `vagrant up` ends with a cluster, `provision up` after it changes nothing, a reboot is survived."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.lab import run
from tests.vm.conftest import ROOT
from tests.vm.scenario import UP_TIMEOUT_S, VmCluster, serves_and_survives_a_reboot, up_changes_nothing

INVENTORY = ROOT / "inventories" / "vagrant.yaml"
HOSTS = ("master-1", "worker-1")


def vagrant(cluster: VmCluster, *words: str, timeout_s: float = UP_TIMEOUT_S) -> str:
    env = {**cluster.env, "VAGRANT_CWD": str(ROOT / "vagrant")}
    return run(["vagrant", *words], timeout_s=timeout_s, env=env).ok().output


@pytest.fixture(scope="module")
def cluster(libvirt_runs: None, labs_folder: Path, free_network: Callable[[], str]) -> Iterator[VmCluster]:
    """One master and one worker; the Vagrantfile's own settings come from the environment, as a person would give them."""
    env = {
        "VAGRANT_CHECKPOINT_DISABLE": "1",
        "VAGRANT_DOTFILE_PATH": str(labs_folder / "vagrant"),
        "PROVISION_WORKERS": "1",
        "PROVISION_MEMORY_MIB": "1280",
        "PROVISION_CPUS": "1",
        "PROVISION_DRIVER": "qemu",
        "PROVISION_NETWORK": free_network(),
    }
    os.environ.update(env)
    made = VmCluster(INVENTORY, INVENTORY.parent / ".provision" / "vagrant", HOSTS, labs_folder / "kubectl", env)
    run([ROOT / "vagrant" / "box"], timeout_s=1800).ok()
    made.note("the box is there")
    try:
        yield made
    finally:
        made.provision("destroy", "--yes", str(INVENTORY), timeout_s=300)


def test_vagrant_up_ends_with_a_cluster_that_survives_a_reboot(cluster: VmCluster) -> None:
    vagrant(cluster, "up")
    cluster.note("vagrant up is done, and the cluster with it")
    ways = cluster.ways()
    assert {name: way["vagrant_state"] for name, way in ways.items()} == dict.fromkeys(HOSTS, "running")
    serves_and_survives_a_reboot(cluster, ways)


def test_provision_up_changes_nothing_then(cluster: VmCluster) -> None:
    up_changes_nothing(cluster)


def test_vagrant_destroy_is_seen(cluster: VmCluster) -> None:
    cluster.provision("destroy", "--yes", str(INVENTORY), timeout_s=300).ok()
    cluster.note("destroyed")
    assert "not created" in vagrant(cluster, "status", timeout_s=120)
