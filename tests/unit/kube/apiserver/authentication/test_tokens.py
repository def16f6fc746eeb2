"""Proves how long tokens of service accounts live: those of pods a year longer than they say, where that is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from provisioner.kube.apiserver.authentication.tokens import EXTENDED_S, POD_TOKEN_S, ServiceAccountTokens
from provisioner.kube.client.clock import FakeClock, SystemClock
from provisioner.kube.client.self_signed import self_signed


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "sa.key"
    plain = serialization.NoEncryption()
    private = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return path


POD = {"pod": {"name": "p", "uid": "1"}}


@pytest.mark.parametrize(
    ("extends", "expires_s", "audiences", "bound", "life_s"),
    [
        (True, POD_TOKEN_S, [], POD, EXTENDED_S),
        (True, POD_TOKEN_S, ["https://api"], POD, EXTENDED_S),
        (True, POD_TOKEN_S, ["vault"], POD, POD_TOKEN_S),
        (True, 3600, [], POD, 3600),
        (True, POD_TOKEN_S, [], None, POD_TOKEN_S),
        (False, POD_TOKEN_S, [], POD, POD_TOKEN_S),
    ],
)
def test_life(key: Path, extends: bool, expires_s: int, audiences: list[str], bound: Any, life_s: int) -> None:
    clock = FakeClock()
    tokens = ServiceAccountTokens(["https://api"], (), key, [], clock, lambda *_: True, extends=extends)
    token, renew_at = tokens.sign("n", "a", "u", audiences=audiences, expires_s=expires_s, bound=bound)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == life_s
    assert renew_at == f"2026-01-01T{expires_s // 3600:02}:00:{expires_s % 60:02}Z"
    assert claims["kubernetes.io"].get("warnafter") == (claims["iat"] + expires_s if life_s == EXTENDED_S else None)


def test_a_file_may_hold_several_keys_of_several_kinds(key: Path, tmp_path: Path) -> None:
    """The last one verifies: a public key, after a certificate's and another private one."""
    other = ec.generate_private_key(ec.SECP256R1())
    plain = other.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    public = serialization.load_pem_private_key(key.read_bytes(), None).public_key()
    certificate = self_signed(["x"]).partition(b"-----BEGIN CERTIFICATE")
    last = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    file = tmp_path / "keys.pem"
    file.write_bytes(b"some words\n" + plain + certificate[1] + certificate[2] + last)
    token, _ = ServiceAccountTokens(["https://api"], (), key, [], SystemClock(), lambda *_: True).sign(
        "n", "a", "u", audiences=[], expires_s=600
    )
    verifying = ServiceAccountTokens(["https://api"], (), None, [file], SystemClock(), lambda *_: True)
    assert verifying.verify(token).name == "system:serviceaccount:n:a"
    assert len(verifying.jwks()["keys"]) == 3


@pytest.mark.parametrize("text", ["", "words", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_files_without_keys(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys.pem"
    file.write_text(text)
    with pytest.raises(ValueError, match=f"--service-account-key-file={file}: expected"):
        ServiceAccountTokens(["https://api"], (), None, [file], FakeClock(), lambda *_: True)
    with pytest.raises(ValueError, match=f"--service-account-signing-key-file={file}: expected"):
        ServiceAccountTokens(["https://api"], (), file, [], FakeClock(), lambda *_: True)
