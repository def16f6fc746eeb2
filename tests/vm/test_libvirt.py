"""Proves on emulated machines through libvirt: from nothing to a cluster, a pod behind a service, a real reboot, and nothing left behind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import libvirt
import pytest
import yaml

from provisioner.inventory import load
from provisioner.machines import MachineError, Power, provider_for
from provisioner.machines.errors import BootError
from provisioner.machines.libvirt.provider import LibvirtProvider
from tests.vm.conftest import ROOT
from tests.vm.scenario import VmCluster, serves_and_survives_a_reboot, up_changes_nothing

# While working on one part: the inventory of machines that are up already. They are used as they are, and left standing.
EXISTING = "PROVISION_VM_INVENTORY"
HOSTS = ("master-1", "worker-1")
# What users are shown for machines that may be emulated.
PATIENT = yaml.safe_load((ROOT / "inventories" / "libvirt.yaml").read_text())["all"]["vars"]["cluster"]


def inventory_in(folder: Path, network: str, name: str = "vm", **machines: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    chosen = {"provider": "libvirt", "network": network, "memory_mib": 1536, "cpus": 1, "disk_gib": 6, "acceleration": "none"}
    tree = {
        "vars": {"machines": chosen | {"packages": ["docker.io", "etcd-server"]} | machines, "cluster": {**PATIENT, "name": name}},
        "children": {"masters": {"hosts": {"master-1": None}}, "workers": {"hosts": {"worker-1": {"machine": {"memory_mib": 1024}}}}},
    }
    path = folder / "inventory.yaml"
    path.write_text(yaml.safe_dump({"all": tree}))
    return path


def provider_of(path: Path) -> LibvirtProvider:
    made = provider_for(load([path]), path)
    assert isinstance(made, LibvirtProvider)
    return made


def leftovers(lab: LibvirtProvider) -> list[str]:
    """What libvirt has of the lab, of any kind."""
    connection = libvirt.open("qemu:///system")
    everything = [*connection.listAllDomains(), *connection.listAllNetworks(), *connection.listAllStoragePools()]
    found = [one.name() for one in everything if lab.lab.id in one.name()]
    connection.close()
    return found + [str(path) for path in Path("/var/lib/libvirt/images").glob(f"*{lab.lab.id}*")]


@pytest.fixture(scope="module")
def cluster(libvirt_runs: None, labs_folder: Path, free_network: Callable[[], str]) -> Iterator[VmCluster]:
    existing = os.environ.get(EXISTING)
    inventory = Path(existing) if existing else inventory_in(labs_folder / "vm", free_network())
    made = VmCluster(inventory, inventory.parent / ".provision" / "vm", HOSTS, labs_folder / "kubectl")
    try:
        yield made
    finally:
        if not existing:
            made.provision("destroy", "--yes", str(inventory), timeout_s=300)


def test_from_nothing_to_a_cluster_that_survives_a_reboot(cluster: VmCluster) -> None:
    cluster.provision("machines", "up", str(cluster.inventory)).ok()
    cluster.note("machines answer SSH")
    cluster.provision("up", "--no-smoke", str(cluster.inventory)).ok()
    cluster.note("provision up is done")
    lab = provider_of(cluster.inventory)
    serves_and_survives_a_reboot(cluster, {name: dict(way) for name, way in lab.connection_vars().items()})
    assert {machine.name: machine.power for machine in lab.list()} == dict.fromkeys(HOSTS, Power.ON)
    assert "login:" in lab.console("worker-1") or "Debian GNU/Linux" in lab.console("worker-1"), lab.console("worker-1")[-500:]


def test_provision_up_changes_nothing_then(cluster: VmCluster) -> None:
    up_changes_nothing(cluster)


def test_the_machines_are_in_the_dynamic_inventory(cluster: VmCluster, tmp_path: Path) -> None:
    path = tmp_path / "dynamic.yaml"
    path.write_text("plugin: libvirt\ncluster: vm\ntags: [workers]\n")
    assert cluster.provision("inventory", "--graph", str(path), timeout_s=60).ok().stdout.splitlines()[-1].endswith("|--worker-1")


def test_a_second_lab_on_taken_addresses_is_refused_and_leaves_nothing(cluster: VmCluster, labs_folder: Path) -> None:
    network = load([cluster.inventory]).machines
    assert network
    other = provider_of(inventory_in(labs_folder / "taken", str(network.network), "taken"))
    with pytest.raises(MachineError, match="collides with one that is there"):
        other.create()
    assert leftovers(other) == []


def test_a_machine_that_never_boots_shows_what_it_printed(libvirt_runs: None, labs_folder: Path, free_network: Callable[[], str]) -> None:
    folder = labs_folder / "blank"
    settings = {"image": {"path": "blank.raw"}, "boot_timeout_s": 20}
    inventory = inventory_in(folder, free_network(), "blank", **settings)
    (folder / "blank.raw").write_bytes(bytes(1 << 20))
    lab = provider_of(inventory)
    lab.create(["worker-1"])
    try:
        with pytest.raises(BootError, match=r"(?si)host worker-1: no SSH within 20 s; the end of its console:.*boot"):
            lab.start(["worker-1"])
        assert [machine.power for machine in lab.list()] == [Power.ABSENT, Power.ON]  # it stays, to be looked at
    finally:
        lab.destroy()
    assert leftovers(lab) == []
    assert not lab.lab.state.exists()


def test_nothing_is_left_behind(cluster: VmCluster) -> None:
    if os.environ.get(EXISTING):
        cluster.provision("machines", "list", str(cluster.inventory), timeout_s=60).ok()
        return
    lab = provider_of(cluster.inventory)
    cluster.provision("destroy", "--yes", str(cluster.inventory), timeout_s=300).ok()
    cluster.note("destroyed")
    assert leftovers(lab) == []
    assert not lab.lab.state.exists()
