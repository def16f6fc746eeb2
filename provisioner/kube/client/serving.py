"""TLS for a daemon's own endpoints: the certificate it was given, or one made at start, as upstream's daemons do."""

from __future__ import annotations

import ssl
import subprocess
import sys
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
    """PEM of a key and its certificate. Made by a short-lived process: what signs certificates takes 12 MB that a daemon would keep for one use at start."""
    program = f"import sys; sys.path[:] = {sys.path!r}; from provisioner.kube.client.self_signed import main; main()"
    return subprocess.run([sys.executable, "-I", "-c", program, *names], stdout=subprocess.PIPE, check=True, timeout=60).stdout
