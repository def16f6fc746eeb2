"""Proves that what is sealed opens again, only with its key and in its place, and which rule holds for a resource."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.kube.storage.encryption import AesCbc, AesGcm, Identity, Rule, SecretBox, Unreadable, Vault, rule_of

ROOT = b"/registry/"
KEY = b"/registry/core/secrets/ns/a"
CIPHERS = [AesGcm, AesCbc, SecretBox]
SECRET = os.urandom(32)


@pytest.mark.parametrize("cipher", CIPHERS)
@given(plain=st.binary(max_size=200))
def test_round_trip(cipher: Any, plain: bytes) -> None:
    made = cipher("k", SECRET)
    sealed = made.seal(KEY, plain)
    assert sealed.startswith(b"k8s:enc:") and b":v1:k:" in sealed and made.open(KEY, sealed) == plain
    assert made.seal(KEY, plain) != sealed


@pytest.mark.parametrize("cipher", [AesGcm, SecretBox])
def test_tampering_is_noticed(cipher: Any) -> None:
    made = cipher("k", SECRET)
    sealed = bytearray(made.seal(KEY, b'{"a":1}'))
    sealed[-1] ^= 1
    with pytest.raises(Unreadable):
        made.open(KEY, bytes(sealed))
    with pytest.raises(Unreadable):
        cipher("k", os.urandom(32)).open(KEY, made.seal(KEY, b"{}"))


def test_a_value_can_not_be_moved() -> None:
    made = AesGcm("k", SECRET)
    with pytest.raises(Unreadable):
        made.open(b"/registry/core/secrets/ns/b", made.seal(KEY, b"{}"))


def test_rotation_and_identity() -> None:
    old, new = AesGcm("old", SECRET), AesGcm("new", os.urandom(32))
    vault = Vault(ROOT, [Rule(("secrets",), (old, Identity()))])
    sealed = vault.seal(KEY, b'{"a":1}')
    assert vault.open(KEY, sealed) == (b'{"a":1}', False) and vault.open(KEY, b'{"a":1}') == (b'{"a":1}', True)
    other = b"/registry/core/configmaps/ns/a"
    assert vault.seal(other, b"{}") == b"{}" and vault.open(other, b"{}") == (b"{}", False)
    vault.replace([Rule(("secrets",), (new, old))])
    assert vault.open(KEY, sealed) == (b'{"a":1}', True)
    with pytest.raises(Unreadable, match="not encrypted"):
        vault.open(KEY, b"{}")
    vault.replace([])
    with pytest.raises(Unreadable, match="no configured provider"):
        vault.open(KEY, sealed)


@pytest.mark.parametrize(
    ("names", "resource", "expected"),
    [
        ("secrets", "core/secrets", True),
        ("secrets", "core/configmaps", False),
        ("deployments.apps", "apps/deployments", True),
        ("deployments.apps", "core/deployments", False),
        ("*.apps", "apps/deployments", True),
        ("*.", "core/pods", True),
        ("*.", "apps/deployments", False),
        ("*.*", "apps/deployments", True),
        ("*.*", "core/pods", True),
        ("*.*", "provision/claims", False),
    ],
)
def test_which_rule(names: str, resource: str, expected: bool) -> None:
    rule = Rule((names,), (Identity(),))
    assert (rule_of([rule], resource) is rule) == expected
