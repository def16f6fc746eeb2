"""TLS for a daemon's own endpoints: the certificate it was given, or one made at start, as upstream's daemons do."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from provisioner.kube.client.daemon import Listener
from provisioner.kube.client.flags import Flags, FlagSet, integer, ip_address
from provisioner.kube.client.kubeconfig import ConfigError


def add_flags(flags: FlagSet, port: int) -> None:
    """Of a daemon whose only endpoints are its health and its numbers."""
    flags.add("kubeconfig", str, "", "how to reach the API server")
    flags.add("authentication-kubeconfig", str, "", "taken for compatibility; health endpoints need no client")
    flags.add("authorization-kubeconfig", str, "", "taken for compatibility; health endpoints need no client")
    flags.add("bind-address", ip_address, "127.0.0.1", "where /healthz and /metrics answer")
    flags.add("secure-port", integer, port, "their port; 0 turns them off")
    flags.add("tls-cert-file", str, "", "serving certificate (default: one made at start)")
    flags.add("tls-private-key-file", str, "", "its key")


def listener(flags: Flags) -> Listener:
    """Where such a daemon answers, by its flags."""
    context = serving_context(flags.tls_cert_file, flags.tls_private_key_file, names=[socket.gethostname(), flags.bind_address])
    return Listener(flags.bind_address, flags.secure_port, context)


def pair_problem(cert_file: str, key_file: str, context: ssl.SSLContext | None = None) -> str:
    """Why these can't be a certificate and its key; "" when they can, and `context` has them then. An empty `key_file`: the key is beside the
    certificate."""
    try:
        (context or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)).load_cert_chain(cert_file, key_file or None, password="")
    except ssl.SSLError as error:
        return (
            "the key is another certificate's"
            if "MISMATCH" in (error.reason or "")
            else "expected a certificate and its key as PEM, not encrypted"
        )
    except OSError as error:
        return error.strerror or str(error)
    return ""


def serving_context(cert_file: str, key_file: str, *, names: Sequence[str], client_ca_file: str = "") -> ssl.SSLContext:
    """A TLS 1.2+ server context. With `client_ca_file` a client may show a certificate, and is refused with a wrong one. Raises ConfigError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert_file:
        if wrong := pair_problem(cert_file, key_file, context):
            raise ConfigError(f"--tls-cert-file={cert_file} and --tls-private-key-file={key_file or cert_file}: {wrong}")
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
