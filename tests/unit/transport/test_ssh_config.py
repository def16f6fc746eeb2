"""Proves that OpenSSH's configuration counts where variables are silent, in ssh's order, and what it says of keys, hops and commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.transport import ConnectionSettings, ssh_config
from provisioner.transport.errors import ConnectError

USERS = """
Host web
    HostName web.example.com
    User deploy
    Port 2222
    IdentityFile {home}/.ssh/one
    IdentityFile {home}/.ssh/gone
    IdentitiesOnly yes
    UserKnownHostsFile {home}/known
    StrictHostKeyChecking accept-new
    ConnectTimeout 3
    ServerAliveInterval 7
Include more/*.conf
Host inner
    ProxyJump jo@bastion:23,near
Host bastion
    HostName 192.0.2.1
    IdentityFile {home}/.ssh/one
Host behind
    ProxyCommand nc -X 5 %h %p %r %%x
Host *
    User everybody
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".ssh" / "more").mkdir(parents=True)
    (tmp_path / ".ssh" / "config").write_text(USERS.format(home=tmp_path))
    (tmp_path / ".ssh" / "more" / "a.conf").write_text("Host included\n    Port 99\n")
    (tmp_path / ".ssh" / "one").write_text("a key")
    (tmp_path / "system").write_text("Host *\n    Port 1022\n    User nobody\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(ssh_config, "SYSTEM", tmp_path / "system")
    return tmp_path


def settings(name: str, **variables: Any) -> ConnectionSettings:
    return ConnectionSettings.from_vars(name, variables)


def test_a_host_by_its_alias(home: Path) -> None:
    found = settings("web")
    assert (found.name, found.address, found.port, found.user) == ("web", "web.example.com", 2222, "deploy")
    assert found.private_key_files == (home / ".ssh" / "one",) and found.identities_only
    assert found.known_hosts == (home / "known",) and found.host_key_policy == "accept-new"
    assert (found.connect_timeout_s, found.keepalive_s) == (3.0, 7)
    # The alias may be the inventory's address of a host.
    assert settings("w1", ansible_host="web") == ConnectionSettings.from_vars("w1", {"ansible_host": "web"})
    assert settings("w1", ansible_host="web").address == "web.example.com"


def test_variables_come_first_then_the_users_file_then_the_systems() -> None:
    found = settings("web", ansible_user="ann", ansible_port=7, ansible_ssh_common_args="-o ConnectTimeout=9 -i /a/key")
    assert (found.user, found.port, found.connect_timeout_s, found.private_key_files) == ("ann", 7, 9.0, (Path("/a/key"),))
    other = settings("other")
    assert (other.address, other.port, other.user, other.identities_only) == ("other", 1022, "everybody", False)
    assert settings("included").port == 99
    assert settings("web", ansible_ssh_common_args="-o ConnectTimeout=none").connect_timeout_s == 10.0
    local = settings("web", ansible_connection="local")
    assert local.address == "web" and local.port == 22


def test_another_file_or_none(home: Path) -> None:
    (home / "mine").write_text("Host web\n    Port 5\n")
    assert settings("web", ansible_ssh_extra_args=f"-F {home}/mine").port == 5
    assert settings("web", ansible_ssh_extra_args=f"-F {home}/mine").address == "web"
    assert settings("web", ansible_ssh_common_args="-F none").port == 22


def test_hops_have_a_configuration_of_their_own(home: Path) -> None:
    near = settings("inner", ansible_user="ann").gateway
    assert near is not None and (near.address, near.user, near.port) == ("near", "everybody", 1022)
    far = near.gateway
    assert far is not None and (far.address, far.user, far.port, far.gateway) == ("192.0.2.1", "jo", 23, None)
    assert far.private_key_files == (home / ".ssh" / "one",)
    assert settings("inner", ansible_ssh_common_args="-o ProxyJump=none").gateway is None


def test_a_command_in_place_of_a_connection() -> None:
    assert settings("behind", ansible_port=8, ansible_user="ann").proxy_command == "nc -X 5 behind 8 ann %x"
    told = settings("inner", ansible_host="10.0.0.9", ansible_ssh_common_args='-o ProxyCommand="ssh -W %h:%p -q me@gate"')
    assert (told.proxy_command, told.gateway) == ("ssh -W 10.0.0.9:1022 -q me@gate", None)
    assert settings("behind", ansible_ssh_common_args="-J gate").proxy_command is None
    assert settings("behind", ansible_ssh_common_args="-o ProxyCommand=none").proxy_command is None


def test_a_changed_file_is_read_again(home: Path) -> None:
    assert settings("new").port == 1022
    (home / ".ssh" / "config").write_text("Host new\n    Port 33\n")
    assert settings("new").port == 33


@pytest.mark.parametrize("text", ["Nonsense\n", "Host \xff\xfe"])
def test_a_file_that_can_not_be_read_is_named(home: Path, text: str) -> None:
    (home / ".ssh" / "config").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConnectError, match=r"^web: reading OpenSSH's configuration: .*/\.ssh/config: .*-F none"):
        settings("web")


def test_files_that_include_each_other_end(home: Path) -> None:
    (home / ".ssh" / "config").write_text("Include config\n")
    with pytest.raises(ConnectError, match="include each other"):
        settings("web")
