"""Proves that a daemon without a certificate serves TLS with one of its own, and doesn't carry the machinery that made it."""

from __future__ import annotations

import ssl
import subprocess
import sys
from pathlib import Path

from cryptography import x509

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


def test_what_signs_stays_out_of_the_daemon() -> None:
    program = (
        "import sys\nfrom provisioner.kube.client.serving import serving_context\n"
        "serving_context('', '', names=['x'])\nsys.exit('cryptography' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
