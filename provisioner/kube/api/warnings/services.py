"""Warnings about services and about addresses: what will be ignored, and forms that will not be taken for ever."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from provisioner.kube.api.errors import shown

_HINTS, _MODE = "service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode"


def service(new: Any, old: Any) -> list[str]:
    spec = new.spec
    found = []
    if _HINTS in (new.metadata.annotations or {}):
        found.append(f"annotation {_HINTS} is deprecated, please use {_MODE} instead")
    headless, external = spec.type == "ClusterIP" and spec.cluster_ip == "None", spec.type == "ExternalName"
    if spec.cluster_ip not in (None, "", "None"):
        for index, address in enumerate(spec.cluster_ips or ()):
            found += of_address(address, f"spec.clusterIPs[{index}]")
    if headless:
        if spec.load_balancer_ip:
            found.append("spec.loadBalancerIP is ignored for headless services")
        if spec.external_ips:
            found.append("spec.externalIPs is ignored for headless services")
        if spec.session_affinity not in (None, "", "None"):
            found.append("spec.SessionAffinity is ignored for headless services")
    for index, address in enumerate(spec.external_ips or ()):
        found += of_address(address, f"spec.externalIPs[{index}]")
    if spec.external_ips and not headless and not external:
        found.append("spec.externalIPs is deprecated and may no longer be implemented in some clusters")
    if spec.load_balancer_ip:
        found += of_address(spec.load_balancer_ip, "spec.loadBalancerIP")
    for index, network in enumerate(spec.load_balancer_source_ranges or ()):
        found += of_network(network, f"spec.loadBalancerSourceRanges[{index}]")
    if external and spec.external_ips:
        found.append('spec.externalIPs is ignored when spec.type is "ExternalName"')
    if not external and spec.external_name:
        found.append('spec.externalName is ignored when spec.type is not "ExternalName"')
    if spec.traffic_distribution == "PreferClose":
        found.append('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
    return found


def endpoint_slice(new: Any, old: Any) -> list[str]:
    if new.address_type not in ("IPv4", "IPv6"):
        return []
    found: list[str] = []
    for index, endpoint in enumerate(new.endpoints or ()):
        for place, address in enumerate(endpoint.addresses or ()):
            found += of_address(address, f"endpoints[{index}].addresses[{place}]")
    return found


def network_policy(new: Any, old: Any) -> list[str]:
    found: list[str] = []
    sides = (("ingress", "from", "from_", new.spec.ingress), ("egress", "to", "to", new.spec.egress))
    for side, name, attribute, rules in sides:
        for index, rule in enumerate(rules or ()):
            for place, peer in enumerate(getattr(rule, attribute) or ()):
                if peer.ip_block is not None:
                    at = f"spec.{side}[{index}].{name}[{place}].ipBlock"
                    found += of_network(peer.ip_block.cidr, f"{at}.cidr")
                    for number, excepted in enumerate(peer.ip_block.except_ or ()):
                        found += of_network(excepted, f"{at}.except[{number}]")
    return found


def of_address(text: str, path: str) -> Iterator[str]:
    """Of an address that Go's older parser takes."""
    address = _sloppy(text)
    if address is None:
        return
    if address.version == 4 and str(address) != text:
        yield f"{path}: non-standard IP address {shown(text)} will be considered invalid in a future Kubernetes release: use {shown(str(address))}"
    elif str(address) != text:
        yield f"{path}: IPv6 address {shown(text)} should be in RFC 5952 canonical format ({shown(str(address))})"


def of_network(text: str, path: str) -> Iterator[str]:
    text = (text or "").strip()
    base, slash, length = text.partition("/")
    address = _sloppy(base)
    if address is None or not slash or not length.isdigit():
        return
    try:
        network = ipaddress.ip_network(f"{address}/{length}", strict=False)
    except ValueError:
        return
    whole = True
    if network.network_address != address:
        whole = False
        single = f"{address}/{network.max_prefixlen}"
        yield f"{path}: CIDR value {shown(text)} is ambiguous in this context (should be {shown(str(network))} or {shown(single)}?)"
    if address.version == 4 and str(address) != base:
        yield f"{path}: non-standard CIDR value {shown(text)} will be considered invalid in a future Kubernetes release: use {shown(str(network))}"
    elif whole and str(network) != text:
        yield f"{path}: IPv6 CIDR value {shown(text)} should be in RFC 5952 canonical format ({shown(str(network))})"


def _sloppy(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """With zeros before decimal numbers, and IPv4 inside IPv6, as older releases took them."""
    parts = text.split(".")
    if len(parts) == 4 and all(part.isdigit() for part in parts):
        text = ".".join(str(int(part)) for part in parts)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped if mapped is not None else address
