"""What the role kube-apiserver leaves behind."""

from __future__ import annotations

from asked import ask
from testinfra.host import Host


def test_the_api_is_ready_and_secured(host: Host) -> None:
    assert host.service("kube-apiserver").is_running and host.service("kube-apiserver").is_enabled
    assert ask(host, "https://127.0.0.1:6443/readyz", authority="ca.crt") == (200, "ok")
    assert ask(host, "https://127.0.0.1:6443/api/v1/secrets", authority="ca.crt")[0] == 403
    assert ask(host, "https://127.0.0.1:6443/api/v1/secrets", authority="ca.crt", client="admin")[0] == 200
