"""`provision ssh`: OpenSSH's client with the inventory's address, key and pinned host key."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click

from provisioner.cli.options import inventory_argument


@click.command("ssh", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@inventory_argument
@click.argument("host")
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def command(inventory: Path, host: str, words: tuple[str, ...]) -> int:
    """Open a shell on HOST, or run a command there (its exit code is ours)."""
    from provisioner.cluster.context import open_cluster
    from provisioner.cluster.errors import ClusterError

    context = open_cluster(inventory)
    if host not in context.inventory.hosts:
        raise click.UsageError(f"no host {host!r}; hosts: {', '.join(context.inventory.hosts)}")
    context.connect_vars()
    client = shutil.which("ssh")
    if client is None:
        raise ClusterError("the ssh client is not installed here", hint="apt-get install openssh-client")
    variables = dict(context.inventory.hosts[host].vars)
    argv = ssh_argv(variables, host, words)
    os.execv(client, [client, *argv])


def ssh_argv(variables: dict[str, object], host: str, words: tuple[str, ...]) -> list[str]:
    """The client's arguments for a host's Ansible variables."""
    import shlex

    argv: list[str] = []
    if variables.get("ansible_ssh_private_key_file"):
        argv += ["-i", str(Path(str(variables["ansible_ssh_private_key_file"])).expanduser()), "-o", "IdentitiesOnly=yes"]
    if variables.get("ansible_port"):
        argv += ["-p", str(variables["ansible_port"])]
    for key in ("ansible_ssh_common_args", "ansible_ssh_extra_args"):
        argv += shlex.split(str(variables.get(key) or ""))
    user = f"{variables['ansible_user']}@" if variables.get("ansible_user") else ""
    return [*argv, f"{user}{variables.get('ansible_host', host)}", *(["--", *words] if words else [])]
