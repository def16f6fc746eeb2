"""Proves that a request is read as it was made, and that what is signed says no more than was asked and ends before its CA."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provisioner.kube.controllers.certificate_authority import read_certificate, read_request, sign

KEY = ec.generate_private_key(ec.SECP256R1())


def csr() -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "dev"), x509.NameAttribute(NameOID.COMMON_NAME, "ann")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("a.example")]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def authority(days: int) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=days))
    certificate = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), pem


def test_a_request_is_read() -> None:
    assert read_request(csr()) == {
        "common_name": "ann",
        "organizations": ["dev"],
        "dns": ["a.example"],
        "ips": [],
        "emails": [],
        "uris": [],
    }


@pytest.mark.parametrize("text", ["", "nonsense", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"])
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_request(text)


def test_signed_for_the_usages_asked_and_never_a_ca() -> None:
    certificate, key = authority(days=30)
    made = x509.load_pem_x509_certificate(sign(csr(), certificate, key, ["client auth", "digital signature"], 3600)["certificate"].encode())
    made.verify_directly_issued_by(x509.load_pem_x509_certificate(certificate.encode()))
    assert made.public_key() == KEY.public_key()
    assert list(made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    usage = made.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and not usage.key_cert_sign
    assert made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert timedelta(seconds=3500) < made.not_valid_after_utc - datetime.now(UTC) < timedelta(seconds=3700)


def test_never_longer_than_the_authority() -> None:
    certificate, key = authority(days=2)
    signed = sign(csr(), certificate, key, ["client auth"], 365 * 86400)["certificate"]
    assert read_certificate(signed)["not_after"] == read_certificate(certificate)["not_after"]


def test_no_usage_of_the_key_is_no_extension() -> None:
    certificate, key = authority(days=30)
    made = x509.load_pem_x509_certificate(sign(csr(), certificate, key, ["client auth"], 3600)["certificate"].encode())
    assert x509.KeyUsage.oid not in {extension.oid for extension in made.extensions}
