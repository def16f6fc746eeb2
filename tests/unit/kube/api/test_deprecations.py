"""Proves what clients are told about deprecated versions, in upstream's words."""

from __future__ import annotations

import pytest

from provisioner.kube.api.deprecations import warning


@pytest.mark.parametrize(
    ("version", "told"),
    [
        (("", "v1", "ComponentStatus"), "v1 ComponentStatus is deprecated in v1.19+"),
        (("", "v1", "Endpoints"), "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
        (
            ("networking.k8s.io", "v1beta1", "IPAddress"),
            "networking.k8s.io/v1beta1 IPAddress is deprecated in v1.34+, unavailable in v1.37+; use networking.k8s.io/v1 IPAddress",
        ),
        (("apps", "v1", "Deployment"), ""),
    ],
)
def test_warnings(version: tuple[str, str, str], told: str) -> None:
    assert warning(*version) == told
