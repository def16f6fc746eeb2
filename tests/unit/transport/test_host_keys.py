"""Proves by which name known_hosts is asked for a host's keys: that of HostKeyAlias, else its address."""

from __future__ import annotations

from pathlib import Path

import paramiko
import pytest

from provisioner.transport.host_keys import UnknownKey, expect, unknown
from provisioner.transport.settings import ConnectionSettings

KEY = paramiko.ECDSAKey.generate()


def settings(known_hosts: Path, arguments: str, port: int = 22) -> ConnectionSettings:
    variables = {
        "ansible_host": "192.0.2.1",
        "ansible_port": port,
        "ansible_ssh_common_args": f"-F none -o UserKnownHostsFile={known_hosts} {arguments}",
    }
    return ConnectionSettings.from_vars("web", variables)


@pytest.mark.parametrize(
    ("written", "arguments", "port", "known"),
    [
        ("192.0.2.1", "", 22, True),
        ("[192.0.2.1]:2222", "", 2222, True),
        ("behind-nat", "", 22, False),
        ("behind-nat", "-o HostKeyAlias=behind-nat", 2222, True),
        ("192.0.2.1", "-o HostKeyAlias=behind-nat", 22, False),
    ],
)
def test_the_name_that_known_hosts_has(tmp_path: Path, written: str, arguments: str, port: int, known: bool) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"{written} {KEY.get_name()} {KEY.get_base64()}\n")
    client = paramiko.SSHClient()
    expect(client, settings(file, arguments, port))
    asked = "192.0.2.1" if port == 22 else f"[192.0.2.1]:{port}"
    assert (client._system_host_keys.check(asked, KEY) or client.get_host_keys().check(asked, KEY)) is known


def test_a_key_that_is_taken_is_kept_under_the_alias(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    client = paramiko.SSHClient()
    chosen = settings(file, "-o HostKeyAlias=behind-nat -o StrictHostKeyChecking=accept-new")
    expect(client, chosen)
    client._policy.missing_host_key(client, "192.0.2.1", KEY)
    assert file.read_text().split()[0] == "behind-nat"


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    client = paramiko.SSHClient()
    chosen = settings(tmp_path / "none", "")
    expect(client, chosen)
    with pytest.raises(UnknownKey) as caught:
        client._policy.missing_host_key(client, "192.0.2.1", KEY)
    assert "is not in" in str(unknown(chosen, caught.value.key, caught.value.pinned))
