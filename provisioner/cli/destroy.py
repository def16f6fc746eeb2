"""`provision destroy`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from provisioner.cli.options import break_lock_option, inventory_argument


@click.command("destroy")
@inventory_argument
@click.option("--yes", "-y", is_flag=True, help="Don't ask.")
@break_lock_option
def command(inventory: Path, yes: bool, break_lock: bool) -> int:
    """Remove the machines of INVENTORY with everything on them, and the cluster's keys and state."""
    from provisioner.cli.progress import LineDrawing
    from provisioner.cluster.context import open_cluster
    from provisioner.cluster.down import destroy
    from provisioner.cluster.events import Bus

    context = open_cluster(inventory, Bus([LineDrawing()]))
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(f"nobody can be asked whether cluster {context.spec.name} is to be removed: say --yes")
        click.confirm(f"Remove cluster {context.spec.name}: {', '.join(context.topology.hosts)}?", abort=True)
    destroy(context, break_lock=break_lock)
    return 0
