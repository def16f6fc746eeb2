"""What the role kube-apiserver leaves behind."""

from __future__ import annotations

from testinfra.host import Host


def test_the_api_is_ready_and_secured(host: Host) -> None:
    assert host.service("kube-apiserver").is_running and host.service("kube-apiserver").is_enabled
    assert host.run("curl --silent --cacert /etc/kubernetes/pki/ca.crt https://127.0.0.1:6443/readyz").stdout == "ok"
    refused = host.run("curl --silent --cacert /etc/kubernetes/pki/ca.crt https://127.0.0.1:6443/api/v1/secrets")
    assert "Forbidden" in refused.stdout
