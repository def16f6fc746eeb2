"""Preflight reaches hosts as the roles do: variables are rendered, and whoever must give a password to become root gives it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.cluster.context import open_cluster
from provisioner.cluster.hosts import Hosts, root_of

TEXT = """
all:
  vars: {secret: c0rrect, cluster: {name: t}}
  children:
    masters: {hosts: {m: {ansible_host: "192.0.2.{{ number }}", number: 7, ansible_user: admin, ansible_become_password: "{{ secret }}"}}}
"""


@pytest.mark.parametrize(
    ("variables", "method", "password"),
    [
        ({}, "sudo", None),
        ({"ansible_become_password": "pw-a"}, "sudo", "pw-a"),
        ({"ansible_become_pass": 1234}, "sudo", "1234"),
        ({"ansible_sudo_pass": "pw-c"}, "sudo", "pw-c"),
        ({"ansible_become_method": "ansible.builtin.su", "ansible_su_pass": "pw-d", "ansible_sudo_pass": "pw-c"}, "su", "pw-d"),
    ],
)
def test_becoming_root(variables: dict[str, Any], method: str, password: str | None) -> None:
    found = root_of(variables)
    assert (found.user, found.method) == ("root", method)
    assert (found.password.reveal() if found.password else None) == password
    assert password is None or password not in repr(found)


def test_templates_in_the_ways_to_a_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text(TEXT)
    asked: list[Any] = []
    with Hosts(open_cluster(path)) as hosts:
        settings = hosts.of("m").settings
        monkeypatch.setattr(type(hosts.of("m")), "raw", lambda self, command, **rest: asked.append(rest["become"]))
        hosts.run("m", "true")
    assert (settings.address, settings.user) == ("192.0.2.7", "admin")
    assert asked[0].password.reveal() == "c0rrect"
