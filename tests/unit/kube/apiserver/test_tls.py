"""Proves that a certificate of our own is made once, kept for its owner alone, and that suites go by Go's names."""

from __future__ import annotations

import logging
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from provisioner.kube.apiserver.options import flag_set
from provisioner.kube.apiserver.tls import Listener, NamedPair, ciphers_of, named_pairs


def test_a_certificate_is_made_once(tmp_path: Path) -> None:
    flags = flag_set().parse([f"--cert-dir={tmp_path / 'certs'}", "--tls-min-version=VersionTLS13"])
    Listener(flags, "10.0.0.1")
    cert, key = tmp_path / "certs/apiserver.crt", tmp_path / "certs/apiserver.key"
    before = cert.read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600 and b"PRIVATE KEY" in key.read_bytes() and b"PRIVATE" not in before
    Listener(flags, "10.0.0.1")
    assert cert.read_bytes() == before


def test_suites() -> None:
    names = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"]
    assert ciphers_of(names) == ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"]
    with pytest.raises(ValueError, match="TLS_RSA_WITH_RC4_128_SHA"):
        ciphers_of(["TLS_RSA_WITH_RC4_128_SHA"])


def pair(folder: Path, name: str, *names: str) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    cert, secret = folder / f"{name}.crt", folder / f"{name}.key"
    cert.write_bytes(builder.sign(key, SHA256()).public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return str(cert), str(secret)


def shown(context: ssl.SSLContext, asked: str) -> str:
    """The common name of the certificate that a client who asks for a name is shown."""
    client = ssl.create_default_context()
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    us = context.wrap_bio(to_server, to_client, server_side=True)
    them = client.wrap_bio(to_client, to_server, server_hostname=asked)
    waiting = {us, them}
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.discard(side)
            except ssl.SSLWantReadError:
                continue
    der = them.getpeercert(True)
    assert der is not None
    return str(x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)


def test_certificates_by_name_and_new_ones(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    own, other, third = pair(tmp_path, "own"), pair(tmp_path, "other", "a.example.com"), pair(tmp_path, "third")
    flags = flag_set().parse(
        [
            f"--tls-cert-file={own[0]}",
            f"--tls-private-key-file={own[1]}",
            f"--tls-sni-cert-key={','.join(other)}",
            f"--tls-sni-cert-key={','.join(third)}:*.b.io,c.io",
        ]
    )
    listener = Listener(flags, "10.0.0.1")
    asked = ("a.example.com", "A.example.com", "x.b.io", "b.io", "c.io", "10.0.0.1")
    assert [shown(listener.context, name) for name in asked] == ["other", "other", "third", "own", "third", "own"]
    listener.refresh()
    fresh = pair(tmp_path, "fresh")
    for file, source in zip((*own, *third), (*fresh, *fresh), strict=True):
        Path(file).write_bytes(Path(source).read_bytes())
    listener.refresh()
    assert [shown(listener.context, name) for name in asked] == ["other", "other", "fresh", "fresh", "fresh", "fresh"]
    # Half of a pair is not taken over.
    Path(own[0]).write_bytes(Path(other[0]).read_bytes())
    with caplog.at_level(logging.ERROR):
        listener.refresh()
    assert "is not taken over" in caplog.text and shown(listener.context, "10.0.0.1") == "fresh"


def test_who_trusts_a_ca_is_told_of_its_change(tmp_path: Path) -> None:
    own, authority, other = pair(tmp_path, "own"), pair(tmp_path, "ca"), pair(tmp_path, "ca2")
    told: list[str] = []
    flags = flag_set().parse([f"--tls-cert-file={own[0]}", f"--tls-private-key-file={own[1]}", f"--client-ca-file={authority[0]}"])
    listener = Listener(flags, "10.0.0.1", lambda: told.append(Path(authority[0]).read_text()))
    listener.refresh()
    assert told == []
    Path(authority[0]).write_bytes(Path(other[0]).read_bytes())
    listener.refresh()
    listener.refresh()
    assert told == [Path(other[0]).read_text()]


@pytest.mark.parametrize("text", ["", "cert", "cert,", ",key", "a,b,c"])
def test_pairs_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="expected cert,key"):
        named_pairs(text)
    assert named_pairs("c,k:A,*.b") == [NamedPair("c", "k", ("a", "*.b"))]
