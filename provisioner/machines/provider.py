"""The interface every source of hosts has, and the choice of one for an inventory."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from provisioner.machines.errors import MachineError, RequirementError

if TYPE_CHECKING:
    from provisioner.inventory import Inventory

PLUGINS = "provision.machines"
Progress = Callable[[str], None]
"""Told one line for each step worth showing (host or part, what happens)."""


class Power(enum.Enum):
    """Whether a machine exists and runs."""

    ABSENT = "absent"
    OFF = "off"
    ON = "on"


class Action(enum.Enum):
    """What `create` and `start` would do."""

    BUILD = "build"
    CREATE = "create"
    START = "start"


@dataclass(frozen=True)
class Machine:
    """One machine as it is now. `pid` is that of the process that stands for it on this computer, if there is one."""

    name: str
    address: str
    power: Power
    pid: int | None = None
    memory_mib: int | None = None
    cpus: float | None = None


@dataclass(frozen=True)
class PlannedAction:
    """One step that would be taken; `subject` is a host's name, or a part all hosts share."""

    subject: str
    action: Action
    detail: str = ""


class Provider(Protocol):
    """Makes hosts exist.

    Every method may be repeated, also after a process was killed in its middle: it finishes what is missing and leaves the rest alone.
    Methods that take `names` act on all hosts of the inventory when it is None, in parallel, and raise only after every host had its turn.
    """

    def plan(self) -> Sequence[PlannedAction]:
        """What create and start would do now; empty when all hosts run. Changes nothing."""

    def create(self, names: Sequence[str] | None = None) -> None:
        """Afterwards the hosts exist, with disks, keys and addresses; they need not run."""

    def start(self, names: Sequence[str] | None = None) -> None:
        """Afterwards the hosts answer SSH. Creates nothing: a host that doesn't exist is an error."""

    def stop(self, names: Sequence[str] | None = None, *, hard: bool = False) -> None:
        """Orderly power-off, with a deadline after which it is not orderly any more; `hard` pulls the plug at once."""

    def destroy(self) -> None:
        """Removes exactly what `create` made, for the whole inventory, whatever state it was left in."""

    def list(self) -> Sequence[Machine]:
        """The inventory's machines, in its order."""

    def addresses(self) -> dict[str, str]:
        """Where each host is reached, by name; known before the hosts exist."""

    def connection_vars(self) -> dict[str, dict[str, object]]:
        """By host, the Ansible variables (`ansible_host`, key and known-hosts files…) that reach it; they exist once `create` ran."""

    def console(self, name: str) -> str:
        """What the host has printed on its console since it was last started, oldest first; bounded to the last megabyte."""


class MakeProvider(Protocol):
    """What a plug-in's entry point is. Raises MachineError when the inventory asks for what it can't give; touches nothing yet."""

    def __call__(self, inventory: Inventory, path: Path, progress: Progress | None, /) -> Provider: ...


def provider_for(inventory: Inventory, path: Path, *, progress: Progress | None = None) -> Provider:
    """The provider that `machines.provider` names; hosts that exist already when the inventory has no `machines:`.

    A provider is a plug-in: an entry point of the group `provision.machines`, a `MakeProvider`.
    """
    machines = inventory.machines
    name = machines.provider if machines else "static"
    found = entry_points(group=PLUGINS, name=name)
    if not found:
        known = ", ".join(sorted(entry_points(group=PLUGINS).names))
        raise MachineError(f"machines.provider: no provider {name!r} is installed", hint=f"installed: {known or 'none; run `make setup`'}")
    try:
        make: MakeProvider = next(iter(found)).load()
        return make(inventory, path, progress)  # which imports what it stands on
    except ImportError as e:
        raise RequirementError(f"the provider {name!r} can't be loaded: {e}", hint=_extra(name)) from e


def tell_connections(inventory: Inventory, provider: Provider) -> None:
    """Puts into the inventory how the provider's machines are reached; what it says itself about a host stays."""
    for name, variables in provider.connection_vars().items():
        own = inventory.hosts[name].own_vars
        own.update({key: value for key, value in variables.items() if key not in own})
    inventory.changed()


def _extra(name: str) -> str:
    return 'install what it stands on: pip install "provision[libvirt]"' if name == "libvirt" else "reinstall the package that brings it"
