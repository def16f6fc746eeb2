"""Proves that a daemon without a certificate serves TLS with one of its own, and doesn't carry the machinery that made it."""

from __future__ import annotations

import re
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from provisioner.kube.client.kubeconfig import ConfigError
from provisioner.kube.client.self_signed import self_signed
from provisioner.kube.client.serving import serving_context


def handshake(context: ssl.SSLContext) -> bytes:
    """The certificate (DER) that a client is shown, both ends in memory."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    server = context.wrap_bio(to_server, to_client, server_side=True)
    client = trusting.wrap_bio(to_client, to_server)
    for end in (client, server, client, server):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    shown = client.getpeercert(binary_form=True)
    assert shown is not None
    return shown


def names_in(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in found]


def test_names_are_the_ones_asked_for_and_this_host() -> None:
    made = x509.load_pem_x509_certificate(self_signed(["scheduler", "10.0.0.1"]))
    assert names_in(made) == ["scheduler", "10.0.0.1", "localhost", "127.0.0.1"]


def test_without_a_certificate_one_is_made() -> None:
    shown = x509.load_der_x509_certificate(handshake(serving_context("", "", names=["scheduler"])))
    assert names_in(shown)[0] == "scheduler"


def test_a_given_certificate_is_served(tmp_path: Path) -> None:
    pem = tmp_path / "serving.pem"
    pem.write_bytes(self_signed(["given"]))
    shown = x509.load_der_x509_certificate(handshake(serving_context(str(pem), "", names=["other"])))
    assert names_in(shown)[0] == "given"


@pytest.mark.parametrize(
    ("cert", "key", "told"),
    [
        ("a.pem", "b.pem", "the key is another certificate's"),
        ("hosts", "a.pem", "expected a certificate and its key as PEM, not encrypted"),
        ("a.pem", "sealed.key", "expected a certificate and its key as PEM, not encrypted"),
        ("gone", "", "No such file or directory"),
    ],
)
def test_files_that_are_no_certificate_and_its_key(tmp_path: Path, cert: str, key: str, told: str) -> None:
    for name in ("a.pem", "b.pem"):
        (tmp_path / name).write_bytes(self_signed([name]))
    (tmp_path / "hosts").write_text("127.0.0.1 localhost\n")
    private = serialization.load_pem_private_key((tmp_path / "a.pem").read_bytes(), None)
    sealed = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    )
    (tmp_path / "sealed.key").write_bytes(sealed)
    key_file = str(tmp_path / key) if key else ""
    with pytest.raises(ConfigError, match=re.escape(told)) as caught:
        serving_context(str(tmp_path / cert), key_file, names=())
    assert str(caught.value).startswith(f"--tls-cert-file={tmp_path / cert} and --tls-private-key-file=")


def test_what_signs_stays_out_of_the_daemon() -> None:
    program = (
        "import sys\nfrom provisioner.kube.client.serving import serving_context\n"
        "serving_context('', '', names=['x'])\nsys.exit('cryptography' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
