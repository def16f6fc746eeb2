"""Proves that Vagrant's commands are run for what is missing and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from provisioner.machines import Power
from provisioner.machines.errors import MachineError, UnknownMachineError
from provisioner.machines.vagrant.command import Ssh
from provisioner.machines.vagrant.provider import VagrantProvider


class Pretended:
    """Vagrant with machines in memory, which notes what it is told."""

    folder = "lab"

    def __init__(self, **states: str) -> None:
        self.now = states
        self.calls: list[str] = []

    def states(self) -> dict[str, str]:
        return dict(self.now)

    def ssh(self, names: Sequence[str]) -> dict[str, Ssh]:
        return {name: Ssh(f"addr-{name}", 22, "vagrant") for name in names}

    def up(self, names: Sequence[str]) -> None:
        self.calls.append(f"up {' '.join(names)}")
        self.now |= dict.fromkeys(names, "running")

    def halt(self, names: Sequence[str], *, hard: bool = False) -> None:
        self.calls.append(f"halt {' '.join(names)}{' hard' if hard else ''}")
        self.now |= dict.fromkeys(names, "shutoff")

    def destroy(self) -> None:
        self.calls.append("destroy")
        self.now = dict.fromkeys(self.now, "not_created")


def made(**states: str) -> tuple[VagrantProvider, Pretended]:
    vagrant = Pretended(**states)
    return VagrantProvider(tuple(states), vagrant), vagrant  # type: ignore[arg-type]


def test_a_life() -> None:
    lab, vagrant = made(a="not_created", b="shutoff", c="running")
    assert [f"{step.action.value} {step.subject}" for step in lab.plan()] == ["create a", "start a", "start b"]
    with pytest.raises(MachineError, match="not created yet: a"):
        lab.start()
    assert {machine.name: (machine.power, machine.address) for machine in lab.list()} == {
        "a": (Power.ABSENT, "-"),
        "b": (Power.OFF, "-"),
        "c": (Power.ON, "addr-c"),
    }
    lab.create()
    lab.start()
    assert lab.plan() == []
    assert lab.addresses()["b"] == "addr-b"
    assert lab.connection_vars()["b"]["ansible_host"] == "addr-b"
    lab.stop(["b"], hard=True)
    lab.destroy()
    assert vagrant.calls == ["up a", "up b", "halt b hard", "destroy"]


def test_nothing_to_do_is_nothing_done() -> None:
    lab, vagrant = made(a="running")
    lab.create()
    lab.start()
    assert vagrant.calls == []
    gone, vagrant = made(a="not_created")
    gone.stop()
    gone.destroy()
    assert vagrant.calls == []


def test_machines_that_vagrant_does_not_have() -> None:
    lab = VagrantProvider(("a", "x"), Pretended(a="running"))  # type: ignore[arg-type]
    with pytest.raises(UnknownMachineError, match=r"(?s)no machine x.*it has: a"):
        lab.plan()
    lab, _ = made(a="running")
    with pytest.raises(UnknownMachineError, match="no host y in the inventory"):
        lab.stop(["y"])
    with pytest.raises(MachineError, match=r"(?s)no console of a.*vagrant ssh a"):
        lab.console("a")
