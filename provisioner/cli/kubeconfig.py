"""`provision kubeconfig`."""

from __future__ import annotations

from pathlib import Path

import click

from provisioner.cli.options import inventory_argument


@click.command("kubeconfig")
@inventory_argument
@click.option("--path", is_flag=True, help="Print where it lies instead.")
@click.option("--server", help="Another address of the API server (https://host:port).")
def command(inventory: Path, path: bool, server: str | None) -> int:
    """Print an administrator's kubeconfig for the cluster of INVENTORY."""
    from provisioner.cluster.context import open_cluster
    from provisioner.cluster.errors import NotMadeError
    from provisioner.cluster.topology import api_endpoint
    from provisioner.pki.kubeconfig import admin_kubeconfig

    context = open_cluster(inventory)
    if not context.state.kubeconfig.exists():
        raise NotMadeError(f"cluster {context.spec.name} has no kubeconfig yet", hint=f"make the cluster first: provision up {inventory}")
    if path:
        click.echo(context.state.kubeconfig)
        return 0
    chosen = server or f"https://{api_endpoint(context.spec, context.topology)}"
    click.echo(admin_kubeconfig(context.state.pki, cluster=context.spec.name, server=chosen), nl=False)
    return 0
