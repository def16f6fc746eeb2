"""`provision image`: images on the nodes, without a registry."""

from __future__ import annotations

from pathlib import Path

import click

from provisioner.cli.options import forks_option, verbose_option


@click.group("image")
def command() -> None:
    """Image archives (docker save) for the nodes."""


@command.command("load")
@click.argument("archives", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-i", "--inventory", required=True, type=click.Path(path_type=Path))
@forks_option
@verbose_option
def image_load(archives: tuple[Path, ...], inventory: Path, forks: int, verbose: int) -> int:
    """Load ARCHIVES into Docker on every node of the inventory that lacks them."""
    from provisioner.cli.progress import drawing
    from provisioner.cli.summary import host_rows
    from provisioner.cluster.context import open_cluster
    from provisioner.cluster.events import Bus
    from provisioner.cluster.image_load import load_images

    view = drawing(verbose)
    context = open_cluster(inventory, Bus([view]))
    with view:
        stats = load_images(context, archives, forks=forks)
    click.echo("\n".join(host_rows(stats)))
    return 0
