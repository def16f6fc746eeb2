"""What the role kube-controller-manager leaves behind."""

from __future__ import annotations

from asked import ask
from testinfra.host import Host


def test_it_runs_and_is_healthy(host: Host) -> None:
    assert host.service("kube-controller-manager").is_running
    assert ask(host, "https://127.0.0.1:10257/healthz") == (200, "ok")
