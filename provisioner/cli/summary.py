"""A run's beginning and end for people: warnings, a row a host, the seconds of each stage, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from provisioner.cluster.results import HostStats
from provisioner.inventory import Inventory


def warn(inventory: Inventory) -> None:
    """What is only unwise in an inventory, before the run begins."""
    for warning in inventory.warnings:
        click.echo(f"warning: {warning}", err=True)


def host_rows(stats: Mapping[str, HostStats]) -> list[str]:
    width = max((len(name) for name in stats), default=0)
    return [
        f"{name:<{width}}  ok={s.ok} changed={s.changed} failed={s.failed} skipped={s.skipped}"
        f"{f' unreachable={s.unreachable}' if s.unreachable else ''}  {s.seconds:.1f} s"
        for name, s in stats.items()
    ]


def stage_row(seconds: Mapping[str, float]) -> str:
    parts = [f"{name} {value:.1f} s" for name, value in seconds.items()]
    return f"{'  '.join(parts)}  total {sum(seconds.values()):.1f} s"


def next_steps(kubeconfig: Path) -> list[str]:
    return ["", "Now:", f"  export KUBECONFIG={kubeconfig}", "  kubectl get nodes -o wide"]
