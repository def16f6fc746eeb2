"""What the role common leaves behind."""

from __future__ import annotations

from testinfra.host import Host


def test_host_is_ready_for_daemons(host: Host) -> None:
    assert host.user("kube").shell == "/usr/sbin/nologin"
    assert host.sysctl("net.ipv4.ip_forward") == 1
    assert host.file("/etc/kubernetes").mode == 0o755
    assert host.file("/var/lib/provision").mode == 0o700
    assert host.package("nftables").is_installed
