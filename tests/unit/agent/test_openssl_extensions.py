"""Proves extensions of requests that stand in DER, or in sections of their own: read back by another library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from provisioner.agent.context import ModuleFailed
from provisioner.agent.openssl_extensions import authority_key, distribution_points
from tests.module_calls import Call, call

__all__ = ["call"]
URI = "https://ca.example.com/revocations.crl"


def made(call: Call, folder: Path, **args: Any) -> x509.Extensions:
    call("openssl_privatekey", {"path": f"{folder}/key", "type": "ECC", "curve": "secp256r1"})
    wanted = {"path": f"{folder}/csr", "privatekey_path": f"{folder}/key", "common_name": "a", **args}
    answers = [call("openssl_csr", wanted) for _ in range(2)]
    assert [answer["changed"] for answer in answers] == [True, False], answers
    return x509.load_pem_x509_csr((folder / "csr").read_bytes()).extensions


@pytest.mark.parametrize("serial", [1, 127, 128, 2**64, 2**159 - 1])
def test_an_authoritys_key(call: Call, tmp_path: Path, serial: int) -> None:
    issuer = ["DNS:ca.example.com", "IP:fd00::1", f"URI:{URI}", "email:ca@example.com"]
    args = {"authority_key_identifier": "00:11:22:FF", "authority_cert_issuer": issuer, "authority_cert_serial_number": serial}
    found = made(call, tmp_path, **args).get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert (found.key_identifier, found.authority_cert_serial_number) == (b"\x00\x11\x22\xff", serial)
    assert [str(name.value) for name in found.authority_cert_issuer or []] == ["ca.example.com", "fd00::1", URI, "ca@example.com"]


def test_where_revocations_are(call: Call, tmp_path: Path) -> None:
    issuer = ["URI:https://ca.example.com/", "dirName:/CN=ca/O=one", r"dirName:O=a\, b,CN=#1"]
    points = [
        {"full_name": [f"URI:{URI}"], "reasons": ["key_compromise", "superseded"], "crl_issuer": issuer},
        {"relative_name": ["/CN=list"]},
    ]
    first, second = made(call, tmp_path, crl_distribution_points=points).get_extension_for_class(x509.CRLDistributionPoints).value
    assert [name.value for name in first.full_name or []] == [URI]
    uri, slashes, commas = (name.value for name in first.crl_issuer or [])
    assert (uri, slashes.rfc4514_string(), [part.value for part in commas]) == ("https://ca.example.com/", "CN=ca,O=one", ["#1", "a, b"])
    assert first.reasons == {x509.ReasonFlags.key_compromise, x509.ReasonFlags.superseded}
    assert [part.value for part in second.relative_name or []] == ["list"]


def test_an_alternative_name_that_is_a_subject(call: Call, tmp_path: Path) -> None:
    found = made(call, tmp_path, subject_alt_name=["DNS:a", "dirName:CN=b,O=c"]).get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.rfc4514_string() for name in found.get_values_for_type(x509.DirectoryName)] == ["CN=b,O=c"]


NO_KEY: dict[str, Any] = {"authority_key_identifier": None, "authority_cert_issuer": None, "authority_cert_serial_number": None}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"authority_key_identifier": "xy"}, 'Cannot parse authority_key_identifier: "xy" is not hexadecimal'),
        ({"authority_cert_issuer": ["a"]}, 'Cannot parse authority_cert_issuer "a": expected DNS:, IP:, URI: or email:'),
        ({"authority_cert_issuer": ["IP:a"]}, 'Cannot parse authority_cert_issuer "IP:a": a is no IP address'),
    ],
)
def test_wrong_keys(args: dict[str, Any], message: str) -> None:
    with pytest.raises(ModuleFailed) as caught:
        authority_key({**NO_KEY, "authority_cert_serial_number": 1, **args})
    assert caught.value.msg == message


def test_nothing_asked_is_nothing_said() -> None:
    assert (authority_key(NO_KEY), distribution_points([])) == ([], ([], []))
