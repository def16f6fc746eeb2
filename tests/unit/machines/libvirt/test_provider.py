"""Proves on libvirt's own test driver what `Provider` promises: nothing twice, nothing of others touched, nothing left, every trouble told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provisioner.machines import Power
from provisioner.machines.errors import BaseImageError, BootError, MachineError, RequirementError, UnknownMachineError
from provisioner.machines.libvirt import boot, networks, provider
from provisioner.machines.libvirt.provider import LibvirtProvider
from tests.unit.machines.libvirt.conftest import error, everything

Make = Callable[..., LibvirtProvider]


def powers(lab: LibvirtProvider) -> dict[str, Power]:
    return {machine.name: machine.power for machine in lab.list()}


def test_a_life_from_nothing_to_nothing(make_provider: Make, connection: Any) -> None:
    before = everything(connection)
    lab = make_provider()
    assert [f"{step.action.value} {step.subject}" for step in lab.plan()] == ["create m", "start m", "create w", "start w"]
    assert everything(connection) == before, "a plan changes nothing"
    lab.create()
    assert powers(lab) == {"m": Power.OFF, "w": Power.OFF}
    assert [f"{step.action.value} {step.subject}" for step in lab.plan()] == ["start m", "start w"]
    lab.start()
    assert powers(lab) == {"m": Power.ON, "w": Power.ON}
    assert lab.plan() == []
    lab.stop(["w"], hard=True)
    assert powers(lab) == {"m": Power.ON, "w": Power.OFF}
    lab.stop()
    lab.destroy()
    assert powers(lab) == {"m": Power.ABSENT, "w": Power.ABSENT}
    assert everything(connection) == before
    assert not lab.lab.state.exists()


def test_every_operation_may_be_repeated(make_provider: Make, connection: Any, uploads: dict[str, bytes]) -> None:
    lab = make_provider()
    lab.create()
    lab.start()
    there, key = everything(connection), (lab.lab.state / "id_ed25519").read_text()
    uploads.clear()
    for again in (lab, make_provider()):
        again.create()
        again.start()
    assert everything(connection) == there
    assert uploads == {}
    assert (lab.lab.state / "id_ed25519").read_text() == key
    lab.destroy()
    lab.destroy()


def test_what_a_killed_run_left_is_continued(make_provider: Make, connection: Any) -> None:
    lab = make_provider()
    lab.create(["m"])
    # As if killed while the base image was on its way: the volume is there, its mark is not.
    pool = connection.storagePoolLookupByName(lab.vms.prefix)
    for volume in pool.listAllVolumes():
        if volume.name().endswith(".whole"):
            volume.delete()
    make_provider().create()
    assert powers(lab) == {"m": Power.OFF, "w": Power.OFF}
    assert any(name.endswith(".whole") for name in everything(connection)["volumes"])


def test_a_host_that_left_the_inventory_is_destroyed_with_the_rest(make_provider: Make, connection: Any) -> None:
    before = everything(connection)
    make_provider(workers={"w": None, "gone": None}).create()
    make_provider().destroy()
    assert everything(connection) == before


def test_two_labs_do_not_meet(make_provider: Make) -> None:
    one, other = make_provider(name="one"), make_provider(name="other", network="10.90.0.0/24")
    one.create()
    other.create()
    one.destroy()
    assert powers(other) == {"m": Power.OFF, "w": Power.OFF}


def test_resources_are_a_hosts_own(make_provider: Make, connection: Any) -> None:
    special = {"memory_mib": 700, "cpus": 3, "disk_gib": 20, "mac": "52:54:00:aa:bb:cc", "disks": [{"size_gib": 5}]}
    lab = make_provider(workers={"big": {"machine": special, "ansible_host": "10.89.0.99", "ansible_user": "admin"}}, memory_mib=300)
    lab.create()
    domain = connection.lookupByName(lab.lab.machine_name(lab.lab.host("big")))
    document = domain.XMLDesc()
    assert "<memory unit='KiB'>716800</memory>" in document
    assert "<vcpu placement='static'>3</vcpu>" in document
    assert "<mac address='52:54:00:aa:bb:cc'/>" in document
    assert "<serial>disk1</serial>" in document
    volumes = {v.name(): v.info()[1] >> 30 for v in connection.storagePoolLookupByName(lab.vms.prefix).listAllVolumes()}
    assert volumes[f"{lab.vms.prefix}.big.disk.qcow2"] == 20
    assert volumes[f"{lab.vms.prefix}.big.disk1.qcow2"] == 5
    network = connection.networkLookupByName(lab.vms.networks[0].name).XMLDesc()
    assert "mac='52:54:00:aa:bb:cc' name='big' ip='10.89.0.99'" in network
    assert lab.addresses() == {"m": "10.89.0.11", "big": "10.89.0.99"}
    assert lab.connection_vars()["big"]["ansible_user"] == "admin"


def test_the_key_is_pinned_before_the_first_boot(make_provider: Make) -> None:
    lab = make_provider()
    lab.create()
    pinned = (lab.lab.state / "known_hosts").read_text()
    assert {line.split()[0] for line in pinned.splitlines()} == {"m,10.89.0.11", "w,10.89.0.12"}
    assert f"UserKnownHostsFile={lab.lab.state / 'known_hosts'}" in str(lab.connection_vars()["m"]["ansible_ssh_common_args"])
    assert (lab.lab.state / "id_ed25519").stat().st_mode & 0o077 == 0


def test_machines_of_a_libvirt_elsewhere_are_reached_through_it(make_lab: Callable[..., Any]) -> None:
    away = LibvirtProvider(make_lab(uri="qemu+ssh://root@far.example/system"))
    assert "ProxyJump=root@far.example" in str(away.connection_vars()["m"]["ansible_ssh_common_args"])


# bad days


def refused(lab: LibvirtProvider, connection: Any, kind: type[Exception], pattern: str) -> str:
    """`create` fails with that one error and leaves libvirt as it was."""
    before = everything(connection)
    with pytest.raises(kind, match=pattern) as caught:
        lab.create()
    assert everything(connection) == before
    assert not lab.lab.state.exists()
    return str(caught.value)


def test_no_such_image(make_provider: Make, connection: Any) -> None:
    refused(make_provider(image={"path": "away.qcow2"}), connection, BaseImageError, r"away.qcow2 can't be read: No such file")


def test_a_wrong_checksum(make_provider: Make, connection: Any) -> None:
    lab = make_provider(image={"path": "image.qcow2", "sha256": "0" * 64})
    said = refused(lab, connection, BaseImageError, r"another checksum")
    assert f"expected {'0' * 64}" in said
    assert "get the image again" in said


def test_a_full_pool(make_provider: Make, connection: Any) -> None:
    pool = connection.storagePoolLookupByName("default-pool")
    pool.createXML(f"<volume><name>fat</name><capacity>{99 << 30}</capacity></volume>")
    lab = make_provider(pool="default-pool")
    said = refused(lab, connection, MachineError, r"default-pool is full: 1024 MiB are free, 2048 are needed for 2 machines")
    assert "machines.pool" in said


def test_a_pool_that_is_not_there(make_provider: Make, connection: Any) -> None:
    said = refused(make_provider(pool="fast"), connection, MachineError, "no storage pool 'fast'")
    assert "its pools: default-pool" in said


def test_a_name_that_somebody_elses_machine_has(make_provider: Make, connection: Any) -> None:
    lab = make_provider()
    name = lab.lab.machine_name(lab.lab.host("w"))
    connection.defineXML(f"<domain type='test'><name>{name}</name><memory>1024</memory><os><type>hvm</type></os></domain>")
    refused(lab, connection, MachineError, f"a machine {name} that is not ours")
    assert connection.lookupByName(name)


def test_a_network_that_is_somebody_elses(make_provider: Make, connection: Any) -> None:
    lab = make_provider()
    connection.networkDefineXML(f"<network><name>{lab.vms.networks[0].name}</name></network>")
    refused(lab, connection, MachineError, "that is not this lab's")


@pytest.mark.parametrize("text", ["internal error: Network is already in use by interface virbr7", "bridge name 'pv' already exists"])
def test_an_address_range_that_is_taken(make_provider: Make, connection: Any, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    class Taken:
        """A network that libvirt defines and can't start."""

        def __init__(self, real: Any) -> None:
            self._real = real

        def create(self) -> None:
            raise error(text)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

    start = networks._start
    monkeypatch.setattr(networks, "_start", lambda found, network, lab: start(Taken(found), network, lab))
    said = refused(make_provider(), connection, MachineError, r"\(10.89.0.0/24\) collides with one that is there")
    assert "choose another machines.network" in said


def test_kvm_that_is_asked_for_and_not_there(make_provider: Make, connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider.kvm, "KVM", "/nowhere")
    said = refused(make_provider(acceleration="kvm"), connection, RequirementError, "acceleration is kvm, but ")
    assert "five to ten times" in said


def test_no_kvm_is_warned_of_and_no_obstacle(make_provider: Make) -> None:
    lab = make_provider(acceleration="auto")
    lab.create()
    assert any(line.startswith("warning: no KVM") and "slower" in line for line in lab.said)  # type: ignore[attr-defined]


def test_a_disk_smaller_than_its_image(make_provider: Make, connection: Any) -> None:
    said = refused(make_provider(disk_gib=1), connection, MachineError, "1 GiB is smaller than its image")
    assert "set disk_gib to 2 or more" in said


def test_a_machine_that_never_boots_shows_its_console(make_provider: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = make_provider(boot_timeout_s=1)
    lab.create()
    monkeypatch.setattr(boot, "answers", lambda address, port=22: False)
    monkeypatch.setattr(provider.storage, "read_console", lambda *a: b"\x1b[2JKernel panic - not syncing: VFS\r\n")
    with pytest.raises(BootError, match=r"(?s)host w: no SSH within 1 s; the end of its console:.*Kernel panic - not syncing: VFS"):
        lab.start(["w"])
    lab.destroy()


def test_a_machine_that_ends_while_it_boots(make_provider: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = make_provider()
    lab.create()

    def ends(address: str, port: int = 22) -> bool:
        lab._domains()["w"].destroy()
        return False

    monkeypatch.setattr(boot, "answers", ends)
    with pytest.raises(BootError, match=r"host w: ended while it booted"):
        lab.start(["w"])


def test_what_is_not_created_is_not_started(make_provider: Make) -> None:
    lab = make_provider()
    with pytest.raises(MachineError, match=r"(?s)not created yet: m, w.*provision machines up"):
        lab.start()
    with pytest.raises(UnknownMachineError, match=r"(?s)no host 'x'.*its hosts: m, w"):
        lab.create(["x"])


def test_a_lost_connection_is_one_error(make_provider: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = make_provider()
    lab.create()

    def lost(*a: Any) -> bool:
        raise error("Cannot write data: Broken pipe", 38)

    monkeypatch.setattr(boot, "answers", lost)
    with pytest.raises(MachineError, match=r"(?s)host m: waiting for SSH: Cannot write data.*machines run on.*same command again"):
        lab.start(["m"])


def test_a_first_attempt_that_fails_leaves_other_peoples_files(make_provider: Make, connection: Any, tmp_path: Path) -> None:
    lab = make_provider(image={"path": "away.qcow2"})
    lab.lab.state.mkdir(parents=True)
    (lab.lab.state / "notes").write_text("mine")
    with pytest.raises(BaseImageError):
        lab.create()
    assert (lab.lab.state / "notes").read_text() == "mine"
