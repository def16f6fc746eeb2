"""Endpoints and endpoint slices: addresses that can be reached, ports with names of their own."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api._generated import core_v1, discovery_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import Once, named, one_of
from provisioner.kube.api.validation.containers import PROTOCOLS

# Upstream's bounds of one slice.
MAX_HINTS = 8
MAX_ENDPOINTS, MAX_PORTS, MAX_ADDRESSES = 1000, 20_000, 100
ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")


def create(obj: Any) -> list[FieldError]:
    return _slice(obj) if isinstance(obj, discovery_v1.EndpointSlice) else _endpoints(obj)


def _endpoints(obj: core_v1.Endpoints) -> list[FieldError]:
    problems = []
    for index, subset in enumerate(obj.subsets or ()):
        where = f"subsets[{index}]"
        if not subset.addresses and not subset.not_ready_addresses:
            problems.append(errors.required(where, "must specify `addresses` or `notReadyAddresses`"))
        for field, addresses in (("addresses", subset.addresses), ("notReadyAddresses", subset.not_ready_addresses)):
            for number, address in enumerate(addresses or ()):
                problems += _reachable(f"{where}.{field}[{number}].ip", address.ip)
                problems += named(f"{where}.{field}[{number}].hostname", address.hostname, names.is_dns_label)
                problems += named(f"{where}.{field}[{number}].nodeName", address.node_name, names.is_dns_subdomain)
        many = len(subset.ports or ()) > 1
        for number, port in enumerate(subset.ports or ()):
            here = f"{where}.ports[{number}]"
            if many and not port.name:
                problems.append(errors.required(f"{here}.name"))
            problems += named(f"{here}.name", port.name, names.is_dns_label)
            problems += checks.port(f"{here}.port", port.port) + one_of(f"{here}.protocol", port.protocol, PROTOCOLS)
    return problems


def _reachable(path: str, text: str | None) -> list[FieldError]:
    """An address that leads somewhere else than to the one who asks."""
    wrong = checks.address(path, text)
    if wrong:
        return wrong
    found = ipaddress.ip_address(text or "")
    for kind, detail in (
        (found.is_unspecified, "may not be unspecified (0.0.0.0 or ::)"),
        (found.is_loopback, "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        (found.is_link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        (found.is_multicast, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
    ):
        if kind:
            return [errors.invalid_value(path, text, detail)]
    return []


def _slice(obj: discovery_v1.EndpointSlice) -> list[FieldError]:
    problems = one_of("addressType", obj.address_type, ADDRESS_TYPES)
    if len(obj.endpoints or ()) > MAX_ENDPOINTS:
        problems.append(errors.too_many("endpoints", len(obj.endpoints or ()), MAX_ENDPOINTS))
    for index, endpoint in enumerate(obj.endpoints or ()):
        where = f"endpoints[{index}]"
        if not endpoint.addresses:
            problems.append(errors.required(f"{where}.addresses", "must contain at least 1 address"))
        elif len(endpoint.addresses) > MAX_ADDRESSES:
            problems.append(errors.too_many(f"{where}.addresses", len(endpoint.addresses), MAX_ADDRESSES))
        for number, address in enumerate(endpoint.addresses or ()):
            here = f"{where}.addresses[{number}]"
            if obj.address_type == "FQDN":
                problems += named(here, address, names.is_dns_subdomain)
            elif obj.address_type in ("IPv4", "IPv6"):
                problems += _of_family(here, address, obj.address_type)
        problems += named(f"{where}.nodeName", endpoint.node_name, names.is_dns_subdomain)
        problems += named(f"{where}.hostname", endpoint.hostname, names.is_dns_label)
        if endpoint.hints is not None:
            problems += _hints(endpoint.hints, f"{where}.hints")
    if len(obj.ports or ()) > MAX_PORTS:
        problems.append(errors.too_many("ports", len(obj.ports or ()), MAX_PORTS))
    seen = Once()
    for index, port in enumerate(obj.ports or ()):
        where = f"ports[{index}]"
        problems += named(f"{where}.name", port.name, names.is_dns_label) + seen.add(f"{where}.name", port.name)
        problems += one_of(f"{where}.protocol", port.protocol, PROTOCOLS)
        if port.port is not None:
            problems += checks.port(f"{where}.port", port.port)
        problems += [errors.invalid_value(f"{where}.appProtocol", port.app_protocol, m) for m in _protocol(port.app_protocol)]
    return problems


def _protocol(name: str | None) -> list[str]:
    return names.is_qualified_name(name) if name is not None else []


def _hints(found: discovery_v1.EndpointHints, path: str) -> list[FieldError]:
    """For whom an endpoint is meant: each zone and node once."""
    problems: list[FieldError] = []
    zones, nodes = found.for_zones or [], found.for_nodes or []
    # A zone is a label's value of its nodes.
    sides: tuple[tuple[str, list[Any], Callable[[str], list[str]]], ...] = (
        ("forZones", zones, names.is_label_value),
        ("forNodes", nodes, names.is_dns_subdomain),
    )
    for field, places, wrong in sides:
        if len(places) > MAX_HINTS:
            problems.append(errors.too_many(f"{path}.{field}", len(places), MAX_HINTS))
        seen = Once()
        for index, place in enumerate(places):
            where = f"{path}.{field}[{index}].name"
            problems += [errors.invalid_value(where, place.name or "", m) for m in wrong(place.name or "")]
            problems += seen.add(where, place.name)
    return problems


def _of_family(path: str, text: str, family: str) -> list[FieldError]:
    wrong = _reachable(path, text)
    if wrong:
        return wrong
    if ipaddress.ip_address(text).version != int(family[-1]):
        return [errors.invalid_value(path, text, f"must be a valid {family} address")]
    return []


def update(new: Any, old: Any) -> list[FieldError]:
    return checks.unchanged("addressType", new.address_type, old.address_type) if isinstance(new, discovery_v1.EndpointSlice) else []
