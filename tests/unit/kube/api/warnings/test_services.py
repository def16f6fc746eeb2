"""Proves what is said of services and of addresses in forms that will not be taken for ever."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api.warnings.services import of_address, of_network


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        ({"externalIPs": ["1.1.1.1"]}, ["spec.externalIPs is deprecated and may no longer be implemented in some clusters"]),
        ({"clusterIP": "None", "sessionAffinity": "ClientIP"}, ["spec.SessionAffinity is ignored for headless services"]),
        ({"clusterIP": "None", "externalIPs": ["1.1.1.1"]}, ["spec.externalIPs is ignored for headless services"]),
        ({"externalName": "a.b"}, ['spec.externalName is ignored when spec.type is not "ExternalName"']),
        ({"type": "ExternalName", "externalName": "a.b", "externalIPs": ["1.1.1.1"]}, ['spec.externalIPs is ignored when spec.type is "ExternalName"']),
        ({"trafficDistribution": "PreferClose"}, ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"']),
        ({"loadBalancerSourceRanges": ["1.2.3.4/8"], "type": "LoadBalancer"},
         ['spec.loadBalancerSourceRanges[0]: CIDR value "1.2.3.4/8" is ambiguous in this context (should be "1.0.0.0/8" or "1.2.3.4/32"?)']),
    ],
)  # fmt: skip
def test_services(warned: Any, spec: dict[str, Any], expected: list[str]) -> None:
    assert warned("Service", {"spec": {"ports": [{"port": 80}], **spec}}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.1", None),
        ("2001:db8::1", None),
        ("010.0.0.1", 'p: non-standard IP address "010.0.0.1" will be considered invalid in a future Kubernetes release: use "10.0.0.1"'),
        ("::ffff:1.2.3.4", 'p: non-standard IP address "::ffff:1.2.3.4" will be considered invalid in a future Kubernetes release: use "1.2.3.4"'),
        ("2001:DB8::1", 'p: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")'),
        ("none", None),
    ],
)  # fmt: skip
def test_addresses(text: str, expected: str | None) -> None:
    assert list(of_address(text, "p")) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.0/8", []),
        ("10.1.0.0/8", ['p: CIDR value "10.1.0.0/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.1.0.0/32"?)']),
        ("010.0.0.0/8", ['p: non-standard CIDR value "010.0.0.0/8" will be considered invalid in a future Kubernetes release: use "10.0.0.0/8"']),
        ("2001:DB8::/64", ['p: IPv6 CIDR value "2001:DB8::/64" should be in RFC 5952 canonical format ("2001:db8::/64")']),
        ("10.0.0.0", []),
        ("10.0.0.0/99", []),
    ],
)  # fmt: skip
def test_networks(text: str, expected: list[str]) -> None:
    assert list(of_network(text, "p")) == expected


def test_where_addresses_are(warned: Any) -> None:
    peers = [{"ipBlock": {"cidr": "10.1.0.0/8", "except": ["10.1.2.3/24"]}}]
    found = warned("NetworkPolicy", {"spec": {"podSelector": {}, "ingress": [{"from": peers}], "egress": [{"to": peers}]}})
    assert [text.partition(":")[0] for text in found] == [
        "spec.ingress[0].from[0].ipBlock.cidr",
        "spec.ingress[0].from[0].ipBlock.except[0]",
        "spec.egress[0].to[0].ipBlock.cidr",
        "spec.egress[0].to[0].ipBlock.except[0]",
    ]
    (found,) = warned("EndpointSlice", {"addressType": "IPv4", "endpoints": [{"addresses": ["1.1.1.1", "01.1.1.1"]}]})
    assert found.startswith("endpoints[0].addresses[1]: non-standard IP address")
