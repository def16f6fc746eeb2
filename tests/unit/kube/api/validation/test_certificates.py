"""Proves what a signer and an approver may write into a request's status, what signers are called, and what is trusted."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from provisioner.kube.api import codec
from provisioner.kube.api._generated.certificates_v1 import CertificateSigningRequest
from provisioner.kube.api._generated.certificates_v1beta1 import ClusterTrustBundle
from provisioner.kube.api.validation import certificates


def pem(*, authority: bool = False) -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    began = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    if authority:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    made = builder.not_valid_before(began).not_valid_after(began + timedelta(days=1)).sign(key, None)
    return made.public_bytes(serialization.Encoding.PEM).decode()


GOOD, ANCHOR = pem(), pem(authority=True)
APPROVED, DENIED, FAILED = ({"type": kind, "status": "True", "reason": "R"} for kind in ("Approved", "Denied", "Failed"))


def request(certificate: str) -> CertificateSigningRequest:
    status = {"certificate": base64.b64encode(certificate.encode()).decode()} if certificate else {}
    return codec.decode_dict(CertificateSigningRequest, {"metadata": {"name": "c"}, "status": status})


@pytest.mark.parametrize(
    ("certificate", "expected"),
    [
        ("", ""),
        (GOOD, ""),
        (GOOD + GOOD, ""),
        ("text", "must contain at least one CERTIFICATE PEM block"),
        (GOOD.replace("CERTIFICATE", "PUBLIC KEY"), 'only CERTIFICATE PEM blocks are allowed, found "PUBLIC KEY"'),
        (GOOD + GOOD.replace("CERTIFICATE", "X"), 'only CERTIFICATE PEM blocks are allowed, found "X"'),
        (GOOD.replace("-----\n", "-----\nA: b\n\n", 1), "no PEM block headers are permitted"),
        ("-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n", "must contain certificates that can be parsed"),
    ],
)
def test_issued_certificates(certificate: str, expected: str) -> None:
    found = [(error.field, error.message) for error in certificates.status(request(certificate), request(""))]
    assert found == ([("status.certificate", f'Invalid value: "<certificate data>": {expected}')] if expected else [])


def decided(*conditions: dict[str, Any], certificate: str = "") -> CertificateSigningRequest:
    status = {"conditions": list(conditions), **({"certificate": base64.b64encode(certificate.encode()).decode()} if certificate else {})}
    return codec.decode_dict(CertificateSigningRequest, {"metadata": {"name": "c"}, "status": status})


REMOVED = 'Forbidden: updates may not remove a condition of type "{}"'
BOTH = 'Invalid value: "Denied": Approved and Denied conditions are mutually exclusive'


@pytest.mark.parametrize(
    ("old", "new", "approver", "signer"),
    [
        ([], [APPROVED], [], [("", 'Forbidden: updates may not add a condition of type "Approved"')]),
        ([APPROVED], [], [("", REMOVED.format("Approved"))], [("", REMOVED.format("Approved"))]),
        ([APPROVED, FAILED], [], *([("", REMOVED.format(kind)) for kind in ("Approved", "Failed")] for _ in range(2))),
        ([APPROVED], [{**APPROVED, "reason": "S"}], [], [
            ("", 'Forbidden: updates may not modify a condition of type "Approved"\n- reason: "R"\n+ reason: "S"\n'),
        ]),
        ([FAILED], [{**FAILED, "status": "False"}], *[[("[0].status", 'Unsupported value: "False": supported values: "True"')]] * 2),
        ([APPROVED], [APPROVED, DENIED], [("", BOTH)], [("", BOTH), ("", 'Forbidden: updates may not add a condition of type "Denied"')]),
        ([APPROVED, DENIED], [APPROVED, DENIED, {**FAILED, "status": ""}], *[[("[2].status", "Required value")]] * 2),
        ([], [{"status": "True"}] * 2, *[[("[0].type", "Required value"), ("[1].type", "Required value"), ("[1].type", 'Duplicate value: ""')]] * 2),
    ],
)  # fmt: skip
def test_decisions(old: list[Any], new: list[Any], approver: list[Any], signer: list[Any]) -> None:
    before, after = decided(*old), decided(*new)
    for found, said in ((certificates.approval(after, before), approver), (certificates.status(after, before), signer)):
        assert [(error.field.removeprefix("status.conditions"), error.message) for error in found] == said


def test_a_certificate_is_written_once() -> None:
    assert certificates.status(decided(certificate=GOOD), decided()) == []
    (found,) = certificates.status(decided(certificate=ANCHOR), decided(certificate=GOOD))
    assert found.message == "Forbidden: updates may not modify existing certificate content"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("example.com/a.b", []),
        ("", ["Required value"]),
        (
            "example.com",
            ["Invalid value: \"example.com\": must be a fully qualified domain and path of the form 'example.com/signer-name'"],
        ),
        ("com/a", ['Invalid value: "com": should be a domain with at least two segments separated by dots']),
        ("a_b.c/d", ['Invalid value: "a_b.c": validating label "a_b": a lowercase RFC 1123 label']),
        ("a.b/", ['Invalid value: "": validating label "": a lowercase RFC 1123 subdomain']),
        ("a.b/" + "c." * 300 + "c", ["Too long: may not be more than 571 bytes"]),
    ],
)
def test_signers(name: str, said: list[str]) -> None:
    found = [error.message for error in certificates.signer("s", name)]
    assert len(found) == len(said) and all(map(str.startswith, found, said)), found


@pytest.mark.parametrize(
    ("name", "signer", "text", "said"),
    [
        ("a", "", ANCHOR, []),
        ("x.io:s:a", "x.io/s", ANCHOR, []),
        ("a", "x.io/s", ANCHOR, ["ClusterTrustBundle for signerName x.io/s must be named with prefix x.io:s:"]),
        ("a:b", "", ANCHOR, ['ClusterTrustBundle without signer name must not have ":" in its name']),
        ("a", "", "", ["at least one trust anchor must be provided"]),
        ("a", "", GOOD + ANCHOR.replace("CERTIFICATE", "X"), ["entry 0 does not have the CA bit set", "entry 1 has bad block type: X"]),
        ("a", "", ANCHOR + "# again\n" + ANCHOR, ["duplicate trust anchor (indices [0 1])"]),
        ("a", "", "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n", ["entry 0 does not parse as X.509"]),
    ],
)
def test_bundles(name: str, signer: str, text: str, said: list[str]) -> None:
    spec = {"signerName": signer, "trustBundle": text}
    obj = codec.decode_dict(ClusterTrustBundle, {"metadata": {"name": name}, "spec": spec})
    assert [error.message.partition(": ")[2].partition(": ")[2] for error in certificates.create(obj)] == said
    assert certificates.update(obj, obj) == []
