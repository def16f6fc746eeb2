"""OpenSSH is called as the inventory says."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from provisioner.cli.ssh import inventory_of, ssh_argv


def test_arguments_follow_ansibles_variables() -> None:
    variables: dict[str, object] = {
        "ansible_host": "10.0.0.1",
        "ansible_user": "debian",
        "ansible_port": 2222,
        "ansible_ssh_private_key_file": "/k",
        "ansible_ssh_common_args": "-o UserKnownHostsFile=/a/known -o StrictHostKeyChecking=yes",
    }
    assert ssh_argv(variables, "m", ("uptime", "-p")) == [
        *("-i", "/k", "-o", "IdentitiesOnly=yes", "-p", "2222"),
        *("-o", "UserKnownHostsFile=/a/known", "-o", "StrictHostKeyChecking=yes"),
        *("debian@10.0.0.1", "--", "uptime", "-p"),
    ]
    assert ssh_argv({}, "m", ()) == ["m"]
    assert ssh_argv({"gateway": "admin@jump:2222"}, "m", ()) == ["-J", "admin@jump:2222", "m"]


INVENTORY = "all: {{vars: {{cluster: {{name: {name}}}}}, children: {{masters: {{hosts: {{{hosts}}}}}}}}}\n"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("only-a", "inventories/a.yaml"),
        ("both", "'both' is a host of inventories/a.yaml and inventories/b.yaml: say which with -i"),
        ("never-made", "no host 'never-made'; hosts: both, only-a"),
    ],
)
def test_a_hosts_inventory_is_the_one_whose_cluster_was_made_from_here(
    host: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, hosts in {"a": "both: {}, only-a: {}", "b": "both: {}", "c": "never-made: {}"}.items():
        path = tmp_path / "inventories" / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(INVENTORY.format(name=name, hosts=hosts))
        if name != "c":
            (path.parent / ".provision" / name).mkdir(parents=True)
    (tmp_path / "broken.yaml").write_text("all: [")
    try:
        found = str(inventory_of(host))
    except click.UsageError as e:
        found = e.message
    assert found == expected


def test_without_any_cluster_it_says_how_to_name_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(click.UsageError, match="name an inventory with -i"):
        inventory_of("master-1")
