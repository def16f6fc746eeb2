"""Proves how long tokens of service accounts live: those of pods a year longer than they say, where that is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from provisioner.kube.apiserver.authentication.tokens import EXTENDED_S, POD_TOKEN_S, ServiceAccountTokens
from provisioner.kube.client.clock import FakeClock


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
