"""The listener's TLS: the certificate that was given, or a self-signed one that is made once and kept in --cert-dir."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from provisioner.kube.client.flags import Flags
from provisioner.kube.client.serving import self_signed, serving_context

log = logging.getLogger(__name__)

NAMES = ("localhost", "127.0.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
# Go's name of a TLS 1.2 suite -> OpenSSL's.
_SUITES = {
    f"TLS_{exchange}_WITH_{cipher}": f"{exchange.replace('_', '-')}-{ours}"
    for exchange in ("ECDHE_ECDSA", "ECDHE_RSA")
    for cipher, ours in (
        ("AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
        ("AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
        ("CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305"),
        ("CHACHA20_POLY1305", "CHACHA20-POLY1305"),
    )
}
_TLS13 = frozenset({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})


def ciphers_of(names: list[str]) -> list[str]:
    """OpenSSL's names of TLS 1.2 suites. Raises ValueError naming those that are not offered."""
    unknown = [name for name in names if name not in _SUITES and name not in _TLS13]
    if unknown:
        raise ValueError(f"--tls-cipher-suites={','.join(unknown)}: expected some of {', '.join(_SUITES)}")
    return [_SUITES[name] for name in names if name in _SUITES]


def listener_context(flags: Flags, advertise: str) -> ssl.SSLContext:
    cert, key = flags.tls_cert_file, flags.tls_private_key_file
    names = [advertise, *NAMES]
    if not cert:
        cert, key = _kept(Path(flags.cert_dir), names)
    context = serving_context(cert, key, names=names, client_ca_file=flags.client_ca_file)
    if flags.tls_min_version == "VersionTLS13":
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    ciphers = ciphers_of(flags.tls_cipher_suites)
    if ciphers:
        context.set_ciphers(":".join(ciphers))
    if flags.requestheader_client_ca_file:
        context.load_verify_locations(flags.requestheader_client_ca_file)
        context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["http/1.1"])
    return context


def _kept(folder: Path, names: list[str]) -> tuple[str, str]:
    """The files of a certificate of our own, under upstream's names; ("", "") where they can't be kept."""
    cert, key = folder / "apiserver.crt", folder / "apiserver.key"
    if cert.is_file() and key.is_file():
        return str(cert), str(key)
    pem = self_signed(names)
    parts = [b"-----BEGIN" + part for part in pem.split(b"-----BEGIN") if part.strip()]
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        key.touch(0o600)
        key.write_bytes(b"".join(p for p in parts if b"PRIVATE KEY" in p))
        cert.write_bytes(b"".join(p for p in parts if b"CERTIFICATE" in p))
    except OSError as error:
        log.warning("certificate can't be kept, it lasts for this run only folder=%s: %s", folder, error)
        return "", ""
    log.info("self-signed certificate made file=%s", cert)
    return str(cert), str(key)
