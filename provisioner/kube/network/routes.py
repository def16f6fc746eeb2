"""Ways from this host to the pods of every other: plain routes where nodes share a segment, VXLAN where they don't.

`decide` is pure; `RouteTable` holds the kernel to its plan. Routes and neighbours carry protocol number 89 so that ours are known from
anybody else's, and what is no longer wanted is removed.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioner.kube.network.ip_batch import ip, run_command

# Unassigned in /etc/iproute2/rt_protos.
PROTOCOL = 89
VXLAN_DEVICE = "kube-vxlan"
# As flannel: the number and the port that people's firewalls know.
VXLAN_ID = 1
VXLAN_PORT = 8472


@dataclass(frozen=True, slots=True)
class NodeNetwork:
    """What matters of a Node: its InternalIP and its pod range."""

    name: str
    address: str
    pod_cidr: str


@dataclass(frozen=True, slots=True)
class Plan:
    """`direct`: pod range -> next hop. `tunnel`: pod range -> the far host's address. `local_range` is this node's own, if known."""

    direct: frozenset[tuple[str, str]] = frozenset()
    tunnel: frozenset[tuple[str, str]] = frozenset()
    local_address: str = ""
    local_range: str = ""


def node_network(node: Any) -> NodeNetwork | None:
    """None for a Node that has no InternalIP or no range yet."""
    addresses = [a.address for a in node.status.addresses or () if a.type == "InternalIP" and a.address and ":" not in a.address]
    ranges = [node.spec.pod_cidr] if node.spec.pod_cidr else node.spec.pod_cidrs or []
    usable = [r for r in ranges if r and ":" not in r]
    return NodeNetwork(node.metadata.name, addresses[0], usable[0]) if addresses and usable else None


def decide(nodes: Iterable[NodeNetwork], here: str, segments: Iterable[str], backend: str = "auto") -> Plan:
    """The routes of node `here`. `segments` are the networks it is attached to; `backend` is auto, routes or vxlan."""
    attached = [ipaddress.ip_network(s, strict=False) for s in segments]
    direct, tunnel, local = set(), set(), NodeNetwork(here, "", "")
    for node in nodes:
        if node.name == here:
            local = node
        elif backend == "routes" or (backend == "auto" and any(ipaddress.ip_address(node.address) in s for s in attached)):
            direct.add((node.pod_cidr, node.address))
        else:
            tunnel.add((node.pod_cidr, node.address))
    return Plan(frozenset(direct), frozenset(tunnel), local.address, local.pod_cidr)


def tunnel_mac(address: str) -> str:
    """The VXLAN device's hardware address of the host with this address: known to all without being told."""
    return "0e:56:" + ":".join(f"{byte:02x}" for byte in ipaddress.IPv4Address(address).packed)


def commands(old: Plan, new: Plan, present: frozenset[str]) -> list[str]:
    """iproute2 commands from one plan to the next. `present` are the ranges that the kernel has routes of ours for."""
    wanted = {cidr for cidr, _ in new.direct | new.tunnel}
    lines = [f"route delete {cidr} proto {PROTOCOL}" for cidr in sorted(present - wanted)]
    known = {(c, h) for c, h in old.direct if c in present}
    lines += [f"route replace {cidr} via {hop} proto {PROTOCOL}" for cidr, hop in sorted(new.direct - known)]
    for cidr, address in sorted(old.tunnel - new.tunnel):
        gateway, mac = _inner(cidr), tunnel_mac(address)
        lines += [f"neigh delete {gateway} dev {VXLAN_DEVICE}", f"FDB delete {mac} dev {VXLAN_DEVICE} dst {address}"]
    for cidr, address in sorted(new.tunnel - {(c, a) for c, a in old.tunnel if c in present}):
        gateway, mac = _inner(cidr), tunnel_mac(address)
        lines += [
            f"neigh replace {gateway} lladdr {mac} dev {VXLAN_DEVICE} nud permanent",
            f"FDB replace {mac} dev {VXLAN_DEVICE} dst {address}",
            f"route replace {cidr} via {gateway} dev {VXLAN_DEVICE} onlink proto {PROTOCOL}",
        ]
    return lines


def _inner(cidr: str) -> str:
    """A range's own first address stands for the far end of the tunnel to it."""
    return str(ipaddress.ip_network(cidr).network_address)


class RouteTable:
    """Applies plans; asks the kernel what is there each time, so that a route deleted by hand comes back."""

    def __init__(self) -> None:
        self._plan = Plan()

    async def apply(self, plan: Plan) -> int:
        """Make the kernel's routes those of `plan`; the number of commands that it took."""
        if plan.tunnel and plan.local_address:
            await self._ensure_tunnel(plan)
        listed = json.loads(await run_command(["ip", "-json", "route", "show", "proto", str(PROTOCOL)]) or "[]")
        lines = commands(self._plan, plan, frozenset(route["dst"] for route in listed))
        await ip([line for line in lines if not line.startswith("FDB")])
        for line in lines:
            if line.startswith("FDB"):
                await run_command(["bridge", "fdb", *line.split()[1:]], ok_codes=(0, 2, 255))
        self._plan = plan
        return len(lines)

    async def _ensure_tunnel(self, plan: Plan) -> None:
        if Path(f"/sys/class/net/{VXLAN_DEVICE}").exists():
            return
        mac = tunnel_mac(plan.local_address)
        options = f"id {VXLAN_ID} local {plan.local_address} dstport {VXLAN_PORT} nolearning"
        up = [f"link add {VXLAN_DEVICE} address {mac} type vxlan {options}", f"link set {VXLAN_DEVICE} up"]
        if plan.local_range:
            up.append(f"address replace {_inner(plan.local_range)}/32 dev {VXLAN_DEVICE}")
        await ip(up)


async def attached_segments() -> list[str]:
    """The IPv4 networks that this host is on, as address/prefix."""
    links = json.loads(await run_command(["ip", "-json", "-4", "address", "show", "scope", "global"]) or "[]")
    return [
        f"{entry['local']}/{entry['prefixlen']}"
        for link in links
        if not link["ifname"].startswith(("pod", VXLAN_DEVICE, "docker", "br-", "veth"))
        for entry in link.get("addr_info", ())
        # Addresses that the scope leaves out come as empty entries.
        if entry.get("prefixlen", 32) < 32
    ]
