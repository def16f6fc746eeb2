"""Where the API server is and who we are: a kubeconfig file, or the service account mounted into a pod."""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class ConfigError(Exception):
    """A kubeconfig that can't be used: names the file and the field. Ends a daemon's start with exit code 2."""


@dataclass(frozen=True, slots=True)
class ClusterAccess:
    """How to reach one API server. Paths win over inline data, as in client-go; `token_file` is read again when it changes."""

    server: str
    ca_data: bytes | None = None
    cert_data: bytes | None = field(default=None, repr=False)
    key_data: bytes | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    insecure_skip_tls_verify: bool = False
    tls_server_name: str | None = None
    namespace: str = "default"

    def ssl_context(self) -> ssl.SSLContext | None:
        """A verifying TLS 1.2+ context with our client certificate; None for plain http."""
        if self.server.startswith("http://"):
            return None
        context = ssl.create_default_context(cadata=self.ca_data.decode() if self.ca_data else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.insecure_skip_tls_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.cert_data and self.key_data:
            # OpenSSL reads certificates from files only; this one is 0600, ours, and gone before we return.
            with tempfile.NamedTemporaryFile(prefix="client-", suffix=".pem") as pem:
                pem.write(self.cert_data + b"\n" + self.key_data)
                pem.flush()
                context.load_cert_chain(pem.name)
        return context


def _named(document: dict[str, Any], section: str, kind: str, name: str, path: Path) -> dict[str, Any]:
    for entry in document.get(section) or ():
        if entry.get("name") == name:
            found: dict[str, Any] = entry.get(kind) or {}
            return found
    raise ConfigError(f"{path}: {section}: no entry named {name!r}")


def _bytes(section: dict[str, Any], key: str, path: Path) -> bytes | None:
    """`key` names a file beside the kubeconfig, `key-data` holds the bytes in base64."""
    if section.get(key):
        file = path.parent / str(section[key])
        try:
            content: bytes = file.read_bytes()
        except OSError as error:
            raise ConfigError(f"{path}: {key}: can't read {file}: {error.strerror}") from error
        return content
    if section.get(f"{key}-data"):
        return base64.b64decode(str(section[f"{key}-data"]))
    return None


def load_kubeconfig(path: Path, context: str | None = None) -> ClusterAccess:
    """The current (or the named) context of a kubeconfig file. Raises ConfigError."""
    try:
        document = yaml.safe_load(path.read_text())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {error}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: expected a kubeconfig, a mapping with clusters, users and contexts")
    name = context or document.get("current-context") or ""
    chosen = _named(document, "contexts", "context", name, path)
    cluster = _named(document, "clusters", "cluster", chosen.get("cluster", ""), path)
    user = _named(document, "users", "user", chosen.get("user", ""), path) if chosen.get("user") else {}
    if not cluster.get("server"):
        raise ConfigError(f"{path}: clusters: {chosen.get('cluster')!r} has no server")
    return ClusterAccess(
        server=cluster["server"].rstrip("/"),
        ca_data=_bytes(cluster, "certificate-authority", path),
        cert_data=_bytes(user, "client-certificate", path),
        key_data=_bytes(user, "client-key", path),
        token=user.get("token"),
        token_file=Path(user["tokenFile"]) if user.get("tokenFile") else None,
        insecure_skip_tls_verify=bool(cluster.get("insecure-skip-tls-verify")),
        tls_server_name=cluster.get("tls-server-name"),
        namespace=chosen.get("namespace") or "default",
    )


def in_cluster() -> ClusterAccess:
    """The access a pod's service account gives. Raises ConfigError outside a pod."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    if not host or not port:
        raise ConfigError("no --kubeconfig was given, and this is no pod (KUBERNETES_SERVICE_HOST is not set)")
    return ClusterAccess(
        server=f"https://{host}:{port}",
        ca_data=(SERVICE_ACCOUNT / "ca.crt").read_bytes(),
        token_file=SERVICE_ACCOUNT / "token",
        namespace=(SERVICE_ACCOUNT / "namespace").read_text().strip(),
    )
