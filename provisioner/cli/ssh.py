"""`provision ssh`: OpenSSH's client with the inventory's address, key and pinned host key."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click


@click.command("ssh", context_settings={"allow_interspersed_args": False})
@click.option(
    "-i", "--inventory", type=click.Path(path_type=Path), help="Whose HOST. [default: the only cluster made from here that has it]"
)
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="[INVENTORY] HOST [COMMAND]...")
def command(inventory: Path | None, words: tuple[str, ...]) -> int:
    """Open a shell on HOST, or run COMMAND there (its exit code is ours)."""
    from provisioner.cluster.context import open_cluster
    from provisioner.cluster.errors import ClusterError
    from provisioner.cluster.hosts import Hosts

    if inventory is None and Path(words[0]).exists():
        inventory, words = Path(words[0]), words[1:]
    if not words:
        raise click.UsageError("which host? provision ssh [INVENTORY] HOST [COMMAND]...")
    host, *remote = words
    context = open_cluster(inventory or inventory_of(host))
    if host not in context.inventory.hosts:
        raise click.UsageError(f"no host {host!r}; hosts: {', '.join(context.inventory.hosts)}")
    context.connect_vars()
    client = shutil.which("ssh")
    if client is None:
        raise ClusterError("the ssh client is not installed here", hint="apt-get install openssh-client")
    argv = ssh_argv(Hosts(context).ways(host), host, tuple(remote))
    os.execv(client, [client, *argv])


def inventory_of(host: str) -> Path:
    """The one inventory in this folder, or in `inventories`, whose cluster was made and has the host. Raises click.UsageError."""
    from provisioner.cluster.context import open_cluster
    from provisioner.cluster.errors import ClusterError
    from provisioner.inventory import InventoryError
    from provisioner.machines.errors import MachineError

    found: list[Path] = []
    hosts: set[str] = set()
    for path in sorted([*Path().glob("*.y*ml"), *Path("inventories").glob("*.y*ml")]):
        try:
            context = open_cluster(path)
        except (InventoryError, MachineError, ClusterError):
            continue  # another cluster's trouble, or no inventory at all
        if context.state.root.exists():
            hosts.update(context.inventory.hosts)
            if host in context.inventory.hosts:
                found.append(path)
    if len(found) == 1:
        return found[0]
    if found:
        raise click.UsageError(f"{host!r} is a host of {' and '.join(map(str, found))}: say which with -i")
    known = f"hosts: {', '.join(sorted(hosts))}" if hosts else "no cluster was made from here; name an inventory with -i"
    raise click.UsageError(f"no host {host!r}; {known}")


def ssh_argv(variables: dict[str, object], host: str, words: tuple[str, ...]) -> list[str]:
    """The client's arguments for a host's variables, rendered."""
    import shlex

    argv: list[str] = []
    if variables.get("ansible_ssh_private_key_file"):
        argv += ["-i", str(Path(str(variables["ansible_ssh_private_key_file"])).expanduser()), "-o", "IdentitiesOnly=yes"]
    if variables.get("ansible_port"):
        argv += ["-p", str(variables["ansible_port"])]
    jump = variables.get("gateway") or variables.get("ansible_gateway")
    if jump:
        argv += ["-J", str(jump)]
    for key in ("ansible_ssh_common_args", "ansible_ssh_extra_args"):
        argv += shlex.split(str(variables.get(key) or ""))
    user = f"{variables['ansible_user']}@" if variables.get("ansible_user") else ""
    return [*argv, f"{user}{variables.get('ansible_host', host)}", *(["--", *words] if words else [])]
