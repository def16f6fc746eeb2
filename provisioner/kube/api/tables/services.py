"""The tables of services, endpoints and what leads to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from provisioner.kube.api.tables import AGE, NAME, NONE, Cells, Column, age, selector_text

SHOWN = 3


def _joined(items: list[str], limit: int = SHOWN) -> str:
    if not items:
        return NONE
    more = f" + {len(items) - limit} more..." if len(items) > limit else ""
    return ",".join(items[:limit]) + more


def service(obj: Any, now: datetime) -> list[Any]:
    spec = obj.spec
    ingress = [i.ip or i.hostname or "" for i in (obj.status.load_balancer.ingress or ())] if obj.status.load_balancer else []
    external = [*(spec.external_ips or ()), *(ingress if spec.type == "LoadBalancer" else ())]
    if spec.type == "ExternalName":
        shown = spec.external_name or NONE
    else:
        shown = ",".join(external) or ("<pending>" if spec.type == "LoadBalancer" else NONE)
    ports = [f"{p.port}:{p.node_port}/{p.protocol}" if p.node_port else f"{p.port}/{p.protocol}" for p in spec.ports or ()]
    return [
        obj.metadata.name,
        spec.type,
        spec.cluster_ip or NONE,
        shown,
        ",".join(ports) or NONE,
        age(obj.metadata.creation_timestamp, now),
        selector_text(spec.selector),
    ]


def endpoints(obj: Any, now: datetime) -> list[Any]:
    found = []
    for subset in obj.subsets or ():
        for address in subset.addresses or ():
            found += [f"{address.ip}:{p.port}" for p in subset.ports or ()] or [address.ip]
    return [obj.metadata.name, _joined(found), age(obj.metadata.creation_timestamp, now)]


def endpoint_slice(obj: Any, now: datetime) -> list[Any]:
    ports = [str(p.port) if p.port else "*" for p in obj.ports or ()]
    addresses = [address for e in obj.endpoints or () for address in e.addresses or ()]
    shown = "<unset>" if not ports else _joined(ports)
    return [
        obj.metadata.name,
        obj.address_type,
        shown,
        _joined(addresses) if addresses else "<unset>",
        age(obj.metadata.creation_timestamp, now),
    ]


def ingress(obj: Any, now: datetime) -> list[Any]:
    hosts = [rule.host or "*" for rule in obj.spec.rules or ()]
    points = [i.ip or i.hostname or "" for i in (obj.status.load_balancer.ingress or ())] if obj.status.load_balancer else []
    ports = "80, 443" if obj.spec.tls else "80"
    return [
        obj.metadata.name,
        obj.spec.ingress_class_name or NONE,
        _joined(hosts) if hosts else "*",
        ",".join(points),
        ports,
        age(obj.metadata.creation_timestamp, now),
    ]


def network_policy(obj: Any, now: datetime) -> list[Any]:
    return [obj.metadata.name, selector_text(obj.spec.pod_selector), age(obj.metadata.creation_timestamp, now)]


TABLES: dict[str, tuple[tuple[Column, ...], Cells]] = {
    "Service": (
        (NAME, Column("Type"), Column("Cluster-IP"), Column("External-IP"), Column("Port(s)"), AGE, Column("Selector", priority=1)),
        service,
    ),
    "Endpoints": ((NAME, Column("Endpoints"), AGE), endpoints),
    "EndpointSlice": ((NAME, Column("AddressType"), Column("Ports"), Column("Endpoints"), AGE), endpoint_slice),
    "Ingress": ((NAME, Column("Class"), Column("Hosts"), Column("Address"), Column("Ports"), AGE), ingress),
    "NetworkPolicy": ((NAME, Column("Pod-Selector"), AGE), network_policy),
}
