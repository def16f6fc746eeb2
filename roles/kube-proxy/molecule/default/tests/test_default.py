"""What the role kube-proxy leaves behind."""

from __future__ import annotations

from testinfra.host import Host


def test_services_have_a_table(host: Host) -> None:
    assert host.service("kube-proxy").is_running and host.service("kube-proxy").is_enabled
    assert host.run("nft list tables").stdout.count("table") >= 1
