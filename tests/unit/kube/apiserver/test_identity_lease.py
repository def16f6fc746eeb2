"""Proves how API servers' leases are named, and which of them are over."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from provisioner.kube.api import names
from provisioner.kube.apiserver.identity_lease import IDENTITY, expired, lease_name

NOW = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)


def test_names() -> None:
    assert lease_name("master-1") == lease_name("master-1") != lease_name("master-2")
    assert lease_name("master-1").startswith("apiserver-") and not names.is_dns_subdomain(lease_name("master-1"))


@pytest.mark.parametrize(
    ("labels", "spec", "over"),
    [
        ({IDENTITY: "kube-apiserver"}, {"renewTime": "2026-03-04T11:59:50.000000Z", "leaseDurationSeconds": 3600}, False),
        ({IDENTITY: "kube-apiserver"}, {"renewTime": "2026-03-04T10:59:50.000000Z", "leaseDurationSeconds": 3600}, True),
        ({IDENTITY: "kube-apiserver"}, {}, True),
        ({IDENTITY: "other"}, {"renewTime": "2020-03-04T10:59:50.000000Z", "leaseDurationSeconds": 1}, False),
        ({}, {"renewTime": "2020-03-04T10:59:50.000000Z", "leaseDurationSeconds": 1}, False),
    ],
)
def test_which_are_over(labels: dict[str, str], spec: dict[str, Any], over: bool) -> None:
    assert expired({"metadata": {"name": "x", "labels": labels}, "spec": spec}, NOW) is over
