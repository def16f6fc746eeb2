"""`provision inventory`: the inventory as it is understood."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from provisioner.inventory import Inventory


@click.command("inventory")
@click.argument("sources", nargs=-1, type=str)
@click.option("-i", "--inventory", "more", multiple=True, help="A source; may be given again.")
@click.option("--list", "show", flag_value="list", help="Groups and host variables, as ansible-inventory prints them.")
@click.option("--graph", "show", flag_value="graph", default=True, help="Groups and hosts as a tree.")
@click.option("--vars", "show", flag_value="vars", help="What the roles are told (of the last run), to use with ansible-playbook -e @FILE.")
@click.option("--host", help="The variables of one host.")
def command(sources: tuple[str, ...], more: tuple[str, ...], show: str, host: str | None) -> int:
    """Show hosts, groups and variables."""
    from provisioner.inventory import load

    paths = [*sources, *more]
    if not paths:
        raise click.UsageError("name an inventory")
    loaded = load(paths)
    if host is not None:
        if host not in loaded.hosts:
            raise click.UsageError(f"no host {host!r}; hosts: {', '.join(loaded.hosts)}")
        _print_json(dict(loaded.hosts[host].vars))
    elif show == "vars":
        _print_role_variables(Path(paths[0]))
    elif show == "list":
        _print_json(listing(loaded))
    else:
        click.echo("\n".join(graph(loaded)))
    return 0


def listing(inventory: Inventory) -> dict[str, Any]:
    """The JSON of `ansible-inventory --list`."""
    found: dict[str, Any] = {"_meta": {"hostvars": {name: dict(host.vars) for name, host in inventory.hosts.items()}}}
    for name, group in inventory.groups.items():
        entry: dict[str, list[str]] = {}
        if group.children:
            entry["children"] = list(group.children)
        if group.host_names:
            entry["hosts"] = list(group.host_names)
        if entry:
            found[name] = entry
    return found


def graph(inventory: Inventory, name: str = "all", depth: int = 0) -> list[str]:
    """The tree of `ansible-inventory --graph`."""
    indent = "  |" * depth
    lines = [f"{indent}--@{name}:" if depth else f"@{name}:"]
    for child in inventory.groups[name].children:
        lines += graph(inventory, child, depth + 1)
    lines += [f"{indent}  |--{host}" for host in inventory.groups[name].host_names]
    return lines


def _print_role_variables(path: Path) -> None:
    from provisioner.cluster.context import open_cluster
    from provisioner.cluster.errors import NotMadeError

    state = open_cluster(path).state
    if not state.variables.exists():
        raise NotMadeError(f"{state.variables} is not there yet", hint=f"it is written by: provision up {path}")
    click.echo(state.variables.read_text(), nl=False)


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=4, sort_keys=True, default=str))
