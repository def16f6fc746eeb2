"""Who does what: masters, etcd members and nodes of an inventory, with their addresses. No I/O."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from provisioner.inventory import Inventory, InventoryError, Problem
from provisioner.inventory.cluster_spec import ClusterSpec
from provisioner.pki.profile import HostNames, Lifetimes, PkiPlan

API_PORT = 6443


@dataclass(frozen=True)
class Topology:
    """Names in the inventory's order; `addresses` by name. Nodes are masters and workers: pods and services work from both."""

    masters: tuple[str, ...]
    workers: tuple[str, ...]
    etcd: tuple[str, ...]
    addresses: Mapping[str, str]

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.masters, *self.workers)))

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.masters, *self.etcd, *self.workers)))


def cluster_of(inventory: Inventory) -> ClusterSpec:
    """The cluster's spec, with every default when the inventory has no `cluster:`."""
    return inventory.cluster or ClusterSpec()


def topology_of(inventory: Inventory, addresses: Mapping[str, str]) -> Topology:
    """`addresses` are the provider's; a host's own `node_address` wins over them."""
    masters = _group(inventory, "masters")
    if not masters:
        file = str(inventory.sources[0]) if inventory.sources else ""
        raise InventoryError([Problem(file, 0, 0, "group 'masters' has no hosts", "put at least one below all: children: masters: hosts:")])
    workers = _group(inventory, "workers")
    etcd = _group(inventory, "etcd") or masters
    chosen = {}
    for name in dict.fromkeys((*masters, *etcd, *workers)):
        variables = inventory.hosts[name].vars
        chosen[name] = str(variables.get("node_address") or addresses.get(name) or variables.get("ansible_host") or name)
    return Topology(masters, workers, etcd, chosen)


def api_endpoint(spec: ClusterSpec, topology: Topology) -> str:
    """host:port that clients and nodes use; a host's name from the inventory becomes its address, which needs no name server."""
    host, _, port = (spec.api_endpoint or f"{topology.masters[0]}:{API_PORT}").rpartition(":")
    return f"{topology.addresses.get(host, host)}:{port}"


def dns_address(spec: ClusterSpec) -> str:
    return spec.dns.service_ip or str(ipaddress.ip_network(spec.service_cidr)[10])


def pki_plan(spec: ClusterSpec, topology: Topology) -> PkiPlan:
    """What the certificates must say for this inventory."""

    def named(hosts: tuple[str, ...]) -> tuple[HostNames, ...]:
        return tuple(HostNames(name, (topology.addresses[name],)) for name in hosts)

    endpoint = api_endpoint(spec, topology).rpartition(":")[0].strip("[]")
    lifetimes = Lifetimes(spec.certificates.ca_days, spec.certificates.leaf_days, spec.certificates.renew_before_days)
    return PkiPlan(
        cluster=spec.name,
        masters=named(topology.masters),
        etcd=named(topology.etcd),
        nodes=named(topology.nodes),
        domain=spec.domain,
        service_cidr=spec.service_cidr,
        api_names=(endpoint, *spec.api_sans),
        lifetimes=lifetimes,
    )


def _group(inventory: Inventory, name: str) -> tuple[str, ...]:
    return tuple(host.name for host in inventory.hosts_of(name)) if name in inventory.groups else ()
