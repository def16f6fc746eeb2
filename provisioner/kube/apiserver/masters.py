"""Which API servers are alive: each holds a key with a lease; the endpoints of default/kubernetes are made from these keys."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.bootstrap.objects import Bootstrap
from provisioner.kube.storage.cache import ROOT, NotFresh
from provisioner.kube.storage.etcd import EtcdError
from provisioner.kube.storage.store import Conflict

if TYPE_CHECKING:
    from provisioner.kube.apiserver.server import Server

log = logging.getLogger(__name__)

KEYS = "provision/masters"
STEP_S = 10.0
# A server that is away for this long is taken out.
TTL_S = 15
_SLICE_LABELS = {"kubernetes.io/service-name": "kubernetes", "endpointslice.kubernetes.io/managed-by": "kube-apiserver"}


class Masters:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._writer = Bootstrap(server)
        self._key = ROOT + f"{KEYS}/{server.advertise}".encode()

    async def run(self) -> None:
        while True:
            await self._server.clock.sleep(STEP_S)
            await self.step()

    async def step(self) -> None:
        """Renew our key, then put right the endpoints. A failure waits for the next step."""
        try:
            await self._renew()
            await self._publish()
            await self._writer.standing()
        except (EtcdError, NotFresh, Conflict, StatusError) as error:
            log.warning("endpoints of default/kubernetes not renewed: %s", error)

    async def close(self) -> None:
        """A server that stops takes itself out at once."""
        held = self._server.cache.collection(KEYS).entries.get(self._server.advertise)
        if held is not None:
            try:
                await self._server.store.delete(self._key, held.revision)
                await self._server.cache.fresh()
                await self._publish()
            except (EtcdError, NotFresh, Conflict, StatusError, TimeoutError) as error:
                log.info("endpoint not taken out: %s", error)

    async def _renew(self) -> None:
        body = b'{"metadata":{"name":"%b"}}' % self._server.advertise.encode()
        held = self._server.cache.collection(KEYS).entries.get(self._server.advertise)
        revision = held.revision if held is not None else 0
        for _ in range(2):
            try:
                await self._server.store.put(self._key, body, revision, ttl_s=TTL_S)
                break
            except Conflict as conflict:
                revision = conflict.revision
        await self._server.cache.fresh()

    async def _publish(self) -> None:
        addresses = sorted(self._server.cache.collection(KEYS).entries)
        port = self._server.settings.flags.secure_port
        ports = [{"name": "https", "port": port, "protocol": "TCP"}]
        subsets = [{"addresses": [{"ip": address} for address in addresses], "ports": ports}] if addresses else []
        endpoints = {
            "metadata": {"name": "kubernetes", "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}},
            "subsets": subsets,
        }
        await self._put("", "v1", "endpoints", endpoints, "subsets")
        piece = {
            "metadata": {"name": "kubernetes", "labels": _SLICE_LABELS},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses],
            "ports": ports,
        }
        await self._put("discovery.k8s.io", "v1", "endpointslices", piece, "endpoints")

    async def _put(self, group: str, version: str, plural: str, document: dict[str, Any], part: str) -> None:
        await self._writer.ensure(group, version, plural, "default", document)
        kind = self._writer.kind(group, version, plural)
        call = self._writer.call("patch", kind, "default", "kubernetes")
        await self._server.rest.patch(kind, call, lambda current: {**current, part: document[part], **_ports(document)})


def _ports(document: dict[str, Any]) -> dict[str, Any]:
    return {"ports": document["ports"]} if "ports" in document else {}
