"""What the role images leaves behind."""

from __future__ import annotations

from testinfra.host import Host


def test_pods_can_start_without_a_registry(host: Host) -> None:
    assert "busybox" in host.run("docker images").stdout
