"""`provision up`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from provisioner.cli.options import break_lock_option, forks_option, inventory_argument, verbose_option


@click.command("up")
@inventory_argument
@forks_option
@verbose_option
@break_lock_option
@click.option("--check", "-C", is_flag=True, help="Say what would change, and change nothing (as `provision plan`).")
@click.option("--diff", "-D", is_flag=True, help="Show the differences of files.")
@click.option("--smoke/--no-smoke", default=None, help="Try a small Deployment at the end. [default: when something changed on lab hosts]")
@click.option("--tags", "-t", multiple=True, help="Only these roles (and what all stand on); nothing is verified then.")
@click.option("--skip-tags", multiple=True, help="All but these roles; nothing is verified then.")
def command(inventory: Path, forks: int, verbose: int, check: bool, **values: Any) -> int:
    """Make the cluster what INVENTORY says: machines, preflight, plan, apply, verify.

    Repeat it at any time: it continues where a killed run stopped, repairs what has drifted, and changes nothing when all is well.
    """
    from provisioner.cli.plan import run_plan
    from provisioner.cli.progress import drawing
    from provisioner.cli.summary import host_rows, next_steps, stage_row, warn
    from provisioner.cluster.context import open_cluster
    from provisioner.cluster.errors import ApplyError
    from provisioner.cluster.events import Bus
    from provisioner.cluster.up import UpOptions, up

    if check:
        return run_plan(inventory, forks, verbose)
    view = drawing(verbose)
    context = open_cluster(inventory, Bus([view]))
    warn(context.inventory)
    try:
        with view:
            outcome = up(context, UpOptions(forks=forks, **values))
    except ApplyError as e:
        click.echo("\n".join(["", *host_rows(e.stats), ""]))
        raise
    click.echo("\n".join(["", *host_rows(outcome.stats), stage_row(outcome.seconds), *next_steps(context.state.kubeconfig)]))
    return 0
