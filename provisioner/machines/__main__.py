"""`python -m provisioner.machines VERB INVENTORY [HOST…]`: the lab's machines without a cluster on them, for development."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from provisioner.machines.errors import MachineError, RequirementError
from provisioner.machines.provider import Provider, provider_for

LIBVIRT = "qemu:///system"


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0: done; 1: a machine's trouble; 2: a mistake in the inventory or the command line."""
    parser = argparse.ArgumentParser(prog="python -m provisioner.machines", description=__doc__)
    parser.add_argument("verb", choices=["plan", "up", "down", "destroy", "list", "console", "unplug", "plug", "clean"])
    parser.add_argument("inventory", type=Path, help="an inventory file; for `clean`, a folder: labs of inventories below it are removed")
    parser.add_argument("hosts", nargs="*", help="only these hosts")
    arguments = parser.parse_args(argv)
    try:
        if arguments.verb == "clean":
            return _clean(arguments.inventory)
        return _run(arguments.verb, _provider(arguments.inventory), arguments.hosts or None)
    except MachineError as e:
        print(e, file=sys.stderr)
        return 1


def _provider(path: Path) -> Provider:
    from provisioner.inventory import InventoryError, load

    try:
        inventory = load([path])
    except InventoryError as e:
        print(e, file=sys.stderr)
        raise SystemExit(2) from e
    return provider_for(inventory, path, progress=print)


def _run(verb: str, provider: Provider, names: Sequence[str] | None) -> int:
    if verb == "plan":
        for step in provider.plan():
            print(f"{step.subject}: {step.action.value} {step.detail}".rstrip())
    elif verb == "up":
        provider.create(names)
        provider.start(names)
    elif verb == "plug":
        provider.start(names)
    elif verb in ("down", "unplug"):
        provider.stop(names, hard=verb == "unplug")
    elif verb == "destroy":
        provider.destroy()
    elif verb == "console":
        for name in names or provider.addresses():
            print(provider.console(name))
    for machine in provider.list() if verb in ("up", "list", "plug", "unplug", "down") else ():
        print(f"{machine.name:<20} {machine.address:<16} {machine.power.value:<7} {machine.pid or '-'}")
    return 0


def _clean(folder: Path) -> int:
    from provisioner.machines.disks import recorded_labs
    from provisioner.machines.nspawn import NspawnProvider

    for lab in recorded_labs():
        if lab.inventory.is_relative_to(folder.resolve()):
            print(f"removing lab {lab.cluster} of {lab.inventory}")
            NspawnProvider(lab, progress=print).destroy()
    return _clean_libvirt(folder)


def _clean_libvirt(folder: Path) -> int:
    """The same of virtual machines, where this computer has libvirt and it runs."""
    try:
        from provisioner.machines.libvirt.connection import connect
        from provisioner.machines.libvirt.listing import left_labs
        from provisioner.machines.libvirt.provider import LibvirtProvider
    except ImportError:
        return 0
    try:
        connection = connect(LIBVIRT)
    except RequirementError:
        return 0
    for lab in left_labs(connection, LIBVIRT):
        if lab.lab.inventory.is_relative_to(folder.resolve()):
            print(f"removing virtual machines {lab.lab.cluster} of {lab.lab.inventory}")
            LibvirtProvider(lab, progress=print, opened=lambda uri: connection).destroy()
    return 0


if __name__ == "__main__":
    sys.exit(main())
