"""Proves what x509_certificate makes and tells: dates, serial number, who signed it, identifiers of keys; and when it makes it again."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.module_calls import Call, run


def test_a_certificate_is_told_with_dates_and_serial(call: Call, tmp_path: Path) -> None:
    key, path = tmp_path / "k.pem", tmp_path / "c.pem"
    assert call("openssl_privatekey", {"path": str(key), "type": "ECC", "curve": "secp256r1"})["changed"]
    args: dict[str, Any] = {"path": str(path), "privatekey_path": str(key), "provider": "selfsigned"}
    args["selfsigned_not_after"] = "20500101000000Z"
    checked = call("x509_certificate", args, check=True)
    assert checked["changed"] and checked["notAfter"] == "20500101000000Z" and not path.exists()
    made = call("x509_certificate", args)
    shown = subprocess.run(["openssl", "x509", "-noout", "-serial", "-in", path], check=True, capture_output=True, text=True).stdout
    assert made["serial_number"] == int(shown.strip().partition("=")[2], 16)
    assert re.fullmatch(r"\d{14}Z", made["notBefore"]) and made["notAfter"] == "20500101000000Z"
    again = call("x509_certificate", args)
    assert not again["changed"] and again["serial_number"] == made["serial_number"]


def test_a_key_that_check_mode_would_make_has_no_fingerprint(call: Call, tmp_path: Path) -> None:
    args = {"path": str(tmp_path / "k.pem"), "type": "Ed25519"}
    assert call("openssl_privatekey", args, check=True)["fingerprint"] is None
    assert len(call("openssl_privatekey", args)["fingerprint"]["shake_128"]) == 32 * 3 - 1
    assert call("openssl_privatekey", {**args, "state": "absent"})["fingerprint"] is None


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CA that names its key, one that does not, and a request."""
    folder = tmp_path_factory.mktemp("pki")
    for name in ("ca", "leaf"):
        assert run("openssl_privatekey", {"path": str(folder / f"{name}.key"), "type": "ECC", "curve": "secp256r1"})["changed"]
        request = {"path": str(folder / f"{name}.csr"), "privatekey_path": str(folder / f"{name}.key"), "common_name": name}
        assert run("openssl_csr", {**request, "basic_constraints": ["CA:TRUE"] if name == "ca" else []})["changed"]
    for name, rule in (("ca", "create_if_not_provided"), ("nameless", "never_create")):
        args = {"path": str(folder / f"{name}.crt"), "csr_path": str(folder / "ca.csr"), "privatekey_path": str(folder / "ca.key")}
        args.update(provider="selfsigned", selfsigned_create_subject_key_identifier=rule)
        assert [run("x509_certificate", args)["changed"] for _ in range(2)] == [True, False]
    return folder


def _leaf(pki: Path, path: Path, ca: str = "ca", **more: Any) -> dict[str, Any]:
    args = {"path": str(path), "csr_path": str(pki / "leaf.csr"), "provider": "ownca", "ownca_path": str(pki / f"{ca}.crt")}
    return {**args, "ownca_privatekey_path": str(pki / "ca.key"), **more}


@pytest.mark.parametrize(
    ("ca", "rule", "authority", "there"),
    [
        ("ca", "create_if_not_provided", True, (True, True)),
        ("nameless", "never_create", True, (False, True)),
        ("ca", "never_create", False, (False, False)),
    ],
)
def test_identifiers_are_as_asked_and_a_second_run_changes_nothing(
    call: Call, pki: Path, tmp_path: Path, ca: str, rule: str, authority: bool, there: tuple[bool, bool]
) -> None:
    path = tmp_path / "leaf.crt"
    rules = {"ownca_create_subject_key_identifier": rule, "ownca_create_authority_key_identifier": authority}
    args = _leaf(pki, path, ca, **rules)
    assert [call("x509_certificate", args)["changed"] for _ in range(2)] == [True, False]
    shown = subprocess.run(["openssl", "x509", "-noout", "-text", "-in", path], check=True, capture_output=True, text=True).stdout
    assert ("Subject Key Identifier" in shown, "Authority Key Identifier" in shown) == there
    other = {**args, "ownca_create_authority_key_identifier": not authority}
    assert call("x509_certificate", other)["changed"]
    subprocess.run(["openssl", "verify", "-CAfile", pki / f"{ca}.crt", path], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("more", "msg"),
    [
        ({"ownca_privatekey_path": "{pki}/leaf.key"}, "The CA private key does not belong to the CA certificate"),
        ({"ownca_path": "/nosuch"}, "The CA certificate file /nosuch does not exist"),
        ({"ownca_privatekey_path": "/nosuch"}, "The CA private key file /nosuch does not exist"),
        ({"ownca_digest": "nosuch"}, "The digest nosuch is not supported with the cryptography backend"),
    ],
)
def test_messages(call: Call, pki: Path, tmp_path: Path, more: dict[str, str], msg: str) -> None:
    made = call("x509_certificate", _leaf(pki, tmp_path / "x", **{key: value.format(pki=pki) for key, value in more.items()}))
    assert (made["failed"], made["msg"]) == (True, msg)


@pytest.mark.parametrize(
    ("more", "msg"),
    [
        ({"subject": {"BOGUS": "x"}}, 'Cannot find OID for "BOGUS"'),
        ({"common_name": "x", "digest": "nosuch"}, 'Unsupported digest "nosuch"'),
        ({"common_name": "x", "subject_ordered": [{"O": "x"}]}, "subject_ordered cannot be combined with any other subject field"),
    ],
)
def test_messages_of_requests(call: Call, pki: Path, tmp_path: Path, more: dict[str, Any], msg: str) -> None:
    made = call("openssl_csr", {"path": str(tmp_path / "x"), "privatekey_path": str(pki / "leaf.key"), **more})
    assert (made["failed"], made["msg"]) == (True, msg)


def test_a_request_may_be_for_networks(call: Call, pki: Path, tmp_path: Path) -> None:
    args = {"path": str(tmp_path / "x"), "privatekey_path": str(pki / "leaf.key"), "name_constraints_permitted": ["IP:10.1.0.0/16"]}
    assert [call("openssl_csr", args)["changed"] for _ in range(2)] == [True, False]
    shown = subprocess.run(["openssl", "req", "-noout", "-text", "-in", tmp_path / "x"], check=True, capture_output=True, text=True).stdout
    assert "IP:10.1.0.0/255.255.0.0" in shown
