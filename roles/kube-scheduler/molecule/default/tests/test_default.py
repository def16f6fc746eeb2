"""What the role kube-scheduler leaves behind."""

from __future__ import annotations

from testinfra.host import Host


def test_it_runs_and_is_healthy(host: Host) -> None:
    assert host.service("kube-scheduler").is_running
    assert host.run("curl --silent --insecure https://127.0.0.1:10259/healthz").stdout.strip() == "ok"
