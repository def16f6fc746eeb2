"""What the lab should be, as plain frozen data: worked out of the inventory once, handed to the provider.

Names of bridges and machines carry a short hash of the cluster's name and the inventory's path, so that two labs on one computer never
meet.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from provisioner.machines.errors import MachineError, UnknownMachineError

DEFAULT_SUITE = "bookworm"
DEFAULT_NETWORK = "10.89.0.0/24"
DEFAULT_MEMORY_MIB = 2048
DEFAULT_CPUS = 2.0
# The gateway is .1; hosts without an address of their own are numbered from here, in the inventory's order.
FIRST_HOST_OFFSET = 11
# Not 3142: there the system's own apt-cacher-ng may listen, on every address.
PACKAGE_PROXY_PORT = 13142

# Of virtual machines. A guess: an emulated one whose processor is busy elsewhere was seen to take 15 s to greet.
SSH_TIMEOUT_S = 90


@dataclass(frozen=True)
class HostSpec:
    """One host. `memory_mib` and `cpus` are limits (a share of this computer), not reservations.

    `user` is whom the inventory logs in as; another one than root is made, and may sudo without a password.
    """

    name: str
    address: ipaddress.IPv4Address
    memory_mib: int = DEFAULT_MEMORY_MIB
    cpus: float = DEFAULT_CPUS
    suite: str = DEFAULT_SUITE
    user: str = "root"


@dataclass(frozen=True)
class LabSpec:
    """The whole lab. `mirror` and `proxy` None = as this computer's own apt is set up."""

    cluster: str
    inventory: Path
    network: ipaddress.IPv4Network
    hosts: tuple[HostSpec, ...]
    bridge: str = ""
    mirror: str | None = None
    proxy: str | None = None

    @property
    def id(self) -> str:
        """Eight hexadecimal digits that are this lab's alone, and the same in every run."""
        return hashlib.sha256(f"{self.cluster}\0{self.inventory.resolve()}".encode()).hexdigest()[:8]

    @property
    def bridge_name(self) -> str:
        """At most 15 characters, the kernel's limit."""
        return self.bridge or f"pv-{self.id}"

    @property
    def gateway(self) -> ipaddress.IPv4Address:
        return self.network[1]

    @property
    def state(self) -> Path:
        """Keys and records, beside the inventory."""
        return self.inventory.resolve().parent / ".provision" / self.cluster

    @property
    def package_proxy(self) -> str:
        return f"http://{self.gateway}:{PACKAGE_PROXY_PORT}"

    def host(self, name: str) -> HostSpec:
        for host in self.hosts:
            if host.name == name:
                return host
        raise UnknownMachineError(f"no host {name!r} in {self.inventory}", hint=f"its hosts: {', '.join(h.name for h in self.hosts)}")

    def machine_name(self, host: HostSpec) -> str:
        """What the host is called among this computer's machines (`-M` of systemd-nspawn)."""
        return f"{host.name}-{self.id}"


def number_hosts(names: Iterable[str], network: ipaddress.IPv4Network, fixed: Mapping[str, str]) -> dict[str, ipaddress.IPv4Address]:
    """Give each host its address: the one the inventory fixes, else the next free one of the range in the inventory's order."""
    addresses: dict[str, ipaddress.IPv4Address] = {}
    for name, text in fixed.items():
        try:
            address = ipaddress.IPv4Address(text)
        except ValueError as e:
            raise MachineError(f"host {name}: {text!r} is not an IPv4 address", hint=f"lab hosts live in {network}") from e
        if address not in network or address in (network[0], network[1], network[-1]):
            raise MachineError(f"host {name}: {address} can't be used", hint=f"choose one between {network[2]} and {network[-2]}")
        if address in addresses.values():
            raise MachineError(f"host {name}: {address} is given to two hosts")
        addresses[name] = address
    taken = set(addresses.values())
    free = (network[i] for i in range(FIRST_HOST_OFFSET, network.num_addresses - 1) if network[i] not in taken)
    for name in names:
        if name not in addresses:
            found = next(free, None)
            if found is None:
                raise MachineError(f"host {name}: no address left in {network}", hint="give machines.network a larger range")
            addresses[name] = found
    return addresses
