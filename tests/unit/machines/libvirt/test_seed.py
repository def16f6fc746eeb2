"""Proves that a machine is told who it is: by cloud-init's files, or by an archive for our own images, with nothing secret readable inside."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from typing import Any

from provisioner.machines.libvirt.seed import Identity, archive, disk, network_config, user_data

Make = Callable[..., Any]


def identity(make_lab: Make, host: dict[str, Any] | None = None, **machines: Any) -> Identity:
    lab = make_lab(workers={"w": host}, **machines)
    return Identity(
        lab.host("w"), "w-1234", "PRIVATE", "ssh-ed25519 PUBLIC", "ssh-ed25519 MINE", {"etc/apt/sources.list": "deb x"}, "10.89.0.1"
    )


def test_cloud_init_gets_key_user_name_and_network(make_lab: Make) -> None:
    told = identity(make_lab, {"ansible_user": "admin"})
    text = user_data(told).decode()
    assert text.startswith("#cloud-config\n")
    said = json.loads(text.partition("\n")[2])
    assert said["hostname"] == "w"
    assert said["users"] == [
        {
            "name": "admin",
            "ssh_authorized_keys": ["ssh-ed25519 MINE"],
            "sudo": "ALL=(ALL) NOPASSWD:ALL",
            "shell": "/bin/bash",
            "lock_passwd": True,
        }
    ]
    assert said["ssh_keys"]["ed25519_private"] == "PRIVATE"
    assert said["ssh_pwauth"] is False
    assert said["disable_root"] is True
    assert [] not in said.values()  # its schema wants no empty lists
    network = network_config(told).decode()
    assert told.host.cards[0].mac in network


def test_our_images_get_files_with_narrow_rights(make_lab: Make) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive(identity(make_lab, {"ansible_user": "admin"})))) as tar:
        modes = {member.name: member.mode for member in tar}
        key = tar.extractfile("etc/ssh/ssh_host_ed25519_key")
        assert key and key.read() == b"PRIVATE"
        network = tar.extractfile("etc/systemd/network/10-card0.network")
        assert network and b"DHCP=ipv4" in network.read()
    assert modes["etc/ssh/ssh_host_ed25519_key"] == 0o600
    assert modes["root/.ssh/authorized_keys"] == 0o600
    assert modes["etc/sudoers.d/admin"] == 0o600
    assert modes["etc/hostname"] == 0o644


def test_on_a_bridge_that_exists_the_address_is_the_machines_own(make_lab: Make) -> None:
    told = identity(make_lab, forward="bridge", bridge="br0", network="192.0.2.0/24", gateway="192.0.2.254")
    with tarfile.open(fileobj=io.BytesIO(archive(told))) as tar:
        network = tar.extractfile("etc/systemd/network/10-card0.network")
        assert network
        text = network.read().decode()
    assert "Address=192.0.2.12/24" in text
    assert "Gateway=192.0.2.254" in text


def test_the_disk_holds_one_or_the_other(make_lab: Make) -> None:
    told = identity(make_lab)
    names = [name.encode("utf-16-be") for name in ("user-data", "provision.tar")]
    assert [name in disk(told, cloud_init=True) for name in names] == [True, False]
    assert [name in disk(told, cloud_init=False) for name in names] == [False, True]
