"""Proves that a certificate of our own is made once, kept for its owner alone, and that suites go by Go's names."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.kube.apiserver.options import flag_set
from provisioner.kube.apiserver.tls import ciphers_of, listener_context


def test_a_certificate_is_made_once(tmp_path: Path) -> None:
    flags = flag_set().parse([f"--cert-dir={tmp_path / 'certs'}", "--tls-min-version=VersionTLS13"])
    listener_context(flags, "10.0.0.1")
    cert, key = tmp_path / "certs/apiserver.crt", tmp_path / "certs/apiserver.key"
    before = cert.read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600 and b"PRIVATE KEY" in key.read_bytes() and b"PRIVATE" not in before
    listener_context(flags, "10.0.0.1")
    assert cert.read_bytes() == before


def test_suites() -> None:
    names = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"]
    assert ciphers_of(names) == ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"]
    with pytest.raises(ValueError, match="TLS_RSA_WITH_RC4_128_SHA"):
        ciphers_of(["TLS_RSA_WITH_RC4_128_SHA"])
