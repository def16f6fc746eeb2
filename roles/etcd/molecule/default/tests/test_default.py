"""What the role etcd leaves behind."""

from __future__ import annotations

from asked import ask
from testinfra.host import Host


def test_etcd_serves_with_tls_only(host: Host) -> None:
    assert host.service("etcd").is_running and host.service("etcd").is_enabled
    key = host.file("/etc/kubernetes/pki/etcd/server.key")
    assert (key.user, key.mode) == ("etcd", 0o600)
    assert ask(host, "http://127.0.0.1:2379/health")[0] == 0
    assert ask(host, "https://127.0.0.1:2379/health")[0] == 0  # nobody without a certificate
    status, body = ask(host, "https://127.0.0.1:2379/health", client="etcd/server")
    assert status == 200 and '"health":"true"' in body
