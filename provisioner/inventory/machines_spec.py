"""The `machines:` tree: where the hosts come from and how large they are. Each field's docstring is its documentation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Literal

from provisioner.inventory.cluster_spec import is_cidr
from provisioner.inventory.spec_fields import between, nearest, setting

# Linux allows 15 bytes in an interface's name (IFNAMSIZ is 16 with the closing zero).
_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")


def _is_interface(value: str) -> str | None:
    if not value or _INTERFACE.fullmatch(value):
        return None
    return f"{value!r} is not an interface name: at most 15 letters, digits, '-', '_' and '.'"


_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
# Entry points of this group make machines; the built-in providers are registered like anybody else's.
PROVIDERS = "provision.machines"


def _is_provider(value: str) -> str | None:
    known = entry_points(group=PROVIDERS).names
    return None if value in known else f"no provider {value!r} is installed; {nearest(value, known).replace('keys', 'providers')}"


def _is_mac(value: str) -> str | None:
    if not _MAC.fullmatch(value):
        return f"{value!r} is not a MAC address, such as 52:54:00:12:34:56 (in quotes)"
    return "is a group's address (its first byte is odd); a card needs one of its own" if int(value[:2], 16) & 1 else None


def _is_sha256(value: str) -> str | None:
    return None if not value or _SHA256.fullmatch(value) else "must be the 64 hexadecimal digits that sha256sum prints"


def _is_name(value: str) -> str | None:
    return None if _NAME.fullmatch(value) else f"{value!r}: at most 32 small letters, digits and '-'"


def _is_address(value: str) -> str | None:
    return None if not value or is_cidr(f"{value}/32") is None else f"{value!r} is not an IPv4 address"


@dataclass(frozen=True)
class DiskSetting:
    """One disk besides the first."""

    size_gib: int = setting(check=between(1, 65_536))
    """Its size, in GiB; it is empty, and takes room only as it is written to."""


@dataclass(frozen=True)
class NetworkSetting:
    """One network besides the first; hosts join it with `machine.networks`."""

    name: str = setting(check=_is_name)
    """What hosts call it."""
    network: str = setting("", check=lambda value: is_cidr(value) if value else None)
    """Its range; empty: no addresses are given out on it."""
    forward: Literal["nat", "isolated", "bridge"] = "isolated"
    """Its way out: through this computer (nat), none (isolated), or it is an existing bridge's segment (bridge)."""
    bridge: str = setting("", check=_is_interface)
    """The bridge to join, for `forward: bridge`."""


@dataclass(frozen=True)
class CardSetting:
    """A host's place on one of `machines.networks`."""

    network: str
    """The network's name."""
    address: str = setting("", check=_is_address)
    """The host's address there; empty: given out by DHCP."""
    mac: str | None = setting(None, check=_is_mac)
    """The card's address; None: one that follows from the host's name."""


@dataclass(frozen=True)
class ImageSetting:
    """A disk image to start from instead of one that is built here."""

    path: str
    """The image (qcow2 or raw), relative to the inventory."""
    sha256: str = setting("", check=_is_sha256)
    """Its checksum; empty: not checked."""
    cloud_init: bool = True
    """Whether cloud-init is in it; without, it has to be an image of `provision image base build`."""


@dataclass(frozen=True)
class MachinesSpec:
    """How hosts are made; without this tree they exist already."""

    provider: str = setting("static", check=_is_provider)
    """What makes the hosts: nspawn (containers), libvirt or vagrant (virtual machines), static (nothing), or what a plug-in adds."""
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
    forward: Literal["nat", "isolated", "bridge"] = "nat"
    """The way out of a virtual machines' network: through this computer, none, or `bridge` is an existing bridge whose segment it is."""
    gateway: str = setting("", check=_is_address)
    """The router of `network`; empty: its first address."""
    networks: tuple[NetworkSetting, ...] = ()
    """More networks of virtual machines."""
    disks: tuple[DiskSetting, ...] = ()
    """More disks of every virtual machine."""
    uri: str = "qemu:///system"
    """libvirt's connection, such as qemu+ssh://root@host/system."""
    pool: str = ""
    """An existing storage pool of libvirt to put disks in; empty: one is made, and removed with the machines."""
    image: ImageSetting | None = None
    """The image that virtual machines start from; None: one that is built here from Debian packages."""
    packages: tuple[str, ...] = ()
    """Debian packages that a built image holds from the start."""
    acceleration: Literal["auto", "kvm", "none"] = "auto"
    """Whether the processor runs virtual machines itself (kvm) or they are emulated (none); auto: as the computer can."""
    boot_timeout_s: int = setting(0, check=between(0, 86_400))
    """How long virtual machines may take to answer SSH; 0: two minutes, fifteen when they are emulated."""
    folder: str = ""
    """The folder of the Vagrantfile, relative to the inventory."""
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What a plug-in's provider wants to know beyond this."""


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
    mac: str | None = setting(None, check=_is_mac)
    """Address of its first network card; None: one that follows from the host's name."""
    disks: tuple[DiskSetting, ...] | None = None
    """Its disks besides the first; None means as `machines:` says."""
    networks: tuple[CardSetting, ...] = ()
    """Its places on `machines.networks`."""
