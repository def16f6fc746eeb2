"""Hosts that exist already: there is nothing to make, start or remove, only to list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.machines.errors import MachineError
from provisioner.machines.provider import Machine, PlannedAction, Power, Progress

if TYPE_CHECKING:
    from provisioner.inventory import Inventory


def provider(inventory: Inventory, path: Path, progress: Progress | None = None) -> StaticProvider:
    """The plug-in's entry point."""
    return StaticProvider({name: str(host.vars.get("ansible_host", name)) for name, host in inventory.hosts.items()})


class StaticProvider:
    """Never touches a host. Whether hosts answer is preflight's question, so `list` calls all of them on."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = dict(addresses)

    def plan(self) -> Sequence[PlannedAction]:
        return []

    def create(self, names: Sequence[str] | None = None) -> None:
        pass

    def start(self, names: Sequence[str] | None = None) -> None:
        pass

    def stop(self, names: Sequence[str] | None = None, *, hard: bool = False) -> None:
        raise MachineError("these hosts were not made by provision and are not stopped by it", hint="the inventory has no `machines:`")

    def destroy(self) -> None:
        raise MachineError("these hosts were not made by provision and are not destroyed by it", hint="the inventory has no `machines:`")

    def list(self) -> Sequence[Machine]:
        return [Machine(name, address, Power.ON) for name, address in self._addresses.items()]

    def addresses(self) -> dict[str, str]:
        return dict(self._addresses)

    def connection_vars(self) -> dict[str, dict[str, object]]:
        return {}

    def console(self, name: str) -> str:
        raise MachineError(f"host {name} has no console here", hint="the inventory has no `machines:`")
