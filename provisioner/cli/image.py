"""`provision image`: container images on the nodes without a registry, and disk images that machines start from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from provisioner.cli.options import forks_option, verbose_option


@click.group("image")
def command() -> None:
    """Image archives (docker save) for the nodes; disk images for virtual machines."""


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


@command.group("base")
def base() -> None:
    """Disk images that virtual machines start from, built of Debian packages alone."""


def _built(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--proxy", help="HTTP proxy to the mirror. [default: as this computer's apt]"),
        click.option("--mirror", help="Debian mirror. [default: as this computer's apt]"),
        click.option("--package", "-p", "packages", multiple=True, help="A Debian package to have in it; may be given again."),
        click.option("--suite", default="bookworm", show_default=True, help="bookworm or trixie."),
    ):
        function = option(function)
    return function


def _build(suite: str, packages: tuple[str, ...], mirror: str | None, proxy: str | None, *, box: bool = False) -> Path:
    from provisioner.images import bootable
    from provisioner.machines.packages import sources_of

    recipe = bootable.Recipe(suite, tuple(sorted(set(packages))), box)
    if recipe.path().exists():
        return recipe.path()
    bootable.check(recipe)
    sources = sources_of(suite, mirror=mirror, proxy=proxy)
    return bootable.ensure(recipe, sources.main, proxy=sources.proxy, progress=lambda line: click.echo(line, err=True))


@base.command("build")
@_built
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Copy it there too.")
def base_build(suite: str, packages: tuple[str, ...], mirror: str | None, proxy: str | None, output: Path | None) -> int:
    """Build the bootable image (qcow2) of a Debian release, or say where it is; prints its path.

    It is what `provider: libvirt` starts machines from, when its suite and packages are those of the inventory.
    """
    import shutil

    path = _build(suite, packages, mirror, proxy)
    if output is not None:
        shutil.copyfile(path, output)
    click.echo(output or path)
    return 0


@base.command("box")
@_built
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Where to write it. [default: beside the image]")
@click.option("--add", is_flag=True, help="Add it to Vagrant.")
@click.option("--name", help="Its name in Vagrant. [default: provision/SUITE]")
def base_box(
    suite: str, packages: tuple[str, ...], mirror: str | None, proxy: str | None, output: Path | None, add: bool, name: str | None
) -> int:
    """Build a Vagrant box (for libvirt) of a Debian release; prints its path."""
    from provisioner.images.vagrant_box import add_box, added, write_box

    disk = _build(suite, packages, mirror, proxy, box=True)
    path = output or disk.with_suffix(".box")
    name = name or f"provision/{suite}"
    # A box that is added anew is another one to Vagrant, which then uploads its disk to libvirt once more and keeps both.
    there = add and added(name) == disk.stem
    if not there or not path.exists():
        write_box(disk, path)
    if add and not there:
        add_box(path, name)
    click.echo(path)
    return 0
