"""Dynamic inventory: every machine of ours at a libvirt, with the groups that its inventory gave it.

An inventory file is `plugin: libvirt`, and may say `uri`, `vars` (for all), and which machines are meant: `cluster` and `tags`, of which a
machine must have one. A machine's tags are the groups that its inventory put it into.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.machines.errors import MachineError
from provisioner.machines.libvirt import documents
from provisioner.machines.libvirt.connection import connect, told
from provisioner.machines.libvirt.spec import VmLab
from provisioner.machines.spec import DEFAULT_NETWORK, SSH_TIMEOUT_S, LabSpec

KEYS = {"plugin", "uri", "cluster", "tags", "vars"}


def listing(document: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Groups and host variables, as executable inventories print them."""
    unknown = document.keys() - KEYS
    if unknown:
        raise MachineError(f"unknown keys: {', '.join(sorted(map(str, unknown)))}", hint=f"known: {', '.join(sorted(KEYS))}")
    return of_connection(connect(str(document.get("uri", "qemu:///system"))), document)


def of_connection(connection: Any, document: Mapping[str, Any]) -> dict[str, Any]:
    """The same of an open connection. MachineError when machines of two labs have one name."""
    labs: dict[str, str] = {}
    tags = set(document.get("tags") or ())
    found: dict[str, Any] = {"all": {"vars": dict(document.get("vars") or {})}, "_meta": {"hostvars": {}}}
    with told("listing machines"):
        for domain in sorted(connection.listAllDomains(), key=lambda one: str(one.name())):
            owner = documents.owner_of(domain.XMLDesc())
            if owner is None or document.get("cluster", owner.cluster) != owner.cluster:
                continue
            if tags and not tags & set(owner.groups):
                continue
            if labs.setdefault(owner.host, owner.lab) != owner.lab:
                raise MachineError(f"two labs have a machine {owner.host}", hint="say which is meant: cluster")
            state = Path(owner.inventory).parent / ".provision" / owner.cluster
            found["_meta"]["hostvars"][owner.host] = {
                "ansible_host": owner.address,
                "ansible_user": owner.user,
                "ansible_ssh_private_key_file": str(state / "id_ed25519"),
                "ansible_ssh_common_args": f"-o UserKnownHostsFile={state / 'known_hosts'} -o StrictHostKeyChecking=yes",
                "ansible_timeout": SSH_TIMEOUT_S,
                "libvirt_domain": domain.name(),
                "libvirt_state": "running" if domain.isActive() else "off",
            }
            for group in owner.groups or ("ungrouped",):
                found.setdefault(group, {"hosts": []})["hosts"].append(owner.host)
    return found


def left_labs(connection: Any, uri: str) -> list[VmLab]:
    """Every lab that has machines or networks there, as far as removing it needs; its inventory may be gone."""
    with told("listing labs"):
        marked = [documents.owner_of(one.XMLDesc()) for one in [*connection.listAllDomains(), *connection.listAllNetworks()]]
    found = {owner.lab: owner for owner in marked if owner}
    nowhere = ipaddress.IPv4Network(DEFAULT_NETWORK)
    return [VmLab(LabSpec(owner.cluster, Path(owner.inventory), nowhere, ()), (), (), uri) for owner in found.values()]
