"""Proves which Endpoints are mirrored, and what their slices hold."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.controllers.endpoint_mirroring import MANAGER, is_mirrored, mirror
from tests.unit.kube.controllers.objects import made


def endpoints(subsets: list[dict[str, Any]], **metadata: Any) -> core_v1.Endpoints:
    return made(core_v1.Endpoints, {"metadata": {"name": "db", "namespace": "ns", "uid": "u", **metadata}, "subsets": subsets})


def service(**spec: Any) -> core_v1.Service:
    return made(core_v1.Service, {"metadata": {"name": "db", "namespace": "ns"}, "spec": spec})


@pytest.mark.parametrize(
    ("metadata", "of", "wanted"),
    [
        ({}, service(), True),
        ({}, service(selector={"app": "db"}), False),
        ({}, None, False),
        ({"labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}}, service(), False),
        ({"annotations": {"control-plane.alpha.kubernetes.io/leader": "{}"}}, service(), False),
    ],
)
def test_which_are_mirrored(metadata: dict[str, Any], of: core_v1.Service | None, wanted: bool) -> None:
    assert is_mirrored(endpoints([], **metadata), of) is wanted


def test_a_slice_for_each_subset_and_family() -> None:
    subset = {
        "addresses": [{"ip": "192.0.2.1", "nodeName": "n", "hostname": "first"}, {"ip": "2001:db8::1"}],
        "notReadyAddresses": [{"ip": "192.0.2.2"}],
        "ports": [{"name": "sql", "port": 5432}],
    }
    made_ = mirror(endpoints([subset, {"addresses": [{"ip": "192.0.2.9"}]}], labels={"team": "a"}, annotations={"note": "x"}))
    assert [piece.address_type for piece in made_] == ["IPv4", "IPv6", "IPv4"]
    first = made_[0]
    assert [(e.addresses, e.conditions.ready if e.conditions else None, e.hostname) for e in first.endpoints or ()] == [
        (["192.0.2.1"], True, "first"),
        (["192.0.2.2"], False, None),
    ]
    assert [(p.name, p.port, p.protocol) for p in first.ports or ()] == [("sql", 5432, "TCP")]
    labels = first.metadata.labels or {}
    assert labels["kubernetes.io/service-name"] == "db" and labels["endpointslice.kubernetes.io/managed-by"] == MANAGER
    assert labels["team"] == "a" and first.metadata.annotations == {"note": "x"}
    assert (first.metadata.owner_references or [])[0].uid == "u"


def test_the_number_of_addresses_is_bounded() -> None:
    many = [{"ip": f"10.0.{i // 250}.{i % 250 + 1}"} for i in range(1200)]
    assert [len(piece.endpoints or ()) for piece in mirror(endpoints([{"addresses": many}]))] == [1000]
