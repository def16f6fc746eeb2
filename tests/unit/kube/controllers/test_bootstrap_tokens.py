"""Proves when a token is over, which tokens may sign, and that the signature is a detached JWS."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.controllers.bootstrap_tokens import left_s, signature, signing_token
from tests.unit.kube.controllers.objects import NOW, at, made


def secret(name: str = "bootstrap-token-abcdef", **values: str) -> core_v1.Secret:
    data = {key.replace("_", "-"): base64.b64encode(text.encode()).decode() for key, text in values.items()}
    return made(core_v1.Secret, {"metadata": {"name": name, "namespace": "kube-system"}, "data": data})


@pytest.mark.parametrize(("expiration", "left"), [("", None), (at(60), 60.0), (at(-5), -5.0), ("tomorrow", 0.0)])
def test_how_long_a_token_lasts(expiration: str, left: float | None) -> None:
    assert left_s(secret(expiration=expiration), NOW) == left


GOOD = {"token_id": "abcdef", "token_secret": "0123456789abcdef", "usage_bootstrap_signing": "true"}


@pytest.mark.parametrize(
    ("found", "may"),
    [
        (secret(**GOOD), True),
        (secret(**{**GOOD, "usage_bootstrap_signing": "false"}), False),
        (secret(**{**GOOD, "token_id": "zzzzzz"}), False),
        (secret("other", **GOOD), False),
        (secret(**{**GOOD, "token_secret": ""}), False),
        (secret(**GOOD, expiration=at(-1)), False),
        (secret(**GOOD, expiration=at(1)), True),
    ],
)
def test_who_may_sign(found: core_v1.Secret, may: bool) -> None:
    assert signing_token(found, NOW) == (("abcdef", "0123456789abcdef") if may else None)


def test_the_signature_can_be_checked_by_whoever_has_the_token() -> None:
    header, nothing, mac = signature("the kubeconfig", "abcdef", "0123456789abcdef").split(".")
    assert nothing == ""
    assert json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))) == {"alg": "HS256", "kid": "abcdef"}
    payload = base64.urlsafe_b64encode(b"the kubeconfig").rstrip(b"=").decode()
    wanted = hmac.new(b"abcdef.0123456789abcdef", f"{header}.{payload}".encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(mac + "=" * (-len(mac) % 4)) == wanted
