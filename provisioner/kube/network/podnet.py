"""Plugs pods into their host: an address of the node's range, a veth pair, routes on both ends, and the pod's host ports.

Inside the pod: `eth0` has the address as a /32 and a default route over the link-local gateway 169.254.1.1, whose neighbour entry is
permanent. Outside: the other end has a route to that one address. No ARP is ever needed, and nothing is shared between pods.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioner.kube.network.ip_batch import NetworkError, ip, run_command
from provisioner.kube.network.routes import VXLAN_DEVICE

log = logging.getLogger(__name__)

GATEWAY = "169.254.1.1"
# Locally administered, and the same for every pod: each has a link of its own.
HOST_MAC = "ee:ee:ee:ee:ee:ee"
HOST_PORTS_TABLE = "provision-hostports"


@dataclass(frozen=True, slots=True)
class PodAddress:
    """What a pod got. `interface` is the host's end of its cable."""

    ip: str
    gateway: str
    interface: str


@dataclass(frozen=True, slots=True)
class HostPort:
    """A container port that is to answer on the node (core/v1 ContainerPort.hostPort). An empty `host_ip` means every address."""

    protocol: str
    host_port: int
    container_port: int
    host_ip: str = ""


class AddressesExhausted(NetworkError):
    """The node's range has no free address; a pod must end first."""


class Addresses:
    """Which pod has which address, in one file that survives restarts. Freed addresses are used again as late as possible."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._by_pod: dict[str, str] = {}
        self._last = 0
        if path.exists():
            saved = json.loads(path.read_text())
            self._by_pod, self._last = saved["pods"], saved["last"]

    def all(self) -> dict[str, str]:
        return dict(self._by_pod)

    def get(self, pod_uid: str) -> str | None:
        return self._by_pod.get(pod_uid)

    def allocate(self, pod_uid: str, pod_range: ipaddress.IPv4Network) -> str:
        """The pod's address: the one it has, if that lies in the range, else the next free one. Raises AddressesExhausted."""
        held = self._by_pod.get(pod_uid)
        if held and ipaddress.IPv4Address(held) in pod_range:
            return held
        taken = set(self._by_pod.values())
        # The first address is kept for the host's own use, as every network plugin does; the last is the broadcast address.
        usable = pod_range.num_addresses - 3
        for step in range(usable):
            offset = 2 + (self._last + step) % usable
            candidate = str(pod_range.network_address + offset)
            if candidate not in taken:
                self._last = offset - 1
                self._by_pod[pod_uid] = candidate
                self._save()
                return candidate
        raise AddressesExhausted(f"no free address in {pod_range}: {len(taken)} pods have one")

    def free(self, pod_uid: str) -> str | None:
        address = self._by_pod.pop(pod_uid, None)
        if address is not None:
            self._save()
        return address

    def _save(self) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"pods": self._by_pod, "last": self._last}))
        fresh.replace(self._path)


def interface_of(pod_uid: str) -> str:
    """The name of a pod's cable on the host; 15 characters, the kernel's limit."""
    return "pod" + hashlib.sha256(pod_uid.encode()).hexdigest()[:12]


class PodNetwork:
    """One node's pods. Every method may be called again: what is there already is kept. `mtu` None: what the host's own links carry."""

    def __init__(self, state_dir: Path, *, mtu: int | None = None) -> None:
        state_dir.mkdir(parents=True, exist_ok=True)
        self._addresses = Addresses(state_dir / "addresses.json")
        self._mtu = mtu
        self._range: ipaddress.IPv4Network | None = None
        self._host_ports: dict[str, tuple[str, tuple[HostPort, ...]]] = {}

    @property
    def configured(self) -> bool:
        """Whether the node's pod range is known; before that no pod can be set up."""
        return self._range is not None

    def addresses(self) -> dict[str, str]:
        """Pod uid to address."""
        return self._addresses.all()

    async def configure(self, pod_cidr: str) -> None:
        """Take the node's range (Node.spec.podCIDR): packets to addresses of no pod end here, and the host forwards."""
        self._range = ipaddress.IPv4Network(pod_cidr)
        await ip([f"route replace blackhole {pod_cidr}"])
        _sysctl("net/ipv4/ip_forward", "1")
        # A pod that reaches itself through a service enters and leaves by one cable: the kernel would tell it of a shorter way, which there
        # is not, and count that against the refusals that it may send.
        for scope in ("all", "default"):
            _sysctl(f"net/ipv4/conf/{scope}/send_redirects", "0")

    async def setup(self, pod_uid: str, pid: int, host_ports: Sequence[HostPort] = ()) -> PodAddress:
        """Plug in the pod whose pause process is `pid` on this host. Raises NetworkError."""
        if self._range is None:
            raise NetworkError("the node has no pod range yet (Node.spec.podCIDR); is kube-controller-manager running?")
        address = self._addresses.allocate(pod_uid, self._range)
        name = interface_of(pod_uid)
        pod_mac = "0a:58:" + ":".join(f"{byte:02x}" for byte in ipaddress.IPv4Address(address).packed)
        size = self._mtu or link_mtu()
        mtu = f" mtu {size}" if size else ""
        if not Path(f"/sys/class/net/{name}").exists():
            await ip(
                [
                    f"link add {name} address {HOST_MAC}{mtu} type veth peer name eth0 address {pod_mac}{mtu} netns {pid}",
                    f"link set {name} up",
                    f"neigh replace {address} lladdr {pod_mac} dev {name} nud permanent",
                    f"route replace {address}/32 dev {name}",
                ]
            )
            inside = [
                "link set lo up",
                f"address replace {address}/32 dev eth0",
                "link set eth0 up",
                f"neigh replace {GATEWAY} lladdr {HOST_MAC} dev eth0 nud permanent",
                f"route replace {GATEWAY}/32 dev eth0 scope link",
                f"route replace default via {GATEWAY} dev eth0",
            ]
            await ip(inside, netns_of_pid=pid)
        if any(_on_loopback(port) for port in host_ports):
            # What the host asks of itself comes back to 127.0.0.1 by the pod's cable.
            _sysctl(f"net/ipv4/conf/{name}/route_localnet", "1")
        await self._set_host_ports(pod_uid, address, tuple(host_ports))
        return PodAddress(address, GATEWAY, name)

    async def teardown(self, pod_uid: str) -> None:
        """Unplug a pod, running or not, and free its address."""
        name = interface_of(pod_uid)
        if Path(f"/sys/class/net/{name}").exists():
            await ip([f"link delete {name}"], force=True)
        await self._set_host_ports(pod_uid, "", ())
        self._addresses.free(pod_uid)

    async def keep_only(self, pod_uids: set[str]) -> None:
        """Unplug and free whatever belongs to no pod of `pod_uids`: what a crash left behind."""
        for uid in self._addresses.all():
            if uid not in pod_uids:
                await self.teardown(uid)

    async def _set_host_ports(self, pod_uid: str, address: str, ports: tuple[HostPort, ...]) -> None:
        before = self._host_ports.get(pod_uid)
        if (before is None and not ports) or before == (address, ports):
            return
        if ports:
            self._host_ports[pod_uid] = (address, ports)
        else:
            del self._host_ports[pod_uid]
        await run_command(["nft", "-f", "-"], host_port_rules(self._host_ports.values()))


def link_mtu(sys_net: Path = Path("/sys/class/net"), routes: Path = Path("/proc/net/route")) -> int | None:
    """What fits every way out of this host unfragmented: the tunnel to other nodes where there is one, else the default route's device.

    None, where there is neither, is the kernel's own default.
    """
    fields = [line.split() for line in routes.read_text().splitlines()[1:]]
    for name in (VXLAN_DEVICE, *(f[0] for f in fields if f[1] == "00000000" and f[7] == "00000000")):
        path = sys_net / name / "mtu"
        if path.exists():
            return int(path.read_text())
    return None


def _sysctl(name: str, value: str) -> None:
    path = Path("/proc/sys") / name
    if path.read_text().strip() != value:
        path.write_text(value)


def _on_loopback(port: HostPort) -> bool:
    return port.host_ip in ("", "0.0.0.0") or port.host_ip.startswith("127.")


def host_port_rules(pods: Iterable[tuple[str, tuple[HostPort, ...]]]) -> str:
    """The whole nftables table for host ports; (address, ports) of each pod. Ports that name an address come before those that don't.

    What the host asks of itself on 127.0.0.1, and a pod of itself, comes from the host's address then. Nothing that begins in a pod may
    reach the host's 127.0.0.1 (CVE-2020-8558).
    """
    found = [(address, port) for address, ports in pods for port in ports]
    found.sort(key=lambda one: one[1].host_ip in ("", "0.0.0.0"))
    lines = [f"table ip {HOST_PORTS_TABLE}", f"delete table ip {HOST_PORTS_TABLE}", f"table ip {HOST_PORTS_TABLE} {{", "  chain ports {"]
    for address, port in found:
        where = f"ip daddr {port.host_ip} " if port.host_ip not in ("", "0.0.0.0") else ""
        lines.append(f"    {where}{port.protocol.lower()} dport {port.host_port} dnat to {address}:{port.container_port}")
    hairpins = [f"    ct status dnat ip saddr {address} ip daddr {address} masquerade" for address in dict.fromkeys(a for a, _ in found)]
    lines += [
        "  }",
        "  chain prerouting { type nat hook prerouting priority dstnat; fib daddr type local jump ports; }",
        "  chain output { type nat hook output priority -100; fib daddr type local jump ports; }",
        "  chain postrouting {",
        "    type nat hook postrouting priority srcnat",
        '    ct status dnat ip saddr 127.0.0.0/8 oifname != "lo" masquerade',
        *hairpins,
        "  }",
        '  chain loopback { type filter hook prerouting priority mangle; iifname "pod*" ip daddr 127.0.0.0/8 drop; }',
        "}",
    ]
    return "\n".join(lines) + "\n"
