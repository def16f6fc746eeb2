"""What the role pki leaves behind."""

from __future__ import annotations

from testinfra.host import Host


def test_the_authority_is_there_and_its_key_is_not(host: Host) -> None:
    assert host.file("/etc/kubernetes/pki/ca.crt").contains("BEGIN CERTIFICATE")
    assert not host.file("/etc/kubernetes/pki/ca.key").exists
