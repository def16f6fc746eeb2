"""Proves the vault format: what is encrypted opens again, wrong secrets and damage are told apart."""

from __future__ import annotations

import pytest

from provisioner.templating.vault import VaultError, VaultSecrets

ONE = VaultSecrets({"default": b"secret"})


@pytest.mark.parametrize("plain", [b"", b"x", b"key: value\n" * 100, bytes(range(256))])
def test_round_trip(plain: bytes) -> None:
    envelope = ONE.encrypt(plain)
    assert envelope.startswith(b"$ANSIBLE_VAULT;1.1;AES256\n")
    assert max(map(len, envelope.splitlines())) <= 80
    assert ONE.decrypt(envelope) == plain


def test_labelled_envelopes_try_every_secret() -> None:
    envelope = VaultSecrets({"prod": b"p"}).encrypt(b"data")
    assert envelope.startswith(b"$ANSIBLE_VAULT;1.2;AES256;prod\n")
    assert VaultSecrets({"default": b"other", "x": b"p"}).decrypt(envelope) == b"data"


def test_wrong_secret_and_damage() -> None:
    envelope = ONE.encrypt(b"data")
    with pytest.raises(VaultError, match="no vault secret given opens it"):
        VaultSecrets({"default": b"wrong"}).decrypt(envelope)
    with pytest.raises(VaultError, match="damaged"):
        ONE.decrypt(envelope[:40] + b"zz")
    with pytest.raises(VaultError, match="not a vault"):
        ONE.decrypt(b"plain")
