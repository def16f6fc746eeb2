"""Proves which secrets make a bootstrap token, and which of its parts must be right."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from provisioner.kube.apiserver.authentication.bootstrap_tokens import BootstrapTokens
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.storage.cache import Entry, WatchCache

GOOD = {"token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true"}


def user(token: str, data: dict[str, str], **metadata: Any) -> Any:
    cache = WatchCache(None, lambda *_: ({}, {}))  # type: ignore[arg-type]
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    secret = {"metadata": {"name": "x", **metadata}, "type": "bootstrap.kubernetes.io/token", "data": encoded}
    key = "kube-system/bootstrap-token-abcdef"
    cache.collection("core/secrets").apply(key, Entry(key, 1, msgspec.json.encode(secret), {}, {}), 1)
    return BootstrapTokens(cache, FakeClock()).user_of(token)


def test_a_good_one() -> None:
    found = user("abcdef.0123456789abcdef", {**GOOD, "auth-extra-groups": "system:bootstrappers:b,system:bootstrappers:a"})
    assert found.name == "system:bootstrap:abcdef"
    assert found.groups == ("system:bootstrappers", "system:bootstrappers:a", "system:bootstrappers:b", "system:authenticated")


@pytest.mark.parametrize(
    ("token", "changed", "metadata"),
    [
        ("abcdef.0123456789abcdeX", {}, {}),
        ("abcdef.0123456789abcdee", {}, {}),
        ("aaaaaa.0123456789abcdef", {}, {}),
        ("abcdef.0123456789abcdef", {"token-id": "abcdeg"}, {}),
        ("abcdef.0123456789abcdef", {"usage-bootstrap-authentication": "false"}, {}),
        ("abcdef.0123456789abcdef", {"expiration": "2025-12-31T00:00:00Z"}, {}),
        ("abcdef.0123456789abcdef", {"expiration": "soon"}, {}),
        ("abcdef.0123456789abcdef", {"auth-extra-groups": "system:masters"}, {}),
        ("abcdef.0123456789abcdef", {}, {"deletionTimestamp": "2026-01-01T00:00:00Z"}),
    ],
)
def test_others(token: str, changed: dict[str, str], metadata: dict[str, str]) -> None:
    assert user(token, {**GOOD, **changed}, **metadata) is None
