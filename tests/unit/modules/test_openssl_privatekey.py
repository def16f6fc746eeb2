"""Proves openssl_privatekey, openssl_csr and x509_certificate with the host's openssl, seen with another library: what is made, and once only."""

from __future__ import annotations

import base64
import ipaddress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from provisioner.agent.openssl_keys import form_of

KINDS: list[tuple[dict[str, Any], Any]] = [
    ({"type": "RSA", "size": 1024}, rsa.RSAPrivateKey),
    ({"type": "ECC", "curve": "secp256r1"}, ec.EllipticCurvePrivateKey),
    ({"type": "ECC", "curve": "secp384r1", "format": "pkcs8"}, ec.EllipticCurvePrivateKey),
    ({"type": "Ed25519"}, ed25519.Ed25519PrivateKey),
]


@pytest.mark.parametrize(("args", "kind"), KINDS)
def test_a_key_of_each_type(call: Any, tmp_path: Path, args: dict[str, Any], kind: Any) -> None:
    path = tmp_path / "key"
    given = {"path": str(path), **args}
    assert call("openssl_privatekey", given, check=True)["changed"] and not path.exists()
    made = call("openssl_privatekey", given)
    assert (made["changed"], made["type"], made["filename"], path.stat().st_mode & 0o777) == (True, args["type"], str(path), 0o600)
    assert isinstance(serialization.load_pem_private_key(path.read_bytes(), None), kind)
    again = call("openssl_privatekey", {**given, "return_content": True})
    assert (again["changed"], again["privatekey"]) == (False, path.read_text())
    assert (again["fingerprint"], len(again["fingerprint"]["sha256"])) == (made["fingerprint"], 95)
    forced = call("openssl_privatekey", {**given, "force": True, "backup": True})
    assert forced["changed"] and Path(forced["backup_file"]).exists()
    assert call("openssl_privatekey", {**given, "state": "absent"})["changed"]
    assert not call("openssl_privatekey", {**given, "state": "absent"})["changed"]


def test_when_a_key_is_made_again(call: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "key")
    call("openssl_privatekey", {"path": path, "type": "Ed25519"})
    other = {"path": path, "type": "ECC", "curve": "secp256r1"}
    assert call("openssl_privatekey", {**other, "regenerate": "fail"})["msg"].startswith("Key has wrong type and/or size.")
    assert not call("openssl_privatekey", {**other, "regenerate": "never"})["changed"]
    assert call("openssl_privatekey", {**other, "regenerate": "partial_idempotence"})["changed"]
    secret = {**other, "passphrase": "word", "cipher": "auto"}
    assert call("openssl_privatekey", {**secret, "regenerate": "partial_idempotence"})["msg"].startswith("Unable to read the key.")
    assert call("openssl_privatekey", secret)["changed"]
    assert not call("openssl_privatekey", secret)["changed"]
    assert isinstance(serialization.load_pem_private_key(Path(path).read_bytes(), b"word"), ec.EllipticCurvePrivateKey)


# What is there, what is asked for, and what comes of it: a key in a format (None: that of before), or the beginning of a message.
FORMATS: list[tuple[dict[str, Any], dict[str, Any], str | None]] = [
    ({"type": "Ed25519"}, {"format": "raw"}, "raw"),
    ({"type": "Ed25519"}, {"format": "pkcs1"}, "Cryptography backend cannot serialize the private key in the required format"),
    ({"type": "Ed25519", "format": "raw"}, {"format": "raw"}, None),
    ({"type": "X25519", "format": "raw"}, {"format": "pkcs8", "format_mismatch": "convert"}, "pkcs8"),
    ({"type": "ECC", "curve": "secp256r1"}, {"format": "pkcs8", "regenerate": "never"}, None),
    ({"type": "ECC", "curve": "secp256r1"}, {"format": "pkcs8", "regenerate": "fail"}, "Key has wrong format. Will not proceed."),
    ({"type": "ECC", "curve": "secp256r1"}, {"format": "pkcs8", "regenerate": "partial_idempotence"}, "pkcs8"),
    ({"type": "ECC", "curve": "secp256r1"}, {"format": "raw", "force": True}, "Cryptography backend cannot serialize the private key"),
    ({"type": "Ed25519"}, {"passphrase": "x", "cipher": "aes256"}, 'Cryptography backend can only use "auto" for cipher option.'),
    ({"type": "Ed25519"}, {"passphrase": "x", "regenerate": "never"}, "Unable to read the key."),
]


@pytest.mark.parametrize(("before", "more", "outcome"), FORMATS)
def test_formats_of_keys(call: Any, tmp_path: Path, before: dict[str, Any], more: dict[str, Any], outcome: str | None) -> None:
    path = tmp_path / "key"
    assert call("openssl_privatekey", {"path": str(path), **before})["changed"]
    there = path.read_bytes()
    found = call("openssl_privatekey", {"path": str(path), **before, **more})
    if outcome not in (None, "raw", "pkcs1", "pkcs8"):
        assert found["msg"].startswith(str(outcome)) and path.read_bytes() == there
        return
    assert found["changed"] == (outcome is not None)
    assert form_of(path.read_bytes()) == (outcome or form_of(there))
    assert (path.read_bytes() == there) == (outcome is None)


@pytest.mark.parametrize(("args", "numbers"), [
    ({"type": "RSA", "size": 1024}, ["exponent", "modulus", "size"]), ({"type": "ECC", "curve": "secp256r1"}, ["curve", "exponent_size", "x", "y"]),
    ({"type": "DSA", "size": 1024}, ["g", "p", "q", "size", "y"]), ({"type": "Ed25519", "format": "raw"}, []),
])  # fmt: skip
def test_a_difference_tells_of_the_public_half(call: Any, tmp_path: Path, args: dict[str, Any], numbers: list[str]) -> None:
    given = {"path": str(tmp_path / "key"), **args}
    assert call("openssl_privatekey", given, check=True)["diff"] == {"before": {}, "after": {}}
    made = call("openssl_privatekey", {**given, "return_content": True})
    assert (made["diff"]["before"], sorted(made["diff"]["after"]["public_data"])) == ({}, numbers)
    again = call("openssl_privatekey", given)["diff"]
    assert again["before"] == again["after"] == made["diff"]["after"]
    public = again["after"]
    key = serialization.load_pem_public_key(public["public_key"].encode())
    if isinstance(key, ec.EllipticCurvePublicKey):
        assert (key.public_numbers().x, key.public_numbers().y) == (public["public_data"]["x"], public["public_data"]["y"])
    if isinstance(key, rsa.RSAPublicKey):
        assert key.public_numbers().n == public["public_data"]["modulus"]
    if args.get("format") == "raw":
        assert base64.b64decode(made["privatekey"]) == (tmp_path / "key").read_bytes()
    gone = call("openssl_privatekey", {**given, "state": "absent", "return_content": True})
    assert (gone["privatekey"], gone["diff"]) == (None, {"before": {}, "after": {}})


CSR: dict[str, Any] = {
    "common_name": "www.example.com", "O": "My $Org", "country_name": "AT", "subject_alt_name": ["DNS:www.example.com", "IP:10.0.0.1"],
    "key_usage": ["digitalSignature", "keyEncipherment"], "key_usage_critical": True, "extended_key_usage": ["serverAuth", "clientAuth"],
    "basic_constraints": ["CA:FALSE"], "basic_constraints_critical": True,
}  # fmt: skip


def make_csr(call: Any, folder: Path, name: str, **more: Any) -> dict[str, Any]:
    call("openssl_privatekey", {"path": str(folder / f"{name}.key"), "type": "ECC", "curve": "secp256r1"})
    made: dict[str, Any] = call(
        "openssl_csr", {"path": str(folder / f"{name}.csr"), "privatekey_path": str(folder / f"{name}.key"), **more}
    )
    return made


def test_a_request(call: Any, tmp_path: Path) -> None:
    made = make_csr(call, tmp_path, "a", **CSR)
    assert made["changed"], made
    request = x509.load_pem_x509_csr((tmp_path / "a.csr").read_bytes())
    assert [(part.rfc4514_attribute_name, part.value) for part in request.subject] == [
        ("C", "AT"),
        ("O", "My $Org"),
        ("CN", "www.example.com"),
    ]
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert (names.get_values_for_type(x509.DNSName), names.get_values_for_type(x509.IPAddress)) == (
        ["www.example.com"],
        [ipaddress.ip_address("10.0.0.1")],
    )
    assert request.extensions.get_extension_for_class(x509.KeyUsage).critical
    assert not make_csr(call, tmp_path, "a", **CSR)["changed"]
    assert make_csr(call, tmp_path, "a", **{**CSR, "O": "Other"})["changed"]
    args = {"path": str(tmp_path / "a.csr"), "privatekey_path": str(tmp_path / "a.key"), "common_name": "x"}
    assert call("openssl_csr", args, check=True)["changed"]
    assert call("openssl_csr", {**args, "subject": {"CN": ["a", "b"]}})["subjectAltName"] == ["DNS:a"]
    assert call("openssl_csr", {**args, "privatekey_path": "/none"})["msg"] == "The private key file /none does not exist"


def test_certificates(call: Any, tmp_path: Path) -> None:
    make_csr(
        call, tmp_path, "ca", common_name="ca", basic_constraints=["CA:TRUE"], key_usage=["keyCertSign"], use_common_name_for_san=False
    )
    authority = {
        "path": str(tmp_path / "ca.crt"),
        "csr_path": str(tmp_path / "ca.csr"),
        "privatekey_path": str(tmp_path / "ca.key"),
        "provider": "selfsigned",
    }
    assert call("x509_certificate", authority, check=True)["changed"] and not (tmp_path / "ca.crt").exists()
    assert call("x509_certificate", authority)["changed"]
    assert not call("x509_certificate", authority)["changed"]
    make_csr(call, tmp_path, "a", **CSR)
    signed = {
        "path": str(tmp_path / "a.crt"), "csr_path": str(tmp_path / "a.csr"), "provider": "ownca", "ownca_path": str(tmp_path / "ca.crt"),
        "ownca_privatekey_path": str(tmp_path / "ca.key"), "ownca_not_after": "+30d", "mode": "0644",
    }  # fmt: skip
    assert call("x509_certificate", signed)["changed"]
    assert not call("x509_certificate", signed)["changed"]
    ca, leaf = (x509.load_pem_x509_certificate((tmp_path / name).read_bytes()) for name in ("ca.crt", "a.crt"))
    leaf.verify_directly_issued_by(ca)
    assert 29 <= (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days <= 30
    assert [part.value for part in leaf.subject] == ["AT", "My $Org", "www.example.com"]
    assert leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value == x509.ExtendedKeyUsage(
        [x509.ExtendedKeyUsageOID.SERVER_AUTH, x509.ExtendedKeyUsageOID.CLIENT_AUTH]
    )
    assert leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier is not None
    make_csr(call, tmp_path, "a", **{**CSR, "subject_alt_name": ["DNS:new.example.com"]})
    assert call("x509_certificate", signed)["changed"]
    exact = {
        **authority,
        "path": str(tmp_path / "e.crt"),
        "selfsigned_not_before": "20200101000000Z",
        "selfsigned_not_after": "20400101000000Z",
        "ignore_timestamps": False,
    }
    assert call("x509_certificate", exact)["changed"] and not call("x509_certificate", exact)["changed"]
    assert call("x509_certificate", {**exact, "selfsigned_not_after": "20410101000000Z"})["changed"]


WRONG = [
    ({"provider": "ownca", "csr_path": "x"}, "One of ownca_path and ownca_content must be specified for the ownca provider."),
    ({"provider": "selfsigned"}, "One of privatekey_path and privatekey_content must be specified for the selfsigned provider."),
    ({}, "state is present but all of the following are missing: provider"),
    ({"provider": "acme"}, "the provider acme is not supported here: it needs a web server and Internet access for its challenge"),
]


@pytest.mark.parametrize(("args", "msg"), WRONG)
def test_wrong_arguments(call: Any, tmp_path: Path, args: dict[str, Any], msg: str) -> None:
    made = call("x509_certificate", {"path": str(tmp_path / "x"), **args})
    assert (made["failed"], made["msg"]) == (True, msg)


def test_who_is_not_marked_as_an_authority_signs_once_too(call: Any, tmp_path: Path) -> None:
    make_csr(call, tmp_path, "ca", common_name="no authority")
    make_csr(call, tmp_path, "a", common_name="a")
    given = {"path": str(tmp_path / "ca.crt"), "csr_path": str(tmp_path / "ca.csr"), "privatekey_path": str(tmp_path / "ca.key")}
    assert call("x509_certificate", {**given, "provider": "selfsigned"})["changed"]
    signed = {
        "path": str(tmp_path / "a.crt"), "csr_path": str(tmp_path / "a.csr"), "provider": "ownca", "ownca_path": str(tmp_path / "ca.crt"),
        "ownca_privatekey_path": str(tmp_path / "ca.key"),
    }  # fmt: skip
    assert [call("x509_certificate", signed)["changed"] for _ in range(2)] == [True, False]
    assert call("x509_certificate", {**given, "provider": "selfsigned", "force": True})["changed"]  # the same key: still its signature
    assert not call("x509_certificate", signed)["changed"]
    call("openssl_privatekey", {"path": str(tmp_path / "ca.key"), "type": "ECC", "curve": "secp256r1", "force": True})
    call("openssl_csr", {"path": str(tmp_path / "ca.csr"), "privatekey_path": str(tmp_path / "ca.key"), "common_name": "no authority"})
    assert call("x509_certificate", {**given, "provider": "selfsigned"})["changed"]
    assert call("x509_certificate", signed)["changed"]


# What a request is asked to say, and the answer's message or what stands in it for True.
REQUESTS: list[tuple[dict[str, Any], str]] = [
    ({"subject_alt_name": ["bogus"]}, 'Cannot parse Subject Alternative Name "bogus" (forgot "DNS:" prefix?)'),
    ({"key_usage": ["bogus"]}, 'Unknown key usage "bogus"'),
    ({"extended_key_usage": ["bogus"]}, 'Cannot find OID for "bogus"'),
    ({"common_name": ""}, ""),
]


@pytest.mark.parametrize(("args", "message"), REQUESTS)
def test_what_a_request_may_say(call: Any, tmp_path: Path, args: dict[str, Any], message: str) -> None:
    made = make_csr(call, tmp_path, "a", **args)
    assert made.get("msg", "") == message and made["changed"] == (not message)
    assert message or (made["subject"], made["subjectAltName"]) == ([], None)


def test_the_order_of_names_and_usages_says_nothing(call: Any, tmp_path: Path) -> None:
    lists = {
        "subject_alt_name": ["DNS:a", "IP:10.0.0.1"],
        "extended_key_usage": ["serverAuth", "clientAuth"],
        "key_usage": ["keyAgreement", "digitalSignature"],
    }
    assert make_csr(call, tmp_path, "a", **lists)["changed"]
    assert not make_csr(call, tmp_path, "a", **{name: values[::-1] for name, values in lists.items()})["changed"]
