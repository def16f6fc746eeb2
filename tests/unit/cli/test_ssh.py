"""OpenSSH is called as the inventory says."""

from __future__ import annotations

from provisioner.cli.ssh import ssh_argv


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
