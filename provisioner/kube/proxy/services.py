"""From Services and EndpointSlices to what each service port leads to. Pure.

Which endpoints take part follows upstream: ready ones; if there is none, those that still serve while they terminate. Traffic policies
Local keep those of this node.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from provisioner.kube.api._generated import core_v1, discovery_v1

# Service.spec.sessionAffinityConfig.clientIP.timeoutSeconds's default: 3 hours.
AFFINITY_S = 3 * 3600
# Objects with one of these labels are somebody else's: another proxy's, or nobody's.
NOT_OURS = ("service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless")
# The older form of spec.loadBalancerSourceRanges, a list with commas; read where the field is empty.
SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """An address and port that takes connections."""

    ip: str
    port: int


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One port of one service. `endpoints` are for traffic to the cluster IP, `external` for node ports and external addresses.

    `external_local` says that `external` holds this node's endpoints alone (externalTrafficPolicy Local), whose clients keep their address.
    `everywhere` are all nodes' endpoints, whatever the policies: a policy that leaves none of them here drops packets, a service that has
    none at all refuses connections. `health_port` answers where a balancer asks whether this node has endpoints; those that end don't count
    in `local_ready`, so that the balancer goes elsewhere while they serve what still comes. `source_ranges` guard `balancer_ips` alone.
    """

    name: str
    protocol: str
    port: int
    cluster_ips: tuple[str, ...] = ()
    external_ips: tuple[str, ...] = ()
    balancer_ips: tuple[str, ...] = ()
    node_port: int = 0
    endpoints: tuple[Endpoint, ...] = ()
    external: tuple[Endpoint, ...] = ()
    external_local: bool = False
    everywhere: tuple[Endpoint, ...] = ()
    health_port: int = 0
    local_ready: int = 0
    affinity_s: int = 0
    source_ranges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where this proxy is: its node, and the node's zone (empty for none)."""

    node: str
    zone: str = ""


def _ipv4s(addresses: Iterable[str | None]) -> tuple[str, ...]:
    """Those that are IPv4 addresses, each once, in their order."""
    return tuple(dict.fromkeys(a for a in addresses if a and ":" not in a and a != "None"))


def _ours(labelled: Any) -> bool:
    return not any(label in (labelled.metadata.labels or {}) for label in NOT_OURS)


def _source_ranges(service: core_v1.Service) -> tuple[str, ...]:
    """The IPv4 ranges that may use the balancer's addresses, none inside another; empty: everybody may."""
    given = service.spec.load_balancer_source_ranges or (service.metadata.annotations or {}).get(SOURCE_RANGES, "").split(",")
    networks = []
    for text in given:
        try:
            networks.append(ipaddress.IPv4Network(text.strip(), strict=False))
        except ValueError:
            continue
    return tuple(str(network) for network in ipaddress.collapse_addresses(networks))


def ports_of(service: core_v1.Service, slices: Iterable[discovery_v1.EndpointSlice], place: Place) -> list[ServicePort]:
    """The service's ports as seen from `place`; none for headless and ExternalName services, and those of another proxy."""
    spec = service.spec
    cluster_ips = _ipv4s([spec.cluster_ip, *(spec.cluster_ips or ())])
    if spec.type == "ExternalName" or not cluster_ips or not _ours(service):
        return []
    ipv4 = [s for s in slices if s.address_type == "IPv4" and _ours(s)]
    affinity_s = 0
    if spec.session_affinity == "ClientIP":
        config = spec.session_affinity_config
        affinity_s = (config.client_ip.timeout_seconds if config and config.client_ip else None) or AFFINITY_S
    external_ips = tuple(ip for ip in _ipv4s(spec.external_ips or ()) if ip not in cluster_ips)
    balancer_ips = tuple(ip for ip in _balancer_ips(service) if ip not in (*cluster_ips, *external_ips))
    source_ranges = _source_ranges(service)
    external_local = spec.external_traffic_policy == "Local"
    made = []
    for port in spec.ports or ():
        found = _endpoints(ipv4, port.name or "", place)
        made.append(
            ServicePort(
                name=f"{service.metadata.namespace}/{service.metadata.name}" + (f":{port.name}" if port.name else ""),
                protocol=(port.protocol or "TCP").lower(),
                port=port.port or 0,
                cluster_ips=cluster_ips,
                external_ips=external_ips,
                balancer_ips=balancer_ips,
                node_port=port.node_port or 0,
                endpoints=_usable(found, place, spec.internal_traffic_policy == "Local"),
                external=_usable(found, place, external_local),
                external_local=external_local,
                everywhere=_usable(found, Place(place.node), False),
                health_port=(spec.health_check_node_port or 0) if external_local and spec.type == "LoadBalancer" else 0,
                local_ready=len({c.endpoint.ip for c in found if c.local and c.ready}),
                affinity_s=affinity_s,
                source_ranges=source_ranges,
            )
        )
    return made


def _balancer_ips(service: core_v1.Service) -> tuple[str, ...]:
    """The addresses that a balancer delivers packets for unchanged; one that has ipMode Proxy addresses the node itself."""
    if service.spec.type != "LoadBalancer" or service.status.load_balancer is None:
        return ()
    return _ipv4s(i.ip for i in service.status.load_balancer.ingress or () if i.ip_mode != "Proxy")


@dataclass(frozen=True, slots=True)
class _Candidate:
    endpoint: Endpoint
    local: bool
    ready: bool
    serving: bool
    for_nodes: frozenset[str]
    for_zones: frozenset[str]


def _endpoints(slices: list[discovery_v1.EndpointSlice], port_name: str, place: Place) -> list[_Candidate]:
    found = []
    for piece in slices:
        numbers = [p.port for p in piece.ports or () if (p.name or "") == port_name and p.port]
        for endpoint in (piece.endpoints or ()) if numbers else ():
            conditions = endpoint.conditions or discovery_v1.EndpointConditions()
            ready = conditions.ready is not False
            serving = conditions.serving if conditions.serving is not None else ready
            local = endpoint.node_name == place.node
            hints = endpoint.hints or discovery_v1.EndpointHints()
            nodes = frozenset(hint.name or "" for hint in hints.for_nodes or ())
            zones = frozenset(hint.name or "" for hint in hints.for_zones or ())
            found += [
                _Candidate(Endpoint(address, number), local, ready, bool(serving), nodes, zones)
                for address in endpoint.addresses or ()
                for number in numbers
            ]
    return found


def _usable(found: list[_Candidate], place: Place, local_only: bool) -> tuple[Endpoint, ...]:
    candidates = [c for c in found if c.local] if local_only else found
    ready = [c for c in candidates if c.ready]
    chosen = (ready if local_only else _near(ready, place)) or [c for c in candidates if c.serving]
    return tuple(sorted({c.endpoint for c in chosen}))


def _near(ready: list[_Candidate], place: Place) -> list[_Candidate]:
    """Those that are meant for this node, else for this zone; all of them where a hint is missing or none is for here."""
    for here, hints in ((place.node, [c.for_nodes for c in ready]), (place.zone, [c.for_zones for c in ready])):
        meant = [c for c, names in zip(ready, hints, strict=True) if here in names]
        if here and all(hints) and meant:
            return meant
    return ready
