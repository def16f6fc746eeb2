"""TLS for a daemon's own endpoints: the certificate it was given, or one made at start, as upstream's daemons do."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path


def serving_context(cert_file: str, key_file: str, *, names: Sequence[str], client_ca_file: str = "") -> ssl.SSLContext:
    """A TLS 1.2+ server context. With `client_ca_file` a client may show a certificate, and is refused with a wrong one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert_file:
        context.load_cert_chain(cert_file, key_file or None)
    else:
        with tempfile.TemporaryDirectory() as folder:
            pem = Path(folder) / "serving.pem"
            pem.touch(0o600)
            pem.write_bytes(self_signed(names))
            context.load_cert_chain(pem)
    if client_ca_file:
        context.load_verify_locations(client_ca_file)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def self_signed(names: Sequence[str]) -> bytes:
    """Certificate and key in PEM, for a year. Nobody can verify it: it keeps eavesdroppers out, not impostors."""
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    alternatives: list[x509.GeneralName] = []
    for name in dict.fromkeys([*names, "localhost", "127.0.0.1"]):
        try:
            alternatives.append(x509.IPAddress(ip_address(name)))
        except ValueError:
            alternatives.append(x509.DNSName(name))
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(serialization.Encoding.PEM) + private
