"""What the role release leaves behind."""

from __future__ import annotations

from testinfra.host import Host


def test_the_daemons_code_runs(host: Host) -> None:
    assert host.file("/opt/provision/current").is_symlink
    said = host.run("/opt/provision/current/bin/kube-apiserver --version")
    assert said.rc == 0 and "v1." in said.stdout
