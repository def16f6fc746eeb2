"""`provision machines`: what lies below the cluster, alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioner.cli.options import inventory_argument

if TYPE_CHECKING:
    from provisioner.inventory import Inventory
    from provisioner.machines.provider import Provider


@click.group("machines")
def command() -> None:
    """Only the machines of an inventory, without the cluster on them."""


def _open(path: Path) -> tuple[Inventory, Provider]:
    from provisioner.cli.progress import LineDrawing
    from provisioner.cluster.context import open_machines
    from provisioner.cluster.events import Bus

    return open_machines(path, Bus([LineDrawing()]))


@command.command("up")
@inventory_argument
@click.argument("hosts", nargs=-1)
def machines_up(inventory: Path, hosts: tuple[str, ...]) -> int:
    """Create what is missing and start what is off (all hosts, or those named)."""
    _, provider = _open(inventory)
    provider.create(hosts or None)
    provider.start(hosts or None)
    return 0


@command.command("down")
@inventory_argument
@click.argument("hosts", nargs=-1)
@click.option("--hard", is_flag=True, help="Pull the plug.")
def machines_down(inventory: Path, hosts: tuple[str, ...], hard: bool) -> int:
    """Power off."""
    _open(inventory)[1].stop(hosts or None, hard=hard)
    return 0


@command.command("destroy")
@inventory_argument
@click.option("--yes", "-y", is_flag=True, help="Don't ask.")
def machines_destroy(inventory: Path, yes: bool) -> int:
    """Remove the machines and what they stood on."""
    read, provider = _open(inventory)
    if not yes:
        click.confirm(f"Remove machines {', '.join(read.hosts)}?", abort=True)
    provider.destroy()
    return 0


@command.command("list")
@inventory_argument
def machines_list(inventory: Path) -> int:
    """Name, address and power of each machine."""
    for machine in _open(inventory)[1].list():
        click.echo(f"{machine.name:<20} {machine.address:<16} {machine.power.value}")
    return 0


@command.command("console")
@inventory_argument
@click.argument("host")
def machines_console(inventory: Path, host: str) -> int:
    """What a machine has printed since it was started."""
    text = _open(inventory)[1].console(host)
    click.echo(text or f"{host} has printed nothing since it was started\n", nl=False, err=not text)
    return 0
