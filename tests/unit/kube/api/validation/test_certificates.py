"""Proves what a signer may write into a request's status."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from provisioner.kube.api import codec
from provisioner.kube.api._generated.certificates_v1 import CertificateSigningRequest
from provisioner.kube.api.validation import certificates


def pem() -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    began = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = builder.not_valid_before(began).not_valid_after(began + timedelta(days=1)).sign(key, None)
    return made.public_bytes(serialization.Encoding.PEM).decode()


GOOD = pem()


def request(certificate: str) -> CertificateSigningRequest:
    status = {"certificate": base64.b64encode(certificate.encode()).decode()} if certificate else {}
    return codec.decode_dict(CertificateSigningRequest, {"metadata": {"name": "c"}, "status": status})


@pytest.mark.parametrize(
    ("certificate", "expected"),
    [
        ("", ""),
        (GOOD, ""),
        (GOOD + GOOD, ""),
        ("text", "must contain one or more PEM blocks"),
        (GOOD.replace("CERTIFICATE", "PUBLIC KEY"), 'only CERTIFICATE PEM blocks are allowed, found "PUBLIC KEY"'),
        (GOOD + GOOD.replace("CERTIFICATE", "X"), 'only CERTIFICATE PEM blocks are allowed, found "X"'),
        (GOOD.replace("-----\n", "-----\nA: b\n\n", 1), "no PEM block headers are permitted"),
        ("-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n", "must contain certificates that can be parsed"),
    ],
)
def test_issued_certificates(certificate: str, expected: str) -> None:
    found = [(error.field, error.message) for error in certificates.status(request(certificate), request(""))]
    assert found == ([("status.certificate", f'Invalid value: "<certificate data>": {expected}')] if expected else [])
