"""kube-dns's main: flags, informers that fill the zone, and the UDP and TCP ports."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from provisioner.kube.api._generated import core_v1, discovery_v1
from provisioner.kube.client.client import Client
from provisioner.kube.client.daemon import Daemon, Listener, run_daemon
from provisioner.kube.client.flags import Flags, FlagSet, comma_list, integer, ip_address
from provisioner.kube.client.informer import InformerSet, key_of, split_key
from provisioner.kube.client.tasks import spawn
from provisioner.kube.dns.server import Resolver, UdpServer, forwarder, serve_tcp, upstream_resolvers
from provisioner.kube.dns.zone import Zone, entry_of

SERVICE_NAME = "kubernetes.io/service-name"
SYNC_S = 60.0


def flag_set() -> FlagSet:
    flags = FlagSet("kube-dns", "answers names of the cluster's services")
    flags.add("kubeconfig", str, "", "how to reach the API server")
    flags.add("cluster-domain", str, "cluster.local", "the zone that we answer for")
    flags.add("bind-address", ip_address, "0.0.0.0", "where we answer")
    flags.add("port", integer, 53, "the UDP and TCP port")
    flags.add("upstream", comma_list, [], "who answers other names (default: the host's own resolvers)")
    flags.add("healthz-port", integer, 10054, "port of /healthz and /metrics on loopback; 0 turns them off")
    return flags


class Publisher:
    """Keeps the zone in step with Services and EndpointSlices."""

    def __init__(self, informers: InformerSet, zone: Zone) -> None:
        self._zone = zone
        self._services = informers.get(core_v1.Service)
        self._slices = informers.get(discovery_v1.EndpointSlice)
        self._slices.store.add_indexer("service", service_of)
        self._services.on_change(lambda service: self._publish(key_of(service)))
        self._slices.on_change(self._slice_changed)

    def _slice_changed(self, piece: discovery_v1.EndpointSlice) -> None:
        for key in service_of(piece):
            self._publish(key)

    def _publish(self, key: str) -> None:
        namespace, name = split_key(key)
        service = self._services.store.get(key)
        if service is None:
            self._zone.remove(namespace or "", name)
        else:
            self._zone.put(namespace or "", name, entry_of(service, self._slices.store.by_index("service", key)))


def service_of(piece: discovery_v1.EndpointSlice) -> list[str]:
    """The key of the Service that a slice belongs to."""
    name = (piece.metadata.labels or {}).get(SERVICE_NAME)
    return [f"{piece.metadata.namespace}/{name}"] if name else []


async def start(daemon: Daemon, flags: Flags) -> None:
    client = Client.from_kubeconfig(flags.kubeconfig or None, user_agent="kube-dns", max_connections=4)
    daemon.on_stop("client", client.close)
    informers = InformerSet(client)
    daemon.on_stop("informers", informers.stop)
    zone = Zone(flags.cluster_domain)
    Publisher(informers, zone)
    await daemon.serve(Listener("127.0.0.1", flags.healthz_port))
    informers.start()
    await informers.wait_synced(SYNC_S)
    servers = flags.upstream or upstream_resolvers(Path("/etc/resolv.conf"), [flags.bind_address, "127.0.0.1"])
    resolver = Resolver(zone, forwarder(servers))
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: UdpServer(resolver, spawn), local_addr=(flags.bind_address, flags.port))
    server = await asyncio.start_server(lambda reader, writer: serve_tcp(resolver, reader, writer), flags.bind_address, flags.port)

    async def close() -> None:
        transport.close()
        server.close()

    daemon.on_stop("ports", close)
    await daemon.ready()


def main(argv: Sequence[str] | None = None) -> int:
    return run_daemon(flag_set(), argv, start)


if __name__ == "__main__":
    sys.exit(main())
