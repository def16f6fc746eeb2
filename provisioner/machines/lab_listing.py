"""Dynamic inventory: the hosts of the labs (nspawn) on this computer, with the groups that their own inventories give them.

An inventory file is `plugin: lab`, and may say `cluster` (only that lab) and `vars` (for all). It reads records and inventories, and makes
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.machines.disks import recorded_labs
from provisioner.machines.errors import MachineError
from provisioner.machines.inventory import lab_spec
from provisioner.machines.nspawn import NspawnProvider
from provisioner.machines.rootfs import STORE
from provisioner.machines.spec import LabSpec

KEYS = {"plugin", "cluster", "vars"}


def listing(document: Mapping[str, Any], path: Path, *, store: Path = STORE) -> dict[str, Any]:
    """Groups and host variables, as executable inventories print them. MachineError when two labs have a host of one name."""
    unknown = document.keys() - KEYS
    if unknown:
        raise MachineError(f"unknown keys: {', '.join(sorted(map(str, unknown)))}", hint=f"known: {', '.join(sorted(KEYS))}")
    labs = [lab for lab in recorded_labs(store) if document.get("cluster", lab.cluster) == lab.cluster]
    found: dict[str, Any] = {"all": {"vars": dict(document.get("vars") or {})}, "_meta": {"hostvars": {}}}
    homes: dict[str, LabSpec] = {}
    for record in labs:
        lab, groups = _understood(record)
        provider = NspawnProvider(lab, store=store)
        power = {machine.name: machine.power.value for machine in provider.list()}
        for name, variables in provider.connection_vars().items():
            first = homes.setdefault(name, record)
            if first is not record:
                where = f"{first.cluster} ({first.inventory}) and {record.cluster} ({record.inventory})"
                raise MachineError(f"two labs have a host {name}: {where}", hint="say which is meant: cluster")
            found["_meta"]["hostvars"][name] = {**variables, "lab_state": power[name]}
            for group in groups.get(name) or ["ungrouped"]:
                found.setdefault(group, {"hosts": []})["hosts"].append(name)
    return found


def _understood(record: LabSpec) -> tuple[LabSpec, dict[str, list[str]]]:
    """The lab and its hosts' groups as its inventory says; only what the record has when that can't be read any more."""
    from provisioner.inventory import InventoryError, load

    try:
        inventory = load([record.inventory])
        lab = lab_spec(inventory, record.inventory)
    except (InventoryError, MachineError):
        return record, {}
    return lab, {name: [g for g in host.groups if g not in ("all", "ungrouped")] for name, host in inventory.hosts.items()}
