"""Where lab hosts keep what they write: plain directories under the store, one a host, on a file system that can carry an overlay.

A directory that lies on an overlay itself (this computer may be a container) can't be an overlay's upper layer; there a tmpfs is mounted
instead, which means that the hosts' disks end with this computer's next boot.
"""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from provisioner.machines.commands import run
from provisioner.machines.keys import write_private
from provisioner.machines.rootfs import STORE
from provisioner.machines.spec import HostSpec, LabSpec

OVERLAY_MAGIC = "794c7630"
# The first ordinary user of a Debian system.
USER_ID = 1000
ADDRESS_FILE = "etc/lab-host.conf"


@dataclass(frozen=True)
class HostDisk:
    """The directories of one host. `root` is where its tree is mounted, seen by the host's own processes only."""

    path: Path

    @property
    def upper(self) -> Path:
        return self.path / "upper"

    @property
    def work(self) -> Path:
        return self.path / "work"

    @property
    def root(self) -> Path:
        return self.path / "root"

    @property
    def docker(self) -> Path:
        """Bound on /var/lib/docker: Docker's overlays can't lie on an overlay."""
        return self.path / "docker"

    @property
    def complete(self) -> bool:
        return (self.path / "machine.json").exists()

    def base(self) -> Path:
        """The base image that the host was made from; it stays with it."""
        return Path(json.loads((self.path / "machine.json").read_text())["base"])


def lab_folder(lab: LabSpec, store: Path = STORE) -> Path:
    return store / "labs" / lab.id


def disk_of(lab: LabSpec, host: str, store: Path = STORE) -> HostDisk:
    return HostDisk(lab_folder(lab, store) / host)


def prepare_lab(lab: LabSpec, store: Path = STORE) -> None:
    """The lab's folder, with a note whose it is, so that a lab whose inventory was deleted can still be removed."""
    folder = lab_folder(lab, store)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if _on_overlay(folder) and not os.path.ismount(folder):
        run(["mount", "-t", "tmpfs", "-o", "mode=0700", f"provision-{lab.id}", folder])
    note = {
        "cluster": lab.cluster,
        "inventory": str(lab.inventory.resolve()),
        "network": str(lab.network),
        "bridge": lab.bridge,
        "hosts": {host.name: str(host.address) for host in lab.hosts},
    }
    write_private(folder / "lab.json", json.dumps(note, indent=1).encode())


def remove_lab(lab: LabSpec, store: Path = STORE) -> None:
    folder = lab_folder(lab, store)
    if os.path.ismount(folder):
        run(["umount", "--lazy", folder])
    if folder.exists():
        run(["rm", "-rf", "--one-file-system", "--", folder], timeout_s=300)


def recorded_labs(store: Path = STORE) -> list[LabSpec]:
    """Every lab that has disks on this computer, as far as removing it needs; its inventory may be gone."""
    found = []
    for note in sorted(store.glob("labs/*/lab.json")):
        said = json.loads(note.read_text())
        hosts = tuple(HostSpec(name, ipaddress.IPv4Address(address)) for name, address in said["hosts"].items())
        found.append(
            LabSpec(said["cluster"], Path(said["inventory"]), ipaddress.IPv4Network(said["network"]), hosts, bridge=said["bridge"])
        )
    return found


def host_names(lab: LabSpec, store: Path = STORE) -> list[str]:
    """Hosts that have a disk, also those that the inventory doesn't name any more."""
    folder = lab_folder(lab, store)
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []


def prepare_host(disk: HostDisk, base: Path, files: Mapping[str, str]) -> None:
    """Give a host its disk and its identity (`files` by path, relative to its root). Done when machine.json is there, which comes last."""
    for folder in (disk.upper, disk.work, disk.root, disk.docker):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
    for name, text in files.items():
        _write(disk.upper, name, text)
    write_private(disk.path / "machine.json", json.dumps({"base": str(base)}).encode())


def address_file(lab: LabSpec, host: HostSpec) -> str:
    """What the host's network is set up from when it starts."""
    return f"ADDRESS={host.address}/{lab.network.prefixlen}\nGATEWAY={lab.gateway}\n"


def old_address(disk: HostDisk, lab: LabSpec, host: HostSpec) -> str:
    """The address that the disk was made with, when the inventory gives the host another one now; else empty."""
    try:
        found = (disk.upper / ADDRESS_FILE).read_text()
    except OSError:
        return ""
    if found == address_file(lab, host):
        return ""
    return found.partition("ADDRESS=")[2].partition("\n")[0] or "an unknown one"


def is_bare(disk: HostDisk) -> bool:
    """Whether nothing of a cluster is on it yet, which would remember its address."""
    return not (disk.upper / "etc/kubernetes").exists()


def remove_host(disk: HostDisk) -> None:
    """The host must be off."""
    if disk.path.exists():
        run(["rm", "-rf", "--one-file-system", "--", disk.path], timeout_s=120)


def identity(lab: LabSpec, host: HostSpec, host_key: str, authorized: str) -> dict[str, str]:
    """What makes one host different from another, as files by path."""
    return {
        "etc/hostname": f"{host.name}\n",
        "etc/hosts": f"127.0.0.1 localhost\n127.0.1.1 {host.name}\n::1 localhost ip6-localhost ip6-loopback\n",
        "etc/machine-id": f"{secrets.token_hex(16)}\n",
        ADDRESS_FILE: address_file(lab, host),
        "etc/resolv.conf": "# A lab host has no name server: it reaches nothing but its lab.\n",
        "etc/ssh/ssh_host_ed25519_key": host_key,
        "root/.ssh/authorized_keys": f"{authorized}\n",
    }


def account(user: str, base: Path, authorized: str) -> dict[str, str]:
    """The files that make a user other than root, who is in the base image: nothing but a key lets one in, and sudo asks for no password."""
    if user == "root":
        return {}
    lines = {
        "etc/passwd": f"{user}:x:{USER_ID}:{USER_ID}:{user}:/home/{user}:/bin/bash",
        "etc/group": f"{user}:x:{USER_ID}:",
        "etc/shadow": f"{user}:*:19000:0:99999:7:::",
    }
    files = {name: f"{(base / name).read_text()}{line}\n" for name, line in lines.items()}
    files[f"home/{user}/.ssh/authorized_keys"] = f"{authorized}\n"
    files[f"etc/sudoers.d/{user}"] = f"{user} ALL=(ALL) NOPASSWD: ALL\n"
    return files


def _write(upper: Path, name: str, text: str) -> None:
    path = upper / name
    private = name.startswith(("root/", "home/", "etc/sudoers.d/")) or name.endswith(("_key", "etc/shadow"))
    folder = upper
    for part in Path(name).parts[:-1]:
        folder /= part
        if not folder.is_dir():
            folder.mkdir()
            _own(folder, upper)
            folder.chmod(0o700 if _is_home(folder, upper) else 0o755)
    write_private(path, text.encode(), 0o600 if private else 0o644)
    _own(path, upper)


def _is_home(path: Path, upper: Path) -> bool:
    parts = path.relative_to(upper).parts
    return parts[0] == "root" or (parts[0] == "home" and len(parts) > 1)


def _own(path: Path, upper: Path) -> None:
    if _is_home(path, upper) and path.relative_to(upper).parts[0] == "home":
        os.chown(path, USER_ID, USER_ID)


def _on_overlay(path: Path) -> bool:
    return run(["stat", "--file-system", "--format=%t", path]).stdout.strip() == OVERLAY_MAGIC
