"""Machines that Vagrant makes: its command line drives them, and its `status` and `ssh-config` say what there is, each time anew.

Nothing about the machines is written down here. It talks to no hypervisor; what Vagrant says of its own troubles is told with a way out.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioner.inventory import Inventory
    from provisioner.machines.provider import Progress
    from provisioner.machines.vagrant.provider import VagrantProvider


def make(inventory: Inventory, path: Path, progress: Progress | None = None) -> VagrantProvider:
    """The plug-in's entry point."""
    from provisioner.machines.vagrant.command import Vagrant
    from provisioner.machines.vagrant.provider import VagrantProvider

    machines = inventory.machines
    assert machines is not None
    return VagrantProvider(tuple(inventory.hosts), Vagrant(path.resolve().parent / Path(machines.folder).expanduser()), progress=progress)
