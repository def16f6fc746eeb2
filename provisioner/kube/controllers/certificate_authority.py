"""Reads and signs certificate signing requests, in a process of its own for each: `python -m … <command>` with one document on stdin.

What signs certificates takes 12 MB that the daemon would keep for a few requests in its life. Documents are JSON; PEM inside. The answer
is JSON on stdout; a request that can't be read is {"error": …}. Source: RFC 2986, RFC 5280; certificates.k8s.io/v1.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

_KEY_USAGES = {
    "digital signature": "digital_signature",
    "signing": "digital_signature",
    "content commitment": "content_commitment",
    "key encipherment": "key_encipherment",
    "key agreement": "key_agreement",
    "data encipherment": "data_encipherment",
    "cert sign": "key_cert_sign",
    "crl sign": "crl_sign",
    "encipher only": "encipher_only",
    "decipher only": "decipher_only",
}
_EXTENDED = {
    "any": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    "server auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "client auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code signing": ExtendedKeyUsageOID.CODE_SIGNING,
    "email protection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "s/mime": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "timestamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "ocsp signing": ExtendedKeyUsageOID.OCSP_SIGNING,
}
# Clocks differ; a certificate holds from a little before now.
BACKDATE = timedelta(minutes=5)


def read_request(pem: str) -> dict[str, Any]:
    """Subject and alternative names of a request."""
    request = x509.load_pem_x509_csr(pem.encode())
    if not request.is_signature_valid:
        raise ValueError("the request's signature does not match its key")
    names = request.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    try:
        alternatives = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        alternatives = x509.SubjectAlternativeName([])
    return {
        "common_name": str(names[0].value) if names else "",
        "organizations": [str(a.value) for a in request.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)],
        "dns": alternatives.get_values_for_type(x509.DNSName),
        "ips": [str(ip) for ip in alternatives.get_values_for_type(x509.IPAddress)],
        "emails": alternatives.get_values_for_type(x509.RFC822Name),
        "uris": alternatives.get_values_for_type(x509.UniformResourceIdentifier),
    }


def read_certificate(pem: str) -> dict[str, Any]:
    return {"not_after": x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc.timestamp()}


def sign(pem: str, ca_certificate: str, ca_key: str, usages: list[str], seconds: float) -> dict[str, Any]:
    """The certificate of a request, never longer than its CA's own."""
    request = x509.load_pem_x509_csr(pem.encode())
    ca = x509.load_pem_x509_certificate(ca_certificate.encode())
    key = serialization.load_pem_private_key(ca_key.encode(), None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey):
        raise ValueError("the CA's key is of a kind that does not sign")
    now = datetime.now(UTC)
    end = min(now + timedelta(seconds=seconds), ca.not_valid_after_utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(ca.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(max(now - BACKDATE, ca.not_valid_before_utc))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if (usage := _key_usage(usages)) is not None:
        builder = builder.add_extension(usage, critical=True)
    extended = list(dict.fromkeys(_EXTENDED[usage] for usage in usages if usage in _EXTENDED))
    if extended:
        builder = builder.add_extension(x509.ExtendedKeyUsage(extended), critical=False)
    try:
        builder = builder.add_extension(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value, critical=False)
    except x509.ExtensionNotFound:
        pass
    public = ca.public_key()
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)  # type: ignore[arg-type]
    plain = isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    certificate = builder.sign(key, None if plain else hashes.SHA256())
    return {"certificate": certificate.public_bytes(serialization.Encoding.PEM).decode()}


def _key_usage(usages: list[str]) -> x509.KeyUsage | None:
    """None where no usage is one of the key's: the extension may not be empty (RFC 5280, 4.2.1.3), and OpenSSL refuses such a certificate."""
    wanted = {_KEY_USAGES[usage] for usage in usages if usage in _KEY_USAGES}
    names = set(_KEY_USAGES.values())
    agreement = "key_agreement" in wanted
    chosen = {name: name in wanted for name in names}
    chosen["encipher_only"] = chosen["encipher_only"] and agreement
    chosen["decipher_only"] = chosen["decipher_only"] and agreement
    return x509.KeyUsage(**chosen) if any(chosen.values()) else None


def main() -> None:
    document = json.load(sys.stdin)
    commands: dict[str, Callable[..., dict[str, Any]]] = {"request": read_request, "certificate": read_certificate, "sign": sign}
    command = commands[document.pop("command")]
    try:
        answer = command(**document)
    except ValueError as error:
        answer = {"error": str(error)}
    json.dump(answer, sys.stdout)
