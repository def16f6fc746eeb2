"""Proves which endpoints there may be, in upstream's order and words."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1, discovery_v1
from provisioner.kube.api.validation.endpoints import create

ANY_ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
SPECIAL = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"


def endpoints(address: dict[str, Any], **port: Any) -> list[tuple[str, str]]:
    subsets = [{"addresses": [{"ip": "10.0.0.1", **address}], "ports": [{"port": 80, "protocol": "TCP", **port}]}]
    found = create(codec.decode_dict(core_v1.Endpoints, {"subsets": subsets}))
    return [(error.field.removeprefix("subsets[0]."), error.message.partition(": ")[2]) for error in found]


def one(address: str, kind: str = "IPv4", **more: Any) -> list[tuple[str, str]]:
    document = {"addressType": kind, "endpoints": [{"addresses": [address], **more}]}
    found = create(codec.decode_dict(discovery_v1.EndpointSlice, document))
    return [(error.field.removeprefix("endpoints[0]."), error.message.partition(": ")[2]) for error in found]


@pytest.mark.parametrize(
    ("address", "port", "said"),
    [
        ({}, {"appProtocol": "kubernetes.io/h2c"}, []),
        ({"ip": "239.1.1.1"}, {}, []),
        ({"ip": "224.0.0.9"}, {}, [("addresses[0].ip", f'"224.0.0.9": {SPECIAL}')]),
        ({"ip": "0.0.0.0"}, {}, [("addresses[0].ip", '"0.0.0.0": may not be unspecified (0.0.0.0)')]),
        ({"ip": "fe80::1"}, {}, [("addresses[0].ip", '"fe80::1": may not be in the link-local range (169.254.0.0/16, fe80::/10)')]),
        ({"ip": "x"}, {}, [("addresses[0].ip", f'"x": {ANY_ADDRESS}'), ("addresses[0].ip", '"x": must be a valid IP address')]),
        ({"ip": "127.0.0.01"}, {}, [
            ("addresses[0].ip", '"127.0.0.01": must not have leading 0s'),
            ("addresses[0].ip", '"127.0.0.01": may not be in the loopback range (127.0.0.0/8, ::1/128)'),
        ]),
        ({}, {"protocol": ""}, [("ports[0].protocol", "")]),
    ],
)  # fmt: skip
def test_endpoints(address: dict[str, Any], port: dict[str, Any], said: list[tuple[str, str]]) -> None:
    assert endpoints(address, **port) == said


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"nodeName": ""}, ["addresses[0].nodeName"]),
        ({"ip": "x", "hostname": "a.b", "nodeName": "A"}, [f"addresses[0].{name}" for name in ("ip", "hostname", "nodeName", "ip")]),
    ],
)
def test_the_order_of_an_address(change: dict[str, Any], fields: list[str]) -> None:
    assert [field for field, _ in endpoints(change)] == fields
    assert [field for field, _ in endpoints({}, appProtocol="a b")] == ["ports[0].appProtocol"]


@pytest.mark.parametrize(
    ("kind", "address", "said"),
    [
        ("IPv4", "10.0.0.1", []),
        ("IPv4", "fd00::1", ['"fd00::1": must be a valid IPv4 address']),
        ("IPv6", "x", ['"x": must be a valid IPv6 address', '"x": must be a valid IP address']),
        ("IPv6", "::1", ['"::1": may not be in the loopback range (127.0.0.0/8, ::1/128)']),
        ("IPv4", "10.0.0.01", ['"10.0.0.01": must not have leading 0s']),
        ("FQDN", "a.example.com.", []),
        ("FQDN", "a", ['"a": should be a domain with at least two segments separated by dots']),
        ("FQDN", "", [""]),
    ],
)
def test_addresses_of_slices(kind: str, address: str, said: list[str]) -> None:
    assert one(address, kind) == [("addresses[0]", text) for text in said]


def test_the_order_of_a_slice() -> None:
    hints = {"forZones": [{"name": "a"}] * 9, "forNodes": [{"name": ""}]}
    labels = {f"k{number}": "v" for number in range(16)} | {"a b": "c"}
    found = one("x", nodeName="", hostname="", deprecatedTopology=labels, hints=hints)
    assert list(dict.fromkeys(field for field, _ in found)) == [
        *("addresses[0]", "nodeName", "deprecatedTopology", "hostname", "hints.forZones"),
    ]
    many = codec.decode_dict(discovery_v1.EndpointSlice, {"addressType": "IPv4", "endpoints": [{}] * 1001})
    assert [error.field for error in create(many)] == ["endpoints"]
