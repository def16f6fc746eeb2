"""The `machines:` tree: where the hosts come from and how large they are. Each field's docstring is its documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from provisioner.inventory.cluster_spec import is_cidr
from provisioner.inventory.spec_fields import between, setting

# Linux allows 15 bytes in an interface's name (IFNAMSIZ is 16 with the closing zero).
_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")


def _is_interface(value: str) -> str | None:
    if not value or _INTERFACE.fullmatch(value):
        return None
    return f"{value!r} is not an interface name: at most 15 letters, digits, '-', '_' and '.'"


@dataclass(frozen=True)
class MachinesSpec:
    """How hosts are made; without this tree they exist already."""

    provider: Literal["nspawn", "libvirt", "vagrant", "static"] = "static"
    """What makes the hosts: containers of systemd-nspawn, virtual machines of libvirt or Vagrant, or nothing (static)."""
    suite: str = "bookworm"
    """Debian release that new hosts run."""
    memory_mib: int = setting(1024, check=between(128, 1_048_576))
    """Memory of a host, in MiB."""
    cpus: int = setting(1, check=between(1, 512))
    """Processors of a host."""
    disk_gib: int = setting(10, check=between(1, 65_536))
    """Disk of a host, in GiB; containers share the controller's disk and ignore it."""
    network: str = setting("10.89.0.0/24", check=is_cidr)
    """Network that new hosts get their addresses from."""
    bridge: str = setting("", check=_is_interface)
    """Bridge that connects the hosts; empty means one named after the cluster."""


@dataclass(frozen=True)
class MachineOverride:
    """The host variable `machine:`: what differs for one host."""

    memory_mib: int | None = setting(None, check=between(128, 1_048_576))
    """Memory of this host, in MiB; None means as `machines:` says."""
    cpus: int | None = setting(None, check=between(1, 512))
    """Processors of this host."""
    disk_gib: int | None = setting(None, check=between(1, 65_536))
    """Disk of this host, in GiB."""
    suite: str | None = None
    """Debian release of this host."""
