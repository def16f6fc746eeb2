"""Dynamic inventory: every machine of ours at a libvirt, with the groups that its inventory gave it.

An inventory file is `plugin: libvirt`, and may say `uri`, `cluster` (only that cluster's machines) and `vars`, `groups` as other inventories do.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.machines.errors import MachineError
from provisioner.machines.libvirt import documents
from provisioner.machines.libvirt.connection import connect, told

KEYS = {"plugin", "uri", "cluster", "vars"}


def listing(document: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Groups and host variables, as executable inventories print them."""
    unknown = document.keys() - KEYS
    if unknown:
        raise MachineError(f"unknown keys: {', '.join(sorted(map(str, unknown)))}", hint=f"known: {', '.join(sorted(KEYS))}")
    return of_connection(connect(str(document.get("uri", "qemu:///system"))), document)


def of_connection(connection: Any, document: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"all": {"vars": dict(document.get("vars") or {})}, "_meta": {"hostvars": {}}}
    with told("listing machines"):
        for domain in connection.listAllDomains():
            owner = documents.owner_of(domain.XMLDesc())
            if owner is None or document.get("cluster", owner.cluster) != owner.cluster:
                continue
            state = Path(owner.inventory).parent / ".provision" / owner.cluster
            found["_meta"]["hostvars"][owner.host] = {
                "ansible_host": owner.address,
                "ansible_user": owner.user,
                "ansible_ssh_private_key_file": str(state / "id_ed25519"),
                "ansible_ssh_common_args": f"-o UserKnownHostsFile={state / 'known_hosts'} -o StrictHostKeyChecking=yes",
                "libvirt_domain": domain.name(),
                "libvirt_state": "running" if domain.isActive() else "off",
            }
            for group in owner.groups or ("ungrouped",):
                found.setdefault(group, {"hosts": []})["hosts"].append(owner.host)
    return found
