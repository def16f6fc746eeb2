"""What the role docker leaves behind."""

from __future__ import annotations

from testinfra.host import Host


def test_docker_runs_and_leaves_the_network_alone(host: Host) -> None:
    assert host.service("docker").is_running and host.service("docker").is_enabled
    assert not host.interface("docker0").exists
    assert host.run("docker info --format '{{.LiveRestoreEnabled}}'").stdout.strip() == "true"
