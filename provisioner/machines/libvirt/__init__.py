"""Virtual machines through libvirt: a storage pool, overlays on one base image, networks with reserved addresses, domains from a template.

Everything made carries a mark of the lab it belongs to, names that hold the lab's id, or lies in its own pool; nothing else is ever touched,
and `destroy` removes exactly what is marked. libvirt may run on another computer (`machines.uri`). The guest gets its identity from a NoCloud
seed: through cloud-init, or through the early unit of the images that `provisioner.images` builds.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioner.inventory import Inventory
    from provisioner.machines.libvirt.provider import LibvirtProvider
    from provisioner.machines.provider import Progress


def make(inventory: Inventory, path: Path, progress: Progress | None = None) -> LibvirtProvider:
    """The plug-in's entry point."""
    from provisioner.machines.libvirt.provider import LibvirtProvider
    from provisioner.machines.libvirt.spec import vm_lab

    return LibvirtProvider(vm_lab(inventory, path), progress=progress)
