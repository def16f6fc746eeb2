"""Proves which names the cluster's zone answers, with what, and that what is taken away is no longer answered."""

from __future__ import annotations

import ipaddress

import pytest

from provisioner.kube.api._generated import core_v1, discovery_v1
from provisioner.kube.dns.zone import Endpoint, Entry, Record, Zone, entry_of


def service(name: str, **spec: object) -> core_v1.Service:
    return core_v1.Service(spec=core_v1.ServiceSpec(**spec))  # type: ignore[arg-type]


@pytest.fixture
def zone() -> Zone:
    zone = Zone("cluster.local")
    http = core_v1.ServicePort(name="http", port=80, protocol="TCP")
    zone.put("default", "web", entry_of(service("web", cluster_ip="10.96.0.5", ports=[http]), []))
    piece = discovery_v1.EndpointSlice(
        ports=[discovery_v1.EndpointPort(name="sql", port=5432, protocol="TCP")],
        endpoints=[
            discovery_v1.Endpoint(addresses=["10.244.1.2"], hostname="db-0"),
            discovery_v1.Endpoint(addresses=["10.244.1.3"], conditions=discovery_v1.EndpointConditions(ready=False)),
        ],
    )
    zone.put("default", "db", entry_of(service("db", cluster_ip="None"), [piece]))
    unnamed = discovery_v1.EndpointSlice(endpoints=[discovery_v1.Endpoint(addresses=["10.244.9.9"])])
    zone.put("default", "plain", entry_of(service("plain", cluster_ip="None"), [unnamed]))
    zone.put("default", "out", entry_of(service("out", type="ExternalName", external_name="example.org"), []))
    zone.put("default", "six", entry_of(service("six", cluster_ip="10.96.0.6", cluster_ips=["10.96.0.6", "fd00::7"]), []))
    return zone


CASES = [
    ("six.default.svc.cluster.local", "AAAA", ["fd00::7"]),
    ("six.default.svc.cluster.local", "A", ["10.96.0.6"]),
    (ipaddress.ip_address("fd00::7").reverse_pointer, "PTR", ["six.default.svc.cluster.local"]),
    ("fd00--1.default.pod.cluster.local", "AAAA", ["fd00::1"]),
    ("db.default.svc.cluster.local", "SRV", [(0, 100, 5432, "db-0.db.default.svc.cluster.local")]),
    ("10-244-9-9.plain.default.svc.cluster.local", "A", ["10.244.9.9"]),
    ("cluster.local", "A", []),
    ("web.default.svc.cluster.local.", "A", ["10.96.0.5"]),
    ("WEB.default.svc.cluster.local", "A", ["10.96.0.5"]),
    ("web.default.svc.cluster.local", "AAAA", []),
    ("_http._tcp.web.default.svc.cluster.local", "SRV", [(0, 100, 80, "web.default.svc.cluster.local")]),
    ("db.default.svc.cluster.local", "A", ["10.244.1.2"]),
    ("db-0.db.default.svc.cluster.local", "A", ["10.244.1.2"]),
    ("_sql._tcp.db.default.svc.cluster.local", "SRV", [(0, 100, 5432, "db-0.db.default.svc.cluster.local")]),
    ("out.default.svc.cluster.local", "A", ["example.org"]),
    ("10-244-1-2.default.pod.cluster.local", "A", ["10.244.1.2"]),
    ("5.0.96.10.in-addr.arpa", "PTR", ["web.default.svc.cluster.local"]),
    ("2.1.244.10.in-addr.arpa", "PTR", ["db-0.db.default.svc.cluster.local"]),
    ("dns-version.cluster.local", "TXT", ["1.1.0"]),
    ("default.svc.cluster.local", "A", []),
]


@pytest.mark.parametrize(("name", "rtype", "expected"), CASES, ids=[f"{n} {t}" for n, t, _ in CASES])
def test_names_that_exist(zone: Zone, name: str, rtype: str, expected: list[object]) -> None:
    assert zone.covers(name)
    answer = zone.answer(name, rtype)
    assert answer.exists
    assert [r.data for r in answer.records] == expected


@pytest.mark.parametrize(
    "name",
    [
        "no.default.svc.cluster.local",
        "web.other.svc.cluster.local",
        "_ftp._tcp.web.default.svc.cluster.local",
        "x.default.pod.cluster.local",
        "a.b",
    ],
)
def test_names_that_do_not(zone: Zone, name: str) -> None:
    assert not zone.answer(name, "A").exists


def test_other_names_are_not_ours(zone: Zone) -> None:
    assert not zone.covers("example.org")
    assert not zone.covers("1.1.1.1.in-addr.arpa")
    assert not zone.covers("notcluster.local")


def test_a_removed_service_is_gone_both_ways(zone: Zone) -> None:
    zone.remove("default", "web")
    assert not zone.answer("web.default.svc.cluster.local", "A").exists
    assert not zone.covers("5.0.96.10.in-addr.arpa")


def test_put_replaces(zone: Zone) -> None:
    zone.put("default", "web", entry_of(service("web", cluster_ip="10.96.0.9"), []))
    assert zone.answer("web.default.svc.cluster.local", "A").records == (Record("web.default.svc.cluster.local", "A", "10.96.0.9"),)
    assert not zone.covers("5.0.96.10.in-addr.arpa")


def test_a_pod_of_two_headless_services_has_both_names_until_one_goes() -> None:
    zone = Zone("cluster.local")
    for name in ("b", "ab"):
        zone.put(
            "default", name, Entry(headless=True, endpoints=[Endpoint("x", "10.0.0.1", (("a", "tcp", 1),)), Endpoint("x", "10.0.0.1", ())])
        )
    reverse = "1.0.0.10.in-addr.arpa"
    names = [f"x.{name}.default.svc.cluster.local" for name in ("b", "ab")]
    assert [r.data for r in zone.answer(reverse, "PTR").records] == names
    # An address that several slices have is given once.
    assert len(zone.answer("b.default.svc.cluster.local", "A").records) == len(zone.answer(names[0], "A").records) == 1
    zone.remove("default", "b")
    assert [r.data for r in zone.answer(reverse, "PTR").records] == names[1:]
    zone.remove("default", "ab")
    assert not zone.covers(reverse)
