"""Proves that shared elements stay until the last service lets go of them."""

from __future__ import annotations

from dataclasses import replace

from provisioner.kube.proxy.nftables import chain_name, difference
from provisioner.kube.proxy.services import Endpoint, ServicePort
from provisioner.kube.proxy.table import Pieces

A = Endpoint("10.1.0.2", 80)


def port(name: str, ip: str) -> ServicePort:
    return ServicePort(name, "tcp", 80, (ip,), (), (), 0, (A,), (A,))


def test_an_endpoint_of_two_services() -> None:
    pieces = Pieces()
    pieces.replace({"ns/a": [port("ns/a", "10.96.0.1")]})
    old, new = pieces.replace({"ns/b": [port("ns/b", "10.96.0.2")]})
    assert new.elements["endpoint-ips"] == old.elements["endpoint-ips"]
    assert list(new.elements["cluster-ips"]) == ["10.96.0.2"]
    old, new = pieces.replace({"ns/a": []})
    assert old.elements["endpoint-ips"] == new.elements["endpoint-ips"]
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


def test_an_address_that_two_services_claim_is_the_first_ones_until_it_goes() -> None:
    pieces = Pieces()
    key = "192.0.2.1 . tcp . 80"

    def claiming(name: str, ip: str, *external: str) -> ServicePort:
        return replace(port(name, ip), external_ips=external, external=(A,))

    first, second = claiming("ns/a", "10.96.0.1", "192.0.2.1"), claiming("ns/b", "10.96.0.2", "192.0.2.1")
    _, new = pieces.replace({"ns/a": [first]})
    own = new.elements["service-ips"][key]
    old, new = pieces.replace({"ns/b": [second]})
    assert old.elements["service-ips"][key] == new.elements["service-ips"][key] == own
    assert "192.0.2.1" not in difference(old, new)
    pieces.replace({"ns/a": [replace(first, affinity_s=60)]})
    assert pieces.whole().elements["service-ips"][key] == own
    old, new = pieces.replace({"ns/a": [claiming("ns/a", "10.96.0.1")]})
    assert old.elements["service-ips"][key] == own
    assert new.elements["service-ips"][key] == f"goto {chain_name('external', second)}"
