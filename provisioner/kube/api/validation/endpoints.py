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
MAX_HINTS, MAX_TOPOLOGY = 8, 16
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
                problems += _address(address, f"{where}.{field}[{number}]")
        for number, port in enumerate(subset.ports or ()):
            here = f"{where}.ports[{number}]"
            if len(subset.ports or ()) > 1 and not port.name:
                problems.append(errors.required(f"{here}.name"))
            problems += named(f"{here}.name", port.name, names.is_dns_label)
            problems += checks.port(f"{here}.port", port.port) + one_of(f"{here}.protocol", port.protocol, PROTOCOLS)
            problems += _if_given(f"{here}.appProtocol", port.app_protocol, names.is_qualified_name)
    return problems


def _address(given: core_v1.EndpointAddress, path: str) -> list[FieldError]:
    problems = checks.address(f"{path}.ip", given.ip)
    problems += named(f"{path}.hostname", given.hostname, names.is_dns_label)
    problems += _if_given(f"{path}.nodeName", given.node_name, names.is_dns_subdomain)
    return problems + checks.reachable(f"{path}.ip", given.ip)


def _slice(obj: discovery_v1.EndpointSlice) -> list[FieldError]:
    problems = one_of("addressType", obj.address_type, ADDRESS_TYPES)
    problems += checks.each(obj.endpoints, MAX_ENDPOINTS, "endpoints", lambda one, where: _endpoint(one, where, obj.address_type))
    seen = Once()

    def port(given: discovery_v1.EndpointPort, where: str) -> list[FieldError]:
        found = named(f"{where}.name", given.name, names.is_dns_label) + seen.add(f"{where}.name", given.name or "")
        found += one_of(f"{where}.protocol", given.protocol, PROTOCOLS)
        found += checks.port(f"{where}.port", given.port) if given.port is not None else []
        return found + _if_given(f"{where}.appProtocol", given.app_protocol, names.is_qualified_name)

    return problems + checks.each(obj.ports, MAX_PORTS, "ports", port)


def _endpoint(found: discovery_v1.Endpoint, where: str, kind: str | None) -> list[FieldError]:
    path, problems = f"{where}.addresses", []
    if not found.addresses:
        problems.append(errors.required(path, "must contain at least 1 address"))
    elif len(found.addresses) > MAX_ADDRESSES:
        problems.append(errors.too_many(path, len(found.addresses), MAX_ADDRESSES))
    for number, address in enumerate(found.addresses or ()):
        if kind == "FQDN":
            problems += checks.domain(f"{path}[{number}]", address)
        elif kind in ("IPv4", "IPv6"):
            problems += _of_family(f"{path}[{number}]", address, kind)
    problems += _if_given(f"{where}.nodeName", found.node_name, names.is_dns_subdomain)
    topology = f"{where}.deprecatedTopology"
    if len(found.deprecated_topology or ()) > MAX_TOPOLOGY:
        problems.append(errors.too_many(topology, len(found.deprecated_topology or ()), MAX_TOPOLOGY))
    problems += checks.label_map(topology, found.deprecated_topology)
    problems += _if_given(f"{where}.hostname", found.hostname, names.is_dns_label)
    return problems + (_hints(found.hints, f"{where}.hints") if found.hints is not None else [])


def _if_given(path: str, text: str | None, wrong: Callable[[str], list[str]]) -> list[FieldError]:
    """Of texts that may be missing, and not empty."""
    return [errors.invalid_value(path, text, message) for message in wrong(text)] if text is not None else []


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
            return [*problems, errors.too_many(f"{path}.{field}", len(places), MAX_HINTS)]
        seen = Once()
        for index, place in enumerate(places):
            where = f"{path}.{field}[{index}].name"
            problems += seen.add(where, place.name or "")
            problems += [errors.invalid_value(where, place.name or "", message) for message in wrong(place.name or "")]
    return problems


def _of_family(path: str, text: str, family: str) -> list[FieldError]:
    try:
        fits = ipaddress.ip_address(checks.without_zeros(text)).version == int(family[-1])
    except ValueError:
        fits = False
    wrong = [] if fits else [errors.invalid_value(path, text, f"must be a valid {family} address")]
    return (wrong or checks.address(path, text)) + checks.reachable(path, text)


def update(new: Any, old: Any) -> list[FieldError]:
    return checks.unchanged("addressType", new.address_type, old.address_type) if isinstance(new, discovery_v1.EndpointSlice) else []
