"""`provision down`."""

from __future__ import annotations

from pathlib import Path

import click

from provisioner.cli.options import break_lock_option, inventory_argument


@click.command("down")
@inventory_argument
@click.option("--hard", is_flag=True, help="Pull the plug instead of an orderly power-off.")
@break_lock_option
def command(inventory: Path, hard: bool, break_lock: bool) -> int:
    """Stop the machines of INVENTORY. Their disks stay; `provision up` starts them again."""
    from provisioner.cli.progress import LineDrawing
    from provisioner.cluster.context import open_cluster
    from provisioner.cluster.down import down
    from provisioner.cluster.events import Bus

    down(open_cluster(inventory, Bus([LineDrawing()])), hard=hard, break_lock=break_lock)
    return 0
