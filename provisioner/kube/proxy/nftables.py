"""The nftables back end: service ports as a table of maps and small chains, and the script from one state to the next. Pure text.

    nat-prerouting, nat-output -> services: ip daddr . protocol . port   vmap @service-ips   -> chain of the port: dnat to one endpoint
                                            (address of this host) port  vmap @service-nodeports
    filter-prerouting, -output -> the same keys in @no-endpoint-*: reject; drop where only this node has none (traffic policy Local)
    nat-postrouting            -> marked, or a pod that reached itself: masquerade; pods to the outside: masquerade

A chain's name has a hash of its service port, so that it can be replaced by itself.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from provisioner.kube.proxy.services import Endpoint, ServicePort

TABLE = "ip kube-proxy"
# Upstream's masquerade bit.
MARK = "0x4000"

BASE = """add table ip kube-proxy
delete table ip kube-proxy
table ip kube-proxy {{
  comment "rules for kube-proxy"
  map service-ips {{ type ipv4_addr . inet_proto . inet_service : verdict; }}
  map service-nodeports {{ type inet_proto . inet_service : verdict; }}
  map no-endpoint-services {{ type ipv4_addr . inet_proto . inet_service : verdict; }}
  map no-endpoint-nodeports {{ type inet_proto . inet_service : verdict; }}
  set cluster-ips {{ type ipv4_addr; }}
  set endpoint-ips {{ type ipv4_addr; }}
  set pod-ranges {{ type ipv4_addr; flags interval; {ranges}}}
  chain mark-for-masquerade {{ meta mark set meta mark or {mark}; }}
  chain reject-chain {{
    meta l4proto tcp reject with tcp reset
    reject
  }}
  chain drop-chain {{ drop; }}
  chain services {{
    ip daddr . meta l4proto . th dport vmap @service-ips
    {nodeports} fib daddr type local meta l4proto . th dport vmap @service-nodeports
  }}
  chain services-endpoints-check {{
    ip daddr . meta l4proto . th dport vmap @no-endpoint-services
    {nodeports} fib daddr type local meta l4proto . th dport vmap @no-endpoint-nodeports
  }}
  chain cluster-ips-check {{ ip daddr @cluster-ips reject; }}
  chain filter-prerouting {{
    type filter hook prerouting priority -110
    ct state new jump services-endpoints-check
  }}
  chain filter-output {{
    type filter hook output priority -110
    ct state new jump services-endpoints-check
  }}
  chain filter-forward {{
    type filter hook forward priority 0
    ct state new jump cluster-ips-check
  }}
  chain filter-output-post-dnat {{
    type filter hook output priority -90
    ct state new jump cluster-ips-check
  }}
  chain nat-prerouting {{
    type nat hook prerouting priority -100
    jump services
  }}
  chain nat-output {{
    type nat hook output priority -100
    jump services
  }}
  chain nat-postrouting {{
    type nat hook postrouting priority 100
    meta mark and {mark} != 0 meta mark set meta mark xor {mark} masquerade fully-random
    ct status dnat ip saddr @endpoint-ips ip saddr . ip daddr vmap @hairpins
{egress}  }}
  map hairpins {{ type ipv4_addr . ipv4_addr : verdict; }}
  chain hairpin {{ masquerade fully-random; }}
}}
"""


@dataclass(frozen=True, slots=True)
class State:
    """What the table holds beyond its frame. Chains by name to their rules; maps and sets by name to their elements."""

    chains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # affinity sets: name -> declaration
    sets: Mapping[str, str] = field(default_factory=dict)
    elements: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def base(pod_cidr: str | None, node_port_addresses: Iterable[str] = ()) -> str:
    """The frame, replacing any earlier one whole. `pod_cidr` is the cluster's range: what leaves it is masqueraded; None: nothing is.

    Node ports answer on this host's addresses in `node_port_addresses`, on all but loopback where there is none. A refused TCP connection is
    reset: of the kernel's ICMP messages a client gets no more than one a second.
    """
    networks = [ipaddress.ip_network(text, strict=False) for text in node_port_addresses]
    wanted = ipaddress.collapse_addresses(n for n in networks if isinstance(n, ipaddress.IPv4Network))
    listed = ", ".join(str(n) for n in wanted)
    nodeports = f"ip daddr {{ {listed} }}" if listed else "ip daddr != 127.0.0.0/8"
    egress = f"    ip saddr {pod_cidr} ip daddr != {pod_cidr} fib daddr type != local masquerade fully-random\n" if pod_cidr else ""
    ranges = f"elements = {{ {pod_cidr} }}; " if pod_cidr else ""
    return BASE.format(mark=MARK, egress=egress, ranges=ranges, nodeports=nodeports)


def chain_name(kind: str, port: ServicePort) -> str:
    digest = hashlib.sha256(f"{port.name}/{port.protocol}/{port.port}".encode()).hexdigest()[:8].upper()
    return f"{kind}-{digest}-{port.name.replace('/', '-').replace(':', '-').replace('.', '-')}-{port.protocol}-{port.port}"[:120]


def balance(protocol: str, endpoints: tuple[Endpoint, ...]) -> str:
    """One rule that sends a new connection to one of the endpoints, each as likely as the others."""
    if len(endpoints) == 1:
        return f"meta l4proto {protocol} dnat to {endpoints[0].ip}:{endpoints[0].port}"
    choices = ", ".join(f"{number} : {e.ip} . {e.port}" for number, e in enumerate(endpoints))
    return f"meta l4proto {protocol} dnat ip addr . port to numgen random mod {len(endpoints)} map {{ {choices} }}"


def state_of(ports: Iterable[ServicePort]) -> State:
    """The table's content for these service ports."""
    chains: dict[str, tuple[str, ...]] = {}
    sets: dict[str, str] = {}
    elements: dict[str, dict[str, str]] = {
        name: {}
        for name in (
            "service-ips",
            "service-nodeports",
            "no-endpoint-services",
            "no-endpoint-nodeports",
            "cluster-ips",
            "endpoint-ips",
            "hairpins",
        )
    }
    for port in ports:
        for address in port.cluster_ips:
            elements["cluster-ips"][address] = ""
        for endpoint in (*port.endpoints, *port.external, *(port.everywhere if port.external_local else ())):
            elements["endpoint-ips"][endpoint.ip] = ""
            elements["hairpins"][f"{endpoint.ip} . {endpoint.ip}"] = "goto hairpin"
        service = chain_name("service", port)
        if port.endpoints:
            chains[service] = _balancing(port, port.endpoints, chains, sets)
        for address in port.cluster_ips:
            key = f"{address} . {port.protocol} . {port.port}"
            _lead(elements, ("service-ips", "no-endpoint-services"), key, service if port.endpoints else "", port)
        if port.node_port or port.external_ips or port.balancer_ips:
            _externally(port, service, chains, sets, elements)
    return State(chains, sets, elements)


def _externally(
    port: ServicePort, service: str, chains: dict[str, tuple[str, ...]], sets: dict[str, str], elements: dict[str, dict[str, str]]
) -> None:
    external = chain_name("external", port)
    reachable = port.everywhere or port.external if port.external_local else port.external
    if port.external_local and reachable:
        chains[external] = _local_rules(external, port, chains, sets)
    elif reachable and port.endpoints == port.external:
        chains[external] = ("jump mark-for-masquerade", f"goto {service}")
    elif reachable:
        chains[external] = ("jump mark-for-masquerade", *_balancing(port, port.external, chains, sets))
    entry = guarded = external if reachable else ""
    if port.source_ranges and reachable and port.balancer_ips:
        guarded = chain_name("firewall", port)
        chains[guarded] = (f"ip saddr != {{ {', '.join(port.source_ranges)} }} drop", f"goto {external}")
    for address in (*port.external_ips, *port.balancer_ips):
        chain = guarded if address in port.balancer_ips else entry
        _lead(elements, ("service-ips", "no-endpoint-services"), f"{address} . {port.protocol} . {port.port}", chain, port)
    if port.node_port:
        key = f"{port.protocol} . {port.node_port}"
        _lead(elements, ("service-nodeports", "no-endpoint-nodeports"), key, external if reachable else "", port)


def _local_rules(external: str, port: ServicePort, chains: dict[str, tuple[str, ...]], sets: dict[str, str]) -> tuple[str, ...]:
    """Traffic policy Local: pods and this host reach every node's endpoints, as by the cluster IP; others this node's or nothing."""
    cluster = chain_name("cluster", port)
    chains[cluster] = _balancing(port, port.everywhere or port.external, chains, sets)
    inner = (
        f"ip saddr @pod-ranges goto {cluster}",
        "fib saddr type local jump mark-for-masquerade",
        f"fib saddr type local goto {cluster}",
    )
    return (*inner, *(_balancing(port, port.external, chains, sets) if port.external else ("drop",)))


def _lead(elements: dict[str, dict[str, str]], maps: tuple[str, str], key: str, chain: str, port: ServicePort) -> None:
    """The key leads to `chain`; where there is none, packets are refused, or dropped if other nodes have endpoints."""
    usable, refused = maps
    if chain:
        elements[usable][key] = f"goto {chain}"
    else:
        elements[refused][key] = "goto drop-chain" if port.everywhere else "goto reject-chain"


def _balancing(
    port: ServicePort, endpoints: tuple[Endpoint, ...], chains: dict[str, tuple[str, ...]], sets: dict[str, str]
) -> tuple[str, ...]:
    """The rules of a chain that picks an endpoint; with session affinity a chain and a set of client addresses for each endpoint.

    Clients are remembered by the service's port, whichever address they use, and by the time of it: a set's time can't be changed.
    """
    if not port.affinity_s:
        return (balance(port.protocol, endpoints),)
    targets = []
    for endpoint in endpoints:
        key = f"{port.name}/{port.protocol}/{port.port}/{port.affinity_s}/{endpoint.ip}/{endpoint.port}"
        suffix = hashlib.sha256(key.encode()).hexdigest()[:12]
        sets[f"affinity-{suffix}"] = f"type ipv4_addr; flags dynamic,timeout; timeout {port.affinity_s}s;"
        chains[f"endpoint-{suffix}"] = (f"update @affinity-{suffix} {{ ip saddr }}", balance(port.protocol, (endpoint,)))
        targets.append(suffix)
    choices = ", ".join(f"{number} : goto endpoint-{suffix}" for number, suffix in enumerate(targets))
    return (
        *(f"ip saddr @affinity-{suffix} goto endpoint-{suffix}" for suffix in targets),
        f"numgen random mod {len(targets)} vmap {{ {choices} }}",
    )


def difference(old: State, new: State) -> str:
    """The nft script, one transaction, that turns `old` into `new`; empty where nothing changed."""
    lines: list[str] = []
    lines += [f"add set {TABLE} {name} {{ {new.sets[name]} }}" for name in new.sets if old.sets.get(name) != new.sets[name]]
    changed = [name for name, rules in new.chains.items() if old.chains.get(name) != rules]
    lines += [f"add chain {TABLE} {name}" for name in changed if name not in old.chains]
    lines += [f"flush chain {TABLE} {name}" for name in changed if name in old.chains]
    lines += [f"add rule {TABLE} {name} {rule}" for name in changed for rule in new.chains[name]]
    for name in {**old.elements, **new.elements}:
        before, after = old.elements.get(name, {}), new.elements.get(name, {})
        gone = [key for key, value in before.items() if after.get(key) != value]
        fresh = [(key, value) for key, value in after.items() if before.get(key) != value]
        if gone:
            lines.append(f"delete element {TABLE} {name} {{ {', '.join(_element(key, before[key]) for key in gone)} }}")
        if fresh:
            lines.append(f"add element {TABLE} {name} {{ {', '.join(_element(key, value) for key, value in fresh)} }}")
    stale = [name for name in old.chains if name not in new.chains]
    lines += [f"flush chain {TABLE} {name}" for name in stale]
    lines += [f"delete chain {TABLE} {name}" for name in stale]
    lines += [f"delete set {TABLE} {name}" for name in old.sets if name not in new.sets]
    return "".join(line + "\n" for line in lines)


def _element(key: str, value: str) -> str:
    return f"{key} : {value}" if value else key
