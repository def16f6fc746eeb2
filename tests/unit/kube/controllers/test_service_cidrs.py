"""Proves when a range of service addresses may go: when no address is left that only it has."""

from __future__ import annotations

import pytest

from provisioner.kube.api._generated import networking_v1
from provisioner.kube.controllers.service_cidrs import holds
from tests.unit.kube.controllers.objects import made


def cidr(*cidrs: str, going: bool = False) -> networking_v1.ServiceCIDR:
    metadata = {"name": "c", **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if going else {})}
    return made(networking_v1.ServiceCIDR, {"metadata": metadata, "spec": {"cidrs": list(cidrs)}})


@pytest.mark.parametrize(
    ("others", "addresses", "held"),
    [
        ([], [], False),
        ([], ["10.2.0.5"], False),
        ([], ["10.1.0.5", "nonsense"], True),
        ([cidr("10.1.0.0/16")], ["10.1.0.5"], False),
        ([cidr("10.1.0.0/16", going=True)], ["10.1.0.5"], True),
        ([cidr("fd00::/112")], ["10.1.0.5"], True),
    ],
)
def test_what_holds_a_range(others: list[networking_v1.ServiceCIDR], addresses: list[str], held: bool) -> None:
    assert holds(cidr("10.1.0.0/24", going=True), others, addresses) is held
