"""What the virtual machines should be, as frozen data worked out of the inventory once."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.machines.errors import MachineError
from provisioner.machines.inventory import lab_spec
from provisioner.machines.spec import HostSpec, LabSpec

if TYPE_CHECKING:
    from provisioner.inventory import Inventory
    from provisioner.inventory.machines_spec import MachineOverride, MachinesSpec, NetworkSetting
    from provisioner.inventory.model import Host

MAIN = "main"


@dataclass(frozen=True)
class Network:
    """One network. `range` None: no addresses on it; `forward` bridge: `bridge` exists already and nothing is made."""

    key: str
    name: str
    bridge: str
    forward: str
    range: ipaddress.IPv4Network | None
    router: ipaddress.IPv4Address | None = None

    @property
    def ours(self) -> bool:
        return self.forward != "bridge"

    @property
    def gateway(self) -> ipaddress.IPv4Address | None:
        return self.router or (self.range[1] if self.range else None)

    @property
    def first_free(self) -> ipaddress.IPv4Address:
        """DHCP gives out the range's end to those who have no reservation, so that it never takes a host's address."""
        assert self.range
        return self.range[-2 - min(self.range.num_addresses // 8, 64)]

    @property
    def last_free(self) -> ipaddress.IPv4Address:
        assert self.range
        return self.range[-2]


@dataclass(frozen=True)
class Card:
    """A network card. `address` None: DHCP gives one. `bridge` empty: `network` is libvirt's network."""

    network: str
    mac: str
    address: ipaddress.IPv4Address | None
    bridge: str = ""
    static: bool = False
    prefix: int = 24
    gateway: ipaddress.IPv4Address | None = None


@dataclass(frozen=True)
class VmHost:
    """One virtual machine; the first card is the one that SSH goes to, the first disk the system's."""

    spec: HostSpec
    disk_gib: int
    cards: tuple[Card, ...]
    disks_gib: tuple[int, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def address(self) -> ipaddress.IPv4Address:
        return self.spec.address

    @property
    def memory_mib(self) -> int:
        return self.spec.memory_mib

    @property
    def cpus(self) -> int:
        return max(1, round(self.spec.cpus))


@dataclass(frozen=True)
class GivenImage:
    """An image that the operator brings."""

    path: Path
    sha256: str
    cloud_init: bool


@dataclass(frozen=True)
class VmLab:
    """All virtual machines of an inventory. `pool` empty: one of our own; `boot_timeout_s` 0: by acceleration."""

    lab: LabSpec
    hosts: tuple[VmHost, ...]
    networks: tuple[Network, ...]
    uri: str
    pool: str = ""
    image: GivenImage | None = None
    packages: tuple[str, ...] = ()
    acceleration: str = "auto"
    boot_timeout_s: int = 0

    @property
    def prefix(self) -> str:
        """Begins the names of all that is ours in libvirt."""
        return f"provision-{self.lab.id}"

    @property
    def local(self) -> bool:
        """Whether libvirt runs on this computer, so that its guests' addresses are reached from here."""
        return "://" not in self.uri or self.uri.split("://", 1)[1].startswith("/")

    def host(self, name: str) -> VmHost:
        self.lab.host(name)  # raises for an unknown one
        return next(host for host in self.hosts if host.name == name)


def mac_of(lab_id: str, host: str, network: str) -> str:
    """An address of QEMU's range that is always the same for a host's card."""
    digest = hashlib.sha256(f"{lab_id}\0{host}\0{network}".encode()).digest()
    return "52:54:00:" + ":".join(f"{byte:02x}" for byte in digest[:3])


def vm_lab(inventory: Inventory, path: Path) -> VmLab:
    """Raises MachineError for what the inventory's own checks can't see."""
    machines = inventory.machines
    assert machines is not None
    lab = lab_spec(inventory, path)
    networks = _networks(machines, lab)
    hosts = tuple(_host(machines, inventory.hosts[spec.name], spec, lab, networks) for spec in lab.hosts)
    _refuse_twins(hosts)
    image = None
    if machines.image is not None:
        file = Path(machines.image.path).expanduser()
        image = GivenImage(file if file.is_absolute() else path.resolve().parent / file, machines.image.sha256, machines.image.cloud_init)
    return VmLab(
        lab=lab,
        hosts=hosts,
        networks=tuple(networks.values()),
        uri=machines.uri,
        pool=machines.pool,
        image=image,
        packages=machines.packages,
        acceleration=machines.acceleration,
        boot_timeout_s=machines.boot_timeout_s,
    )


def _networks(machines: MachinesSpec, lab: LabSpec) -> dict[str, Network]:
    router = ipaddress.IPv4Address(machines.gateway) if machines.gateway else None
    if machines.forward == "bridge" and not machines.bridge:
        raise MachineError("machines.forward: bridge needs the bridge's name", hint="add machines.bridge")
    found = {MAIN: Network(MAIN, f"provision-{lab.id}", lab.bridge_name, machines.forward, lab.network, router)}
    for number, setting in enumerate(machines.networks, 1):
        if setting.name in found:
            raise MachineError(f"machines.networks: {setting.name!r} is there twice, or the first network's own name")
        found[setting.name] = _extra_network(setting, lab, number)
    return found


def _extra_network(setting: NetworkSetting, lab: LabSpec, number: int) -> Network:
    reach = ipaddress.IPv4Network(setting.network) if setting.network else None
    if setting.forward == "bridge" and not setting.bridge:
        raise MachineError(f"machines.networks: {setting.name}: forward: bridge needs the bridge's name", hint="add bridge")
    if setting.forward == "nat" and reach is None:
        raise MachineError(f"machines.networks: {setting.name}: forward: nat needs a range", hint="add network, such as 10.90.0.0/24")
    bridge = setting.bridge or f"pv{number}-{lab.id}"
    return Network(setting.name, f"provision-{lab.id}-{setting.name}", bridge, setting.forward, reach)


def _override(host: Host) -> MachineOverride:
    from provisioner.inventory.machines_spec import MachineOverride
    from provisioner.inventory.spec_fields import Decoder

    decoded = Decoder().decode(MachineOverride, host.vars.get("machine"), f"host {host.name}: machine")
    assert decoded is not None, "the inventory has checked it"
    return decoded


def _host(machines: MachinesSpec, host: Host, spec: HostSpec, lab: LabSpec, networks: dict[str, Network]) -> VmHost:
    own = _override(host)
    cards = [_card(networks[MAIN], own.mac or mac_of(lab.id, host.name, MAIN), spec.address)]
    for place in own.networks:
        network = networks.get(place.network)
        if network is None:
            raise MachineError(
                f"host {host.name}: no network {place.network!r}", hint=f"machines.networks has: {', '.join(networks.keys() - {MAIN})}"
            )
        address = ipaddress.IPv4Address(place.address) if place.address else None
        if address and (network.range is None or address not in network.range):
            raise MachineError(f"host {host.name}: {address} is not in the network {place.network} ({network.range or 'it has no range'})")
        cards.append(_card(network, place.mac or mac_of(lab.id, host.name, place.network), address))
    disks = machines.disks if own.disks is None else own.disks
    groups = tuple(group for group in host.groups if group not in ("all", "ungrouped"))
    return VmHost(spec, own.disk_gib or machines.disk_gib, tuple(cards), tuple(disk.size_gib for disk in disks), groups)


def _card(network: Network, mac: str, address: ipaddress.IPv4Address | None) -> Card:
    if network.ours:
        return Card(network.name, mac.lower(), address)
    prefix = network.range.prefixlen if network.range else 24
    gateway = network.gateway if network.key == MAIN else None
    return Card(network.name, mac.lower(), address, network.bridge, address is not None, prefix, gateway)


def _refuse_twins(hosts: tuple[VmHost, ...]) -> None:
    seen: dict[str, str] = {}
    for host in hosts:
        for card in host.cards:
            for what in filter(None, (card.mac, str(card.address or ""))):
                if what in seen:
                    raise MachineError(f"host {host.name}: {what} is given to {seen[what]} too")
                seen[what] = host.name
