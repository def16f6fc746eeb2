"""Preflight reaches hosts as the roles do: variables are rendered, and whoever must give a password to become root gives it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.cluster.context import open_cluster
from provisioner.cluster.hosts import Hosts, root_of
from provisioner.cluster.preflight import probe

TEXT = """
all:
  vars: {secret: c0rrect, cluster: {name: t}}
  children:
    masters: {hosts: {m: {ansible_host: "192.0.2.{{ number }}", number: 7, 8: nine, ansible_user: admin, ansible_become_password: "{{ secret }}"}}}
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


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ("ansible_port: ssh", "ansible_port: expected a port number, got 'ssh'"),
        ('ansible_host: "{{ nowhere }}"', "ansible_host: 'nowhere' is undefined"),
        ("ansible_connection: telnet", "ansible_connection: expected ssh, local or one of"),
    ],
)
def test_variables_that_lead_nowhere_are_a_problem_of_their_host(variables: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text(f"all:\n  vars: {{cluster: {{name: t}}}}\n  children:\n    masters: {{hosts: {{m: {{{variables}}}}}}}\n")
    context = open_cluster(path)
    with Hosts(context) as hosts:
        _, problems = probe(context.topology, hosts.run, hosts.describe, hosts.errors)
    assert [(problem.host, problem.kind) for problem in problems] == [("m", "inventory")]
    assert problems[0].message.startswith(f"{path}:4:23: host 'm': {told}")
