"""Proves what projected volumes may hold: each source by its own rules, no two files in one place."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.validation.projections import projected

CERTIFICATE = {"signerName": "example.com/own", "keyType": "ED25519", "credentialBundlePath": "c.pem"}
BUNDLE = {"signerName": "example.com/own", "path": "ca.pem"}


def problems(*sources: dict[str, Any]) -> list[str]:
    found = msgspec.convert({"sources": list(sources)}, core_v1.ProjectedVolumeSource)
    return [f"{one.field}: {one.message}" for one in projected(found, "p")]


def test_right_sources_are_right() -> None:
    token = {"path": "token", "expirationSeconds": 3600}
    assert problems({"podCertificate": CERTIFICATE}, {"clusterTrustBundle": BUNDLE}, {"serviceAccountToken": token}) == []
    assert problems({"clusterTrustBundle": {"name": "example.com:own:a", "path": "ca.pem"}}) == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"clusterTrustBundle": {**BUNDLE, "name": "a"}}, "p.sources[0].clusterTrustBundle: Invalid value: "),
        (
            {"clusterTrustBundle": {"path": "a"}},
            "p.sources[0].clusterTrustBundle: Required value: either name or signerName must be specified",
        ),
        ({"clusterTrustBundle": {**BUNDLE, "path": ""}}, "p.sources[0].clusterTrustBundle.path: Required value"),
        (
            {"clusterTrustBundle": {**BUNDLE, "path": "..data"}},
            "p.sources[0].clusterTrustBundle.path: Invalid value: \"..data\": must not start with '..'",
        ),
        (
            {"clusterTrustBundle": {"name": "a", "path": "b", "labelSelector": {}}},
            "p.sources[0].clusterTrustBundle.labelSelector: Invalid value: {}: labelSelector must be unset if name is specified",
        ),
        ({"podCertificate": {**CERTIFICATE, "signerName": "x"}}, 'p.sources[0].podCertificate.signerName: Invalid value: "x"'),
        ({"podCertificate": {**CERTIFICATE, "keyType": "DSA"}}, 'p.sources[0].podCertificate.keyType: Unsupported value: "DSA"'),
        (
            {"podCertificate": {**CERTIFICATE, "maxExpirationSeconds": 10}},
            "p.sources[0].podCertificate.maxExpirationSeconds: Invalid value: 10: must be at least 3600 seconds",
        ),
        (
            {"podCertificate": {"signerName": "example.com/own", "keyType": "ED25519"}},
            "p.sources[0].podCertificate: Required value: specify at least one of",
        ),
        ({"serviceAccountToken": {"path": "/a", "expirationSeconds": 3600}}, "p.sources[0].serviceAccountToken.path: Invalid value"),
        ({"secret": {"name": "a"}, "configMap": {"name": "b"}}, "p.sources[0]: Forbidden: may not specify more than 1 volume type"),
        ({"downwardAPI": {"items": [{"path": "a"}]}}, "p.sources[0].downwardAPI.items[0]: Required value: one of fieldRef"),
    ],
)
def test_what_is_refused(source: dict[str, Any], said: str) -> None:
    (found,) = problems(source)
    assert found.startswith(said), found


def test_no_two_files_in_one_place() -> None:
    keys = {"items": [{"key": "k", "path": "same"}]}
    assert problems({"secret": {"name": "a", **keys}}, {"configMap": {"name": "b", **keys}}) == [
        'p: Invalid value: "same": conflicting duplicate paths'
    ]
