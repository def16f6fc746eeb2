"""kube-proxy's main: informers, and the loop that turns changes into rules and routes."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from provisioner.kube.api._generated import core_v1, discovery_v1
from provisioner.kube.client.client import Client
from provisioner.kube.client.daemon import Daemon, run_daemon
from provisioner.kube.client.flags import Flags
from provisioner.kube.client.informer import InformerSet, key_of
from provisioner.kube.network.ip_batch import NetworkError
from provisioner.kube.network.routes import RouteTable, attached_segments, decide, node_network
from provisioner.kube.proxy import node_ports
from provisioner.kube.proxy.config import configure, flag_set, listener
from provisioner.kube.proxy.health import HealthPorts
from provisioner.kube.proxy.report import Report, is_eligible
from provisioner.kube.proxy.services import Place, ServicePort, ports_of
from provisioner.kube.proxy.table import Table

log = logging.getLogger(__name__)

# Changes that arrive within this time become one transaction; a rollout makes dozens.
COALESCE_S = 0.05
# How often the kernel's state is compared with ours (upstream's syncPeriod).
CHECK_S = 30.0
# How soon a change that failed is tried again.
RETRY_S = 2.0
SERVICE_NAME = "kubernetes.io/service-name"
ZONE = "topology.kubernetes.io/zone"


class Proxy:
    """The informers' view of services and nodes, and what of it is not in the kernel yet."""

    def __init__(self, informers: InformerSet, table: Table, node: str, backend: str) -> None:
        self._services = informers.get(core_v1.Service)
        self._slices = informers.get(discovery_v1.EndpointSlice)
        self._nodes = informers.get(core_v1.Node)
        self._slices.store.add_indexer("service", _service_of)
        self._table, self._node, self._backend = table, node, backend
        self._routes = RouteTable()
        self.report = Report(lambda: is_eligible(self._nodes.store.get(node)))
        self.health = HealthPorts(lambda: table.failure is None)
        self._dirty: set[str] = set()
        self._nodes_dirty = True
        self._wake = asyncio.Event()
        self._services.on_change(self._service_changed)
        self._slices.on_change(self._slice_changed)
        self._nodes.add_handler(self._node_changed, self._node_updated, self._node_changed)
        self.route_failure: str | None = None

    def _mark(self, key: str) -> None:
        self._dirty.add(key)
        self._wake.set()

    def _service_changed(self, service: core_v1.Service) -> None:
        self.report.service_changes += 1
        self._mark(key_of(service))

    def _slice_changed(self, piece: discovery_v1.EndpointSlice) -> None:
        self.report.endpoint_changes += 1
        for key in _service_of(piece):
            self._mark(key)

    def _node_changed(self, _: core_v1.Node) -> None:
        self._nodes_dirty = True
        self._wake.set()

    def _place(self) -> Place:
        node = self._nodes.store.get(self._node)
        return Place(self._node, ((node.metadata.labels or {}) if node is not None else {}).get(ZONE, ""))

    def _node_updated(self, old: core_v1.Node, new: core_v1.Node) -> None:
        if new.metadata.name == self._node and (old.metadata.labels or {}).get(ZONE) != (new.metadata.labels or {}).get(ZONE):
            for service in self._services.store.list():
                self._mark(key_of(service))
        if node_network(old) != node_network(new):
            self._node_changed(new)

    async def sync(self) -> None:
        """Bring what changed since the last call into the kernel."""
        self._wake.clear()
        began_s = asyncio.get_running_loop().time()
        dirty, self._dirty = self._dirty, set()
        changes: dict[str, list[ServicePort]] = {}
        for key in dirty:
            service = self._services.store.get(key)
            changes[key] = ports_of(service, self._slices.store.by_index("service", key), self._place()) if service else []
        await self._table.apply(changes)
        await self.health.sync(changes)
        self.report.synced(asyncio.get_running_loop().time() - began_s, self._table.failure is None)
        if self._nodes_dirty:
            self._nodes_dirty = False
            await self._sync_routes()

    async def _sync_routes(self) -> None:
        if self._backend == "none":
            return
        nodes = [network for node in self._nodes.store.list() if (network := node_network(node))]
        try:
            plan = decide(nodes, self._node, await attached_segments(), self._backend)
            if changed := await self._routes.apply(plan):
                log.info("routes changed commands=%d nodes=%d", changed, len(nodes))
            self.route_failure = None
        except NetworkError as error:
            self.route_failure = str(error)
            log.error("routes failed: %s", error)

    async def run(self) -> None:
        """Sync at each change and, however many there are, look at the whole every CHECK_S; sooner after a failure."""
        loop = asyncio.get_running_loop()
        due_s = loop.time() + CHECK_S
        while True:
            try:
                async with asyncio.timeout_at(due_s):
                    await self._wake.wait()
                    await asyncio.sleep(COALESCE_S)
            except TimeoutError:
                await self._table.check()
                await self._sync_routes()
                self.report.checked(self._table.failure is None)
                due_s = loop.time() + CHECK_S
            if self._wake.is_set():
                await self.sync()
            if self._table.failure or self.route_failure:
                due_s = min(due_s, loop.time() + RETRY_S)


def _service_of(piece: discovery_v1.EndpointSlice) -> list[str]:
    name = (piece.metadata.labels or {}).get(SERVICE_NAME)
    return [f"{piece.metadata.namespace}/{name}"] if name else []


async def start(daemon: Daemon, flags: Flags) -> None:
    config = configure(flags)
    client = Client.from_kubeconfig(config.client_connection.kubeconfig or None, user_agent="kube-proxy", max_connections=8)
    daemon.on_stop("client", client.close)
    forward = Path("/proc/sys/net/ipv4/ip_forward")
    if forward.read_text().strip() != "1":
        forward.write_text("1")
    node = config.hostname_override or socket.gethostname()
    informers = InformerSet(client)
    daemon.on_stop("informers", informers.stop)
    table = Table(config.cluster_cidr or None, await node_ports.ranges(client, node, config.node_port_addresses or ()))
    proxy = Proxy(informers, table, node, flags.pod_network_backend)
    daemon.on_stop("health-check ports", proxy.health.stop)
    daemon.add_check("rules", lambda: table.failure)
    daemon.add_check("routes", lambda: proxy.route_failure)
    daemon.configured("kubeproxy.config.k8s.io", config)
    await daemon.serve(listener(config.healthz_bind_address), proxy.report.health_routes(daemon.problems))
    await daemon.serve(listener(config.metrics_bind_address), proxy.report.mode_routes())
    informers.start()
    await informers.wait_synced()
    await proxy.sync()
    daemon.spawn("sync", proxy.run())
    await daemon.ready()


def main(argv: Sequence[str] | None = None) -> int:
    return run_daemon(flag_set(), argv, start)


if __name__ == "__main__":
    sys.exit(main())
