"""From a loaded inventory to the lab it asks for."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from provisioner.machines.errors import MachineError
from provisioner.machines.spec import DEFAULT_CPUS, DEFAULT_MEMORY_MIB, DEFAULT_NETWORK, DEFAULT_SUITE, HostSpec, LabSpec, number_hosts

if TYPE_CHECKING:
    from provisioner.inventory import Inventory


def lab_spec(inventory: Inventory, path: Path) -> LabSpec:
    """`path` is the inventory's file: the lab's state lies beside it. A host's `machine:` variable overrides `machines:` for that host."""
    machines = inventory.machines
    if machines is None:
        raise MachineError(f"{path} has no `machines:`, so its hosts exist already", hint="add machines: {provider: nspawn} for a lab")
    network = ipaddress.IPv4Network(str(machines.network or DEFAULT_NETWORK))
    fixed = {name: str(host.vars["ansible_host"]) for name, host in inventory.hosts.items() if "ansible_host" in host.vars}
    addresses = number_hosts(inventory.hosts, network, fixed)
    memory_mib, cpus = machines.memory_mib or DEFAULT_MEMORY_MIB, machines.cpus or DEFAULT_CPUS
    hosts = []
    for name, host in inventory.hosts.items():
        own = _overrides(name, host.vars.get("machine"))
        size = int(own.get("memory_mib", memory_mib)), float(own.get("cpus", cpus))
        suite, user = str(own.get("suite", machines.suite or DEFAULT_SUITE)), str(host.vars.get("ansible_user", "root"))
        hosts.append(HostSpec(name, addresses[name], *size, suite, user))
    cluster = inventory.cluster
    proxy = _package_setting(cluster, "proxy")
    if proxy and urlsplit(proxy).hostname == str(network[1]):
        proxy = None  # the inventory names the lab's own cache, which can't be behind itself
    return LabSpec(
        cluster=cluster.name if cluster else "default",
        inventory=path,
        network=network,
        hosts=tuple(hosts),
        bridge=machines.bridge or "",
        mirror=_package_setting(cluster, "mirror"),
        proxy=proxy,
    )


def _overrides(name: str, value: object) -> Mapping[str, str | float]:
    """The inventory has checked its keys and types; what a host leaves open is absent here."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise MachineError(f"host {name}: `machine:` must be a mapping, such as {{memory_mib: 4096, cpus: 2}}")
    return {key: setting for key, setting in value.items() if setting is not None}


def _package_setting(cluster: object, name: str) -> str | None:
    """`cluster.packages` tells how packages reach the hosts; absent, the lab brings them itself."""
    value = getattr(getattr(cluster, "packages", None), name, None)
    return str(value) if value else None
