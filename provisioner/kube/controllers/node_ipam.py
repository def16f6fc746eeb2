"""Node IPAM: each node gets a range of the cluster's pod addresses of its own."""

from __future__ import annotations

import ipaddress

import msgspec

from provisioner.kube.api._generated import core_v1
from provisioner.kube.controllers.controller import Controller, Parts


def free_range(cluster: ipaddress.IPv4Network, prefix: int, taken: set[str]) -> str | None:
    """The first range that no node has, or None."""
    for candidate in cluster.subnets(new_prefix=prefix):
        if str(candidate) not in taken:
            return str(candidate)
    return None


class NodeIpam(Controller):
    name = "nodeipam"
    # One worker: two nodes must not be given the same range.
    workers = 1

    def __init__(self, parts: Parts, cluster_cidr: str, node_prefix: int) -> None:
        super().__init__(parts)
        self._cluster, self._prefix = ipaddress.IPv4Network(cluster_cidr), node_prefix
        self._nodes = self.watch(core_v1.Node)
        # given by us, and perhaps not in the store yet
        self._given: dict[str, str] = {}

    async def reconcile(self, key: str) -> float | None:
        node: core_v1.Node | None = self._nodes.store.get(key)
        if node is None:
            self._given.pop(key, None)
            return None
        if node.spec.pod_cidr or node.metadata.deletion_timestamp is not None:
            return None
        taken = {n.spec.pod_cidr for n in self._nodes.store.list() if n.spec.pod_cidr}
        taken |= {given for name, given in self._given.items() if name != key}
        chosen = self._given.get(key) or free_range(self._cluster, self._prefix, {t for t in taken if t})
        if chosen is None:
            self.recorder.event(node, "Normal", "CIDRNotAvailable", f"Node {key} status is now: CIDRNotAvailable")
            return 30.0
        self._given[key] = chosen
        spec = msgspec.structs.replace(node.spec, pod_cidr=chosen, pod_cidrs=[chosen])
        await self.client.update(msgspec.structs.replace(node, spec=spec))
        return None
