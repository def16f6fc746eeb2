"""A cluster opened for work: its inventory, who does what, where its state lies, and the way to its hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioner.cluster.events import Bus
from provisioner.cluster.state import State
from provisioner.cluster.topology import Topology, cluster_of, topology_of
from provisioner.inventory import Inventory, load
from provisioner.inventory.cluster_spec import ClusterSpec
from provisioner.machines.provider import Provider, provider_for, tell_connections

ROLES = Path(__file__).resolve().parent.parent.parent / "roles"
SITE = ROLES / "site.yaml"


@dataclass(frozen=True)
class Context:
    """Everything that the stages share; made once by `open_cluster`."""

    path: Path
    inventory: Inventory
    spec: ClusterSpec
    topology: Topology
    state: State
    provider: Provider
    bus: Bus

    @property
    def made_here(self) -> bool:
        """Whether the hosts are machines that this program makes (and removes)."""
        machines = self.inventory.machines
        return machines is not None and machines.provider != "static"

    def connect_vars(self) -> None:
        """Tell the inventory how the provider's machines are reached. Only after they were created: keys exist then."""
        tell_connections(self.inventory, self.provider)


def open_machines(path: Path, bus: Bus) -> tuple[Inventory, Provider]:
    """What lies below a cluster: any inventory with machines, also one that names no master. Raises InventoryError or MachineError."""
    inventory = load([path])
    return inventory, provider_for(inventory, path, progress=lambda line: bus.send("progress", line))


def open_cluster(path: Path, bus: Bus | None = None, *, extra_vars: Mapping[str, Any] | None = None) -> Context:
    """Reads the inventory; touches nothing else. Raises InventoryError, MachineError or ClusterError."""
    inventory = load([path], extra_vars=extra_vars)
    bus = bus or Bus()
    spec = cluster_of(inventory)
    provider = provider_for(inventory, path, progress=lambda line: bus.send("progress", line))
    topology = topology_of(inventory, provider.addresses())
    return Context(path, inventory, spec, topology, State.of(path, spec.name), provider, bus)
