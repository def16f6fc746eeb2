"""Proves that kubeconfigs read as client-go reads them, and that each mistake names its file and field."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path

import pytest

from provisioner.kube.client import kubeconfig
from provisioner.kube.client.kubeconfig import ConfigError, in_cluster, load_kubeconfig
from provisioner.kube.client.self_signed import self_signed

TEXT = """apiVersion: v1
kind: Config
current-context: main
contexts:
- {name: main, context: {cluster: c, user: u, namespace: work}}
- {name: bare, context: {cluster: c}}
- {name: lost, context: {cluster: nowhere}}
clusters:
- {name: c, cluster: {server: 'https://10.0.0.1:6443/', certificate-authority-data: CA, tls-server-name: api}}
users:
- {name: u, user: {client-certificate: cert.pem, client-key-data: KEY, tokenFile: /run/token}}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    pem = self_signed(["test"])
    at = pem.index(b"-----BEGIN PRIVATE")
    certificate, key = pem[:at], pem[at:]
    (tmp_path / "cert.pem").write_bytes(certificate)
    text = TEXT.replace(" CA,", f" {base64.b64encode(certificate).decode()},").replace("KEY", base64.b64encode(key).decode())
    (tmp_path / "config").write_text(text)
    return tmp_path / "config"


def test_a_whole_one(path: Path) -> None:
    access = load_kubeconfig(path)
    assert (access.server, access.namespace, access.tls_server_name) == ("https://10.0.0.1:6443", "work", "api")
    assert access.token_file == Path("/run/token")
    context = access.ssl_context()
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert "PRIVATE" not in repr(access)


def test_a_named_context(path: Path) -> None:
    access = load_kubeconfig(path, "bare")
    assert (access.cert_data, access.namespace) == (None, "default")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("current-context: main", "current-context: lost"), "clusters: no entry named 'nowhere'"),
        (("current-context: main", "current-context: gone"), "contexts: no entry named 'gone'"),
        (("cert.pem", "missing.pem"), "client-certificate: can't read"),
        (("server: ", "srv: "), "'c' has no server"),
        (("kind: Config", "kind: ["), "not YAML"),
    ],
)
def test_mistakes(path: Path, change: tuple[str, str], message: str) -> None:
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(ConfigError, match=message) as caught:
        load_kubeconfig(path)
    assert str(path) in str(caught.value)


def test_no_file_and_no_mapping(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_kubeconfig(tmp_path / "none")
    (tmp_path / "list").write_text("- a")
    with pytest.raises(ConfigError, match="expected a kubeconfig"):
        load_kubeconfig(tmp_path / "list")


def test_in_a_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ConfigError, match="this is no pod"):
        in_cluster()
    for name, text in (("ca.crt", "ca"), ("token", "t"), ("namespace", "ns\n")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(kubeconfig, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    access = in_cluster()
    assert (access.server, access.namespace, access.token_file) == ("https://10.96.0.1:443", "ns", tmp_path / "token")
