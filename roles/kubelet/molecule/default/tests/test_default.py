"""What the role kubelet leaves behind."""

from __future__ import annotations

from asked import ask
from testinfra.host import Host


def test_it_runs_and_pods_end_at_shutdown(host: Host) -> None:
    assert host.service("kubelet").is_running and host.service("kubelet").is_enabled
    assert ask(host, "http://127.0.0.1:10248/healthz") == (200, "ok")
    assert host.service("kube-pods").is_enabled
