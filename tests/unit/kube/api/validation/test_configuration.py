"""Proves what secrets of each type must hold, and in which order an update is refused."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.validation import validate_create, validate_update


def secret(kind: str, data: dict[str, str], **more: Any) -> core_v1.Secret:
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    document = {"metadata": {"name": "s"}, "type": f"kubernetes.io/{kind}", "data": encoded, **more}
    found: core_v1.Secret = codec.decode_dict(core_v1.Secret, document)
    return found


@pytest.mark.parametrize(
    ("kind", "data", "missed"),
    [
        ("ssh-auth", {}, ["ssh-privatekey"]),
        ("ssh-auth", {"ssh-privatekey": ""}, ["ssh-privatekey"]),
        ("ssh-auth", {"ssh-privatekey": "x"}, []),
        ("tls", {"tls.crt": ""}, ["tls.key"]),
        ("basic-auth", {}, ["username", "password"]),
        ("basic-auth", {"password": ""}, []),
        ("dockercfg", {".dockerconfigjson": "{}"}, [".dockercfg"]),
        ("dockerconfigjson", {".dockerconfigjson": "{}"}, []),
    ],
)
def test_keys_that_are_missed(kind: str, data: dict[str, str], missed: list[str]) -> None:
    found = [(error.field, error.message) for error in validate_create(secret(kind, data))]
    assert found == [(f"data[{key}]", "Required value") for key in missed]


def test_what_stays_is_told_first() -> None:
    old = secret("ssh-auth", {"ssh-privatekey": "x"}, immutable=True)
    found = validate_update(secret("tls", {"tls.crt": "", "a/b": ""}), old)
    assert [error.field for error in found] == ["type", "immutable", "data", "data[a/b]", "data[tls.key]"]
