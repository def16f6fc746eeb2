"""`provision plan`."""

from __future__ import annotations

from pathlib import Path

import click

from provisioner.cli.options import forks_option, inventory_argument, verbose_option


@click.command("plan")
@inventory_argument
@forks_option
@verbose_option
@click.option("--exit-code", is_flag=True, help="End with 2 when something would change.")
def command(inventory: Path, forks: int, verbose: int, exit_code: bool) -> int:
    """Say what `provision up INVENTORY` would change, with differences of files; change nothing, on hosts or here."""
    return run_plan(inventory, forks, verbose, exit_code=exit_code)


def run_plan(inventory: Path, forks: int, verbose: int, *, exit_code: bool = False) -> int:
    from provisioner.cli.progress import drawing
    from provisioner.cli.summary import host_rows, stage_row, warn
    from provisioner.cluster.context import open_cluster
    from provisioner.cluster.events import Bus
    from provisioner.cluster.up import UpOptions, plan

    view = drawing(verbose)
    context = open_cluster(inventory, Bus([view]))
    warn(context.inventory)
    with view:
        outcome = plan(context, UpOptions(forks=forks))
    click.echo("\n".join(["", *host_rows(outcome.stats), stage_row(outcome.seconds)]))
    click.echo("Something would change." if outcome.changed else "Nothing would change.")
    return 2 if exit_code and outcome.changed else 0
