"""Pod garbage collection: pods of nodes that are gone, pods that ended long ago when there are too many, pods stuck in deletion unbound."""

from __future__ import annotations

import logging

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.client.client import ConnectionFailed
from provisioner.kube.controllers.controller import Controller, Parts

log = logging.getLogger(__name__)

PERIOD_S = 20.0
# A node that is not in our store may just not have been seen yet.
GONE_S = 40.0


def surplus(pods: list[core_v1.Pod], threshold: int) -> list[core_v1.Pod]:
    """The oldest ended pods beyond the threshold (0: none is removed)."""
    ended = [p for p in pods if p.status.phase in ("Succeeded", "Failed")]
    ended.sort(key=lambda p: p.metadata.creation_timestamp or "")
    return ended[: len(ended) - threshold] if 0 < threshold < len(ended) else []


class PodGc(Controller):
    name = "pod-garbage-collector"

    def __init__(self, parts: Parts, threshold: int) -> None:
        super().__init__(parts)
        self._threshold = threshold
        self._pods = self.informers.get(core_v1.Pod)
        self._nodes = self.informers.get(core_v1.Node)
        self._missing_since: dict[str, float] = {}

    async def run(self) -> None:
        while True:
            await self.clock.sleep(PERIOD_S)
            try:
                await self._sweep()
            except (StatusError, ConnectionFailed) as error:
                log.warning("sweep failed: %s", error)

    async def _sweep(self) -> None:
        pods = self._pods.store.list()
        now_s = self.clock.monotonic()
        absent = {p.spec.node_name for p in pods if p.spec.node_name and self._nodes.store.get(p.spec.node_name) is None}
        self._missing_since = {name: self._missing_since.get(name, now_s) for name in absent if name}
        gone = {name for name, since in self._missing_since.items() if now_s - since >= GONE_S}
        for pod in pods:
            unbound = pod.metadata.deletion_timestamp is not None and not pod.spec.node_name
            if pod.spec.node_name in gone or unbound:
                await self._delete(pod)
        for pod in surplus(pods, self._threshold):
            await self._delete(pod)

    async def _delete(self, pod: core_v1.Pod) -> None:
        log.info("removing pod=%s/%s node=%s", pod.metadata.namespace, pod.metadata.name, pod.spec.node_name)
        try:
            await self.client.delete(core_v1.Pod, pod.metadata.name or "", pod.metadata.namespace, grace_period_s=0, uid=pod.metadata.uid)
        except StatusError as error:
            if error.code not in (404, 409):
                raise
