"""Proves that a host's disk holds its identity with the right modes, and counts as made only when whole."""

from __future__ import annotations

import ipaddress
import stat
from pathlib import Path

from provisioner.machines import disks
from provisioner.machines.spec import HostSpec, LabSpec


def lab(folder: Path) -> LabSpec:
    network = ipaddress.IPv4Network("10.89.0.0/24")
    return LabSpec("lab", folder / "lab.yaml", network, (HostSpec("web-1", network[11]), HostSpec("web-2", network[12])))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_identity_is_written_with_the_modes_sshd_insists_on(tmp_path: Path) -> None:
    one = lab(tmp_path)
    disk = disks.disk_of(one, "web-1", tmp_path / "store")
    assert not disk.complete
    disks.prepare_host(disk, Path("/base"), disks.identity(one, one.hosts[0], "PRIVATE", "ssh-ed25519 AAAA me"))
    assert disk.complete and disk.base() == Path("/base")
    assert (disk.upper / "etc/hostname").read_text() == "web-1\n"
    assert (disk.upper / "etc/lab-host.conf").read_text() == "ADDRESS=10.89.0.11/24\nGATEWAY=10.89.0.1\n"
    assert mode(disk.upper / "etc/ssh/ssh_host_ed25519_key") == 0o600
    assert mode(disk.upper / "root") == mode(disk.upper / "root/.ssh") == 0o700
    assert mode(disk.upper / "etc") == mode(disk.upper) == 0o755
    assert (disk.upper / "root/.ssh/authorized_keys").read_text() == "ssh-ed25519 AAAA me\n"


def test_another_user_than_root_is_made_with_a_key_and_sudo(tmp_path: Path) -> None:
    base = tmp_path / "base"
    (base / "etc").mkdir(parents=True)
    for name in ("passwd", "group", "shadow"):
        (base / "etc" / name).write_text("root:x:0\n")
    assert disks.account("root", base, "ssh-ed25519 AAAA me") == {}
    files = disks.account("admin", base, "ssh-ed25519 AAAA me")
    assert files["etc/passwd"].splitlines() == ["root:x:0", "admin:x:1000:1000:admin:/home/admin:/bin/bash"]
    assert files["etc/sudoers.d/admin"] == "admin ALL=(ALL) NOPASSWD: ALL\n"
    disk = disks.HostDisk(tmp_path / "host")
    disks.prepare_host(disk, base, files)
    key = disk.upper / "home/admin/.ssh/authorized_keys"
    assert (mode(key), key.stat().st_uid) == (0o600, 1000)
    assert (mode(key.parent), key.parent.stat().st_uid) == (0o700, 1000)
    assert (mode(disk.upper / "home"), (disk.upper / "home").stat().st_uid) == (0o755, 0)
    assert mode(disk.upper / "etc/shadow") == 0o600


def test_every_host_has_a_machine_id_of_its_own(tmp_path: Path) -> None:
    one = lab(tmp_path)
    ids = {disks.identity(one, host, "", "")["etc/machine-id"] for host in one.hosts}
    assert len(ids) == 2
    assert all(len(text.strip()) == 32 for text in ids)


def test_a_lab_is_known_by_its_note_after_its_inventory_is_gone(tmp_path: Path) -> None:
    one, store = lab(tmp_path), tmp_path / "store"
    disks.prepare_lab(one, store)
    (found,) = disks.recorded_labs(store)
    assert (found.id, found.bridge_name, found.state) == (one.id, one.bridge_name, one.state)
    assert [host.name for host in found.hosts] == ["web-1", "web-2"]
    disks.prepare_host(disks.disk_of(one, "web-9", store), Path("/base"), {})
    assert disks.host_names(one, store) == ["web-9"]
    disks.remove_lab(one, store)
    assert disks.recorded_labs(store) == []
    disks.remove_lab(one, store)


def test_a_host_with_another_address_than_the_inventorys_is_noticed(tmp_path: Path) -> None:
    one = lab(tmp_path)
    host = one.hosts[0]
    disk = disks.disk_of(one, "web-1", tmp_path / "store")
    assert disks.old_address(disk, one, host) == "", "a host that was never made has no address"
    disks.prepare_host(disk, Path("/base"), disks.identity(one, host, "", ""))
    assert disks.old_address(disk, one, host) == ""
    network = ipaddress.IPv4Network("10.77.0.0/24")
    moved = LabSpec("lab", one.inventory, network, (HostSpec("web-1", network[11]),))
    assert disks.old_address(disk, moved, moved.hosts[0]) == "10.89.0.11/24"


def test_a_host_with_a_cluster_on_it_is_not_bare(tmp_path: Path) -> None:
    one = lab(tmp_path)
    disk = disks.disk_of(one, "web-1", tmp_path / "store")
    disks.prepare_host(disk, Path("/base"), disks.identity(one, one.hosts[0], "", ""))
    assert disks.is_bare(disk)
    (disk.upper / "etc/kubernetes").mkdir()
    assert not disks.is_bare(disk)
    disks.remove_host(disk)
    assert not disk.path.exists() and not disk.complete
