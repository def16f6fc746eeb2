"""The node's lease: renewed four times within its duration, so that the node's life is told in one small write."""

from __future__ import annotations

import logging

from provisioner.kube.api._generated import coordination_v1, core_v1, meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import rfc3339_micro
from provisioner.kube.client.client import Client, ConnectionFailed
from provisioner.kube.client.clock import Clock

log = logging.getLogger(__name__)

NAMESPACE = "kube-node-lease"
RETRY_S = 1.0


class NodeLease:
    """Holds the lease of a node that exists."""

    def __init__(self, client: Client, node_name: str, duration_s: int, clock: Clock) -> None:
        self._client, self._name, self._duration_s, self._clock = client, node_name, duration_s, clock
        self._lease: coordination_v1.Lease | None = None

    async def run(self) -> None:
        while True:
            wait_s = self._duration_s / 4
            try:
                await self._renew()
            except (StatusError, ConnectionFailed) as error:
                if not (isinstance(error, StatusError) and error.code == 409):
                    log.warning("node lease not renewed node=%s: %s", self._name, error)
                self._lease = None
                wait_s = RETRY_S
            await self._clock.sleep(wait_s)

    async def _renew(self) -> None:
        now = rfc3339_micro(self._clock.now())
        if self._lease is None:
            try:
                self._lease = await self._client.get(coordination_v1.Lease, self._name, NAMESPACE)
            except StatusError as error:
                if error.code != 404:
                    raise
                self._lease = await self._client.create(await self._first(now))
                return
        self._lease.spec.renew_time = now
        self._lease.spec.holder_identity = self._name
        self._lease.spec.lease_duration_seconds = self._duration_s
        self._lease = await self._client.update(self._lease)

    async def _first(self, now: str) -> coordination_v1.Lease:
        node = await self._client.get(core_v1.Node, self._name)
        owner = meta_v1.OwnerReference(api_version="v1", kind="Node", name=self._name, uid=node.metadata.uid)
        return coordination_v1.Lease(
            metadata=meta_v1.ObjectMeta(name=self._name, namespace=NAMESPACE, owner_references=[owner]),
            spec=coordination_v1.LeaseSpec(holder_identity=self._name, lease_duration_seconds=self._duration_s, renew_time=now),
        )
