"""Proves whose token a secret gets, what else it gets, and when it goes."""

from __future__ import annotations

import base64

import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.controllers.token_secrets import ACCOUNT_NAME, ACCOUNT_UID, account_key, filled, is_orphan
from tests.unit.kube.controllers.objects import made

ACCOUNT = made(core_v1.ServiceAccount, {"metadata": {"name": "a", "namespace": "ns", "uid": "1"}})


def secret(**annotations: str) -> core_v1.Secret:
    return made(core_v1.Secret, {"metadata": {"name": "s", "namespace": "ns", "annotations": annotations}})


@pytest.mark.parametrize(
    ("annotations", "account", "orphan"),
    [
        ({ACCOUNT_NAME: "a"}, ACCOUNT, False),
        ({ACCOUNT_NAME: "a", ACCOUNT_UID: "1"}, ACCOUNT, False),
        ({ACCOUNT_NAME: "a", ACCOUNT_UID: "0"}, ACCOUNT, True),
        ({ACCOUNT_NAME: "a", ACCOUNT_UID: "1"}, None, True),
        # Its account may come yet.
        ({ACCOUNT_NAME: "a"}, None, False),
    ],
)
def test_orphans(annotations: dict[str, str], account: core_v1.ServiceAccount | None, orphan: bool) -> None:
    assert is_orphan(secret(**annotations), account) is orphan


def test_whose_it_is() -> None:
    assert account_key(secret(**{ACCOUNT_NAME: "a"})) == "ns/a" and account_key(secret()) == ""


def test_what_it_has() -> None:
    found = filled(secret(**{ACCOUNT_NAME: "a"}), ACCOUNT, "the token", "the CA")
    assert {key: base64.b64decode(value).decode() for key, value in (found.data or {}).items()} == {
        "namespace": "ns",
        "ca.crt": "the CA",
        "token": "the token",
    }
    assert found.metadata.annotations == {ACCOUNT_NAME: "a", ACCOUNT_UID: "1"}
    assert filled(found, ACCOUNT, "", "the CA") == found
