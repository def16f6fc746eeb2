"""Proves that shared elements stay until the last service lets go of them."""

from __future__ import annotations

from provisioner.kube.proxy.services import Endpoint, ServicePort
from provisioner.kube.proxy.table import Pieces

A = Endpoint("10.1.0.2", 80)


def port(name: str, ip: str) -> ServicePort:
    return ServicePort(name, "tcp", 80, (ip,), (), 0, (A,), (A,))


def test_an_endpoint_of_two_services() -> None:
    pieces = Pieces()
    pieces.replace({"ns/a": [port("ns/a", "10.96.0.1")]})
    old, new = pieces.replace({"ns/b": [port("ns/b", "10.96.0.2")]})
    assert new.elements["endpoint-ips"] == {}
    assert list(new.elements["cluster-ips"]) == ["10.96.0.2"]
    old, new = pieces.replace({"ns/a": []})
    assert old.elements["endpoint-ips"] == {}
    assert list(old.elements["cluster-ips"]) == ["10.96.0.1"]
    old, new = pieces.replace({"ns/b": []})
    assert list(old.elements["endpoint-ips"]) == ["10.1.0.2"]
    assert pieces.whole().elements == {}


def test_both_at_once_let_go_together() -> None:
    pieces = Pieces()
    pieces.replace({"ns/a": [port("ns/a", "10.96.0.1")], "ns/b": [port("ns/b", "10.96.0.2")]})
    old, new = pieces.replace({"ns/a": [], "ns/b": []})
    assert list(old.elements["endpoint-ips"]) == ["10.1.0.2"]
    assert new.elements == {}
