"""Proves that each node gets the first free range, and that there may be none left."""

from __future__ import annotations

import ipaddress

import pytest

from provisioner.kube.controllers.node_ipam import free_range


@pytest.mark.parametrize(
    ("taken", "found"),
    [
        (set(), "10.244.0.0/24"),
        ({"10.244.0.0/24", "10.244.2.0/24"}, "10.244.1.0/24"),
        ({f"10.244.{i}.0/24" for i in range(4)}, None),
    ],
)
def test_the_first_free_range(taken: set[str], found: str | None) -> None:
    assert free_range(ipaddress.IPv4Network("10.244.0.0/22"), 24, taken) == found
