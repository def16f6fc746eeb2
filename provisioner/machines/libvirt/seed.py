"""What a machine is told about itself when it first boots: a NoCloud seed, as a small disk labelled `cidata`.

For images with cloud-init it holds cloud-init's own files; for those that `provisioner.images` builds, an archive that their early unit unpacks.
The host's SSH key is in it, so its volume is nobody's but root's.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.machines.libvirt.iso import image
from provisioner.machines.libvirt.spec import Card, VmHost

LABEL = "cidata"


@dataclass(frozen=True)
class Identity:
    """What is a machine's own. `files` by path from its root (apt's settings and the like); `resolver` empty: none."""

    host: VmHost
    instance: str
    host_key: str
    host_key_public: str
    authorized: str
    files: Mapping[str, str]
    resolver: str = ""


def disk(identity: Identity, *, cloud_init: bool) -> bytes:
    """The seed's bytes."""
    meta = f"instance-id: {identity.instance}\nlocal-hostname: {identity.host.name}\n".encode()
    if cloud_init:
        return image({"meta-data": meta, "user-data": user_data(identity), "network-config": network_config(identity)}, LABEL)
    user = "" if identity.host.spec.user == "root" else identity.host.spec.user
    return image({"meta-data": meta, "user": user.encode(), "provision.tar": archive(identity)}, LABEL)


def user_data(identity: Identity) -> bytes:
    """cloud-init's configuration; JSON is YAML."""
    user: dict[str, Any] = {"name": identity.host.spec.user, "ssh_authorized_keys": [identity.authorized]}
    if user["name"] != "root":
        user |= {"sudo": "ALL=(ALL) NOPASSWD:ALL", "shell": "/bin/bash", "lock_passwd": True}
    config: dict[str, Any] = {
        "hostname": identity.host.name,
        "manage_etc_hosts": True,
        "disable_root": user["name"] != "root",
        "ssh_pwauth": False,
        "ssh_deletekeys": True,  # and with keys given none is made
        "ssh_keys": {"ed25519_private": identity.host_key, "ed25519_public": identity.host_key_public},
        "users": [user],
        "apt": {"preserve_sources_list": True},
        "growpart": {"mode": "auto", "devices": ["/"]},
    }
    if identity.files:  # cloud-init's schema allows no empty list
        config["write_files"] = [{"path": f"/{path}", "content": text} for path, text in sorted(identity.files.items())]
    return b"#cloud-config\n" + json.dumps(config, indent=1).encode()


def network_config(identity: Identity) -> bytes:
    """cloud-init's network configuration, version 2."""
    cards = {}
    for number, card in enumerate(identity.host.cards):
        entry: dict[str, Any] = {"match": {"macaddress": card.mac}}
        if card.static:
            entry["addresses"] = [f"{card.address}/{card.prefix}"]
            if card.gateway:
                entry["routes"] = [{"to": "0.0.0.0/0", "via": str(card.gateway)}]
            if identity.resolver:
                entry["nameservers"] = {"addresses": [identity.resolver]}
        else:
            entry |= {"dhcp4": True, "dhcp-identifier": "mac"}
        cards[f"card{number}"] = entry
    return json.dumps({"version": 2, "ethernets": cards}, indent=1).encode()


def archive(identity: Identity) -> bytes:
    """The same for our own images: a tar archive of files, from the root."""
    name = identity.host.name
    files = {
        "etc/hostname": f"{name}\n",
        "etc/hosts": f"127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost ip6-localhost ip6-loopback\n",
        "etc/resolv.conf": f"nameserver {identity.resolver}\n" if identity.resolver else "# No name server is reached from here.\n",
        "etc/ssh/ssh_host_ed25519_key": identity.host_key,
        "etc/ssh/ssh_host_ed25519_key.pub": f"{identity.host_key_public}\n",
        "root/.ssh/authorized_keys": f"{identity.authorized}\n",
        **{f"etc/systemd/network/10-card{n}.network": _networkd(card) for n, card in enumerate(identity.host.cards)},
        **identity.files,
    }
    user = identity.host.spec.user
    if user != "root":
        files[f"etc/sudoers.d/{user}"] = f"{user} ALL=(ALL) NOPASSWD: ALL\n"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, text in sorted(files.items()):
            data = text.encode()
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            entry.mode = 0o600 if path.startswith(("root/", "etc/sudoers.d/")) or path.endswith("_key") else 0o644
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _networkd(card: Card) -> str:
    lines = ["[Match]", f"MACAddress={card.mac}", "", "[Network]"]
    if card.static:
        lines += [f"Address={card.address}/{card.prefix}", *([f"Gateway={card.gateway}"] if card.gateway else [])]
    else:
        lines += ["DHCP=ipv4", "", "[DHCPv4]", "ClientIdentifier=mac"]
    return "\n".join(lines) + "\n"
