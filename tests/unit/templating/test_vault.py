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
    with pytest.raises(VaultError, match="no vault secrets were found"):
        VaultSecrets({"default": b"wrong"}).decrypt(envelope)
    with pytest.raises(VaultError, match="damaged"):
        ONE.decrypt(envelope[:40] + b"zz")
    with pytest.raises(VaultError, match="not a vault"):
        ONE.decrypt(b"plain")


def test_an_envelope_made_by_ansible_vault_opens() -> None:
    envelope = b"""\
$ANSIBLE_VAULT;1.1;AES256
64613661336361643737616437343639383832393563626532306366616436623263663738333163
3862393466656332653634626362383936303563303230330a386263613030393763663365636166
31646361663032613239356439313431376135326339653634333962636263646532323430396365
3865303365323365330a393166306334303930336266363765643930393338326366633935623635
6136
"""
    assert VaultSecrets({"default": b"pw"}).decrypt(envelope) == b"hello"
