"""The end of machines: in order, under the lock, and never for hosts that are not ours."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from provisioner.cluster.context import Context, open_cluster
from provisioner.cluster.down import destroy, down
from provisioner.cluster.errors import ClusterError, LockedError
from provisioner.cluster.lock import Lock

LAB = "all:\n  vars: {machines: {provider: nspawn}, cluster: {name: t}}\n  children:\n    masters: {hosts: {m: }}\n    workers: {hosts: {m: }}\n"


class Machines:
    def __init__(self) -> None:
        self.did: list[Any] = []

    def stop(self, names: Sequence[str] | None = None, *, hard: bool = False) -> None:
        self.did.append(("stop", hard))

    def destroy(self) -> None:
        self.did.append("destroy")


def opened(tmp_path: Path, text: str = LAB) -> tuple[Context, Machines]:
    path = tmp_path / "inventory.yaml"
    path.write_text(text)
    machines = Machines()
    return dataclasses.replace(open_cluster(path), provider=machines), machines  # type: ignore[arg-type]


def test_down_keeps_the_state(tmp_path: Path) -> None:
    context, machines = opened(tmp_path)
    down(context, hard=True)
    assert machines.did == [("stop", True)]
    assert context.state.root.is_dir()


def test_destroy_leaves_only_the_inventory_and_may_be_repeated(tmp_path: Path) -> None:
    context, machines = opened(tmp_path)
    context.state.prepare()
    context.state.kubeconfig.write_text("x")
    destroy(context)
    destroy(context)
    assert machines.did == ["destroy", "destroy"]
    assert [p.name for p in tmp_path.iterdir()] == ["inventory.yaml"]


def test_nothing_is_destroyed_while_a_run_goes_on(tmp_path: Path) -> None:
    context, machines = opened(tmp_path)
    context.state.prepare()
    with Lock(context.state.lock, "up"), pytest.raises(LockedError):
        destroy(context)
    assert machines.did == []


def test_hosts_of_others_are_left_alone(tmp_path: Path) -> None:
    text = "all:\n  children:\n    masters: {hosts: {m: {ansible_host: 192.0.2.1}}}\n    workers: {hosts: {m: }}\n"
    context, machines = opened(tmp_path, text)
    for act in (down, destroy):
        with pytest.raises(ClusterError, match="were not made by provision"):
            act(context)
    assert machines.did == []
