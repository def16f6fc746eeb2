"""`provision status`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioner.cli.options import inventory_argument

if TYPE_CHECKING:
    from provisioner.cluster.status import ClusterStatus, HostStatus

SOON_DAYS = 30


@click.command("status")
@inventory_argument
@click.option("--output", "-o", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--certificates", is_flag=True, help="Every certificate, not only those that need a look.")
def command(inventory: Path, output: str, certificates: bool) -> int:
    """Show hosts, units, versions, certificates (on disk and as served), etcd members and nodes of INVENTORY.

    Ends with 1 when something is not well.
    """
    from provisioner.cluster.context import open_cluster
    from provisioner.cluster.status import status

    context = open_cluster(inventory)
    told = status(context, wanted_releases(context.state.variables))
    if output == "json":
        click.echo(json.dumps(told.as_dict(), indent=2))
    else:
        click.echo("\n".join(text(told, certificates)))
    return 0 if told.healthy else 1


def wanted_releases(variables: Path) -> dict[str, str]:
    """By host, as the last run was told."""
    try:
        return {host: str(release["name"]) for host, release in json.loads(variables.read_text())["kube"]["releases"].items()}
    except (OSError, ValueError, KeyError):
        return {}


def text(told: ClusterStatus, certificates: bool = False) -> list[str]:
    """Lines for people."""
    lines = [f"cluster {told.cluster}  https://{told.endpoint}  API {told.api}", f"release {told.wanted_release or 'none yet'}"]
    for host in told.hosts:
        lines += _host(host, told, certificates)
    for member in told.etcd:
        state = "healthy" if member["healthy"] else f"NOT healthy: {member.get('problem', '')}"
        more = f"  {member.get('version', '')}  {member.get('db_bytes', 0) / 1e6:.1f} MB{'  leader' if member.get('leader') else ''}"
        lines.append(f"etcd member {member['name']}  {state}{more if member['healthy'] else ''}")
    return [*lines, "", "NOT well:", *(f"  {problem}" for problem in told.problems)] if told.problems else [*lines, "all is well"]


def _host(host: HostStatus, told: ClusterStatus, certificates: bool) -> list[str]:
    power = told.machines.get(host.name, "")
    lines = ["", f"{host.name}  {host.address}  {','.join(host.roles)}{f'  machine {power}' if power else ''}"]
    if host.problem:
        return [*lines, *(f"  {line}" for line in host.problem.splitlines())]
    if host.node:
        node = "Ready" if host.node["ready"] else f"NOT ready: {host.node['why']}"
        lines.append(f"  node {node}  {host.node['version']}  {host.node['runtime']}")
    elif told.api == "ok":
        lines.append("  node NOT registered")
    for unit in host.units:
        release = (
            f"  {unit.release}{'' if unit.release == host.wanted_release else f' (wanted {host.wanted_release})'}" if unit.release else ""
        )
        lines.append(f"  {unit.name:<24} {unit.active:<10} {unit.enabled:<9} {unit.rss_kib / 1024:6.0f} MiB{release}")
    for certificate in host.certificates:
        if certificates or certificate.days_left < SOON_DAYS or certificate.served is False:
            served = {True: "  served", False: "  NOT the one served", None: ""}[certificate.served]
            lines.append(f"  certificate {certificate.name:<26} {certificate.days_left} days left{served}  {certificate.note}".rstrip())
    if not certificates and host.certificates:
        lines.append(f"  {len(host.certificates)} certificates, the first ends in {min(c.days_left for c in host.certificates)} days")
    return lines
