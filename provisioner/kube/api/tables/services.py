"""Tables of services, endpoints, slices, ingresses and network policies."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from provisioner.kube.api._generated import core_v1, networking_v1
from provisioner.kube.api.tables.columns import NONE, UNSET, Printer, age, columns, pairs, selector, some


def _balancer(status: Any) -> list[str]:
    balancer = status.load_balancer
    return sorted({point.ip or point.hostname or "" for point in (balancer.ingress or ())} - {""}) if balancer is not None else []


def _external(obj: core_v1.Service) -> str:
    spec = obj.spec
    given = list(spec.external_ips or ())
    if spec.type == "LoadBalancer":
        return ",".join([*_balancer(obj.status), *given]) or "<pending>"
    if spec.type == "ExternalName":
        return spec.external_name or NONE
    return ",".join(given) or NONE


def _ports(obj: core_v1.Service) -> str:
    shown = []
    for port in obj.spec.ports or ():
        node = f":{port.node_port}" if port.node_port else ""
        shown.append(f"{port.port}{node}/{port.protocol or 'TCP'}")
    return ",".join(shown) or NONE


def _service(obj: core_v1.Service, now: datetime) -> list[Any]:
    spec = obj.spec
    address = next(iter(spec.cluster_ips or ()), None) or spec.cluster_ip or NONE
    return [obj.metadata.name, spec.type or "ClusterIP", address, _external(obj), _ports(obj), age(obj, now), pairs(spec.selector)]


def _endpoints(obj: core_v1.Endpoints, now: datetime) -> list[Any]:
    found = []
    for subset in obj.subsets or ():
        if not subset.ports:
            found += [address.ip or "" for address in subset.addresses or ()]
        for port in subset.ports or ():
            found += [_socket(address.ip or "", port.port or 0) for address in subset.addresses or ()]
    return [obj.metadata.name, some(found) if obj.subsets else NONE, age(obj, now)]


def _socket(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _slice(obj: Any, now: datetime) -> list[Any]:
    ports = [str(port.port) if port.port is not None else "*" if port.name is None else port.name for port in obj.ports or ()]
    addresses = [address for endpoint in obj.endpoints or () for address in endpoint.addresses or ()]
    return [obj.metadata.name, obj.address_type or "", some(ports) or UNSET, some(addresses) or UNSET, age(obj, now)]


def _ingress(obj: networking_v1.Ingress, now: datetime) -> list[Any]:
    hosts = [rule.host for rule in obj.spec.rules or () if rule.host]
    return [
        obj.metadata.name,
        obj.spec.ingress_class_name or (obj.metadata.annotations or {}).get("kubernetes.io/ingress.class") or NONE,
        some(hosts) or "*",
        ",".join(_balancer(obj.status)),
        "80, 443" if obj.spec.tls else "80",
        age(obj, now),
    ]


def _ingress_class(obj: networking_v1.IngressClass, now: datetime) -> list[Any]:
    given = obj.spec.parameters
    shown = NONE
    if given is not None:
        group = f".{given.api_group}" if given.api_group else ""
        shown = f"{given.kind}{group}/{given.name}"
    default = (obj.metadata.annotations or {}).get("ingressclass.kubernetes.io/is-default-class") == "true"
    return [f"{obj.metadata.name} (default)" if default else obj.metadata.name, obj.spec.controller or "", shown, age(obj, now)]


def _policy(obj: networking_v1.NetworkPolicy, now: datetime) -> list[Any]:
    return [obj.metadata.name, selector(obj.spec.pod_selector), age(obj, now)]


def _service_cidr(obj: Any, now: datetime) -> list[Any]:
    return [obj.metadata.name, ",".join(obj.spec.cidrs or ()), age(obj, now)]


def _address(obj: Any, now: datetime) -> list[Any]:
    parent = obj.spec.parent_ref
    shown = NONE
    if parent is not None:
        kind = f"{parent.resource}.{parent.group}" if parent.group else parent.resource or ""
        shown = f"{kind}/{parent.namespace}/{parent.name}" if parent.namespace else f"{kind}/{parent.name}"
    return [obj.metadata.name, shown]


PRINTERS = {
    ("", "Service"): Printer(columns("Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector+"), _service),
    ("", "Endpoints"): Printer(columns("Name", "Endpoints", "Age"), _endpoints),
    ("discovery.k8s.io", "EndpointSlice"): Printer(columns("Name", "AddressType", "Ports", "Endpoints", "Age"), _slice),
    ("networking.k8s.io", "Ingress"): Printer(columns("Name", "Class", "Hosts", "Address", "Ports", "Age"), _ingress),
    ("networking.k8s.io", "IngressClass"): Printer(columns("Name", "Controller", "Parameters", "Age"), _ingress_class),
    ("networking.k8s.io", "NetworkPolicy"): Printer(columns("Name", "Pod-Selector", "Age"), _policy),
    ("networking.k8s.io", "ServiceCIDR"): Printer(columns("Name", "CIDRs", "Age"), _service_cidr),
    ("networking.k8s.io", "IPAddress"): Printer(columns("Name", "ParentRef"), _address),
}
