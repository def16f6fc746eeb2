"""What the role kube-dns leaves behind."""

from __future__ import annotations

from testinfra.host import Host


def test_it_runs_and_listens(host: Host) -> None:
    assert host.service("kube-dns").is_running
    address = host.interface("host0").addresses[0]
    assert host.socket(f"udp://{address}:53").is_listening
