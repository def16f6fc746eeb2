"""Pod garbage collection: pods of nodes that are gone, pods that ended long ago when there are too many, pods stuck in deletion unbound."""

from __future__ import annotations

import logging

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import condition
from provisioner.kube.client.client import ConnectionFailed
from provisioner.kube.controllers.controller import Controller, Parts
from provisioner.kube.controllers.pod_control import mark_disrupted

log = logging.getLogger(__name__)

PERIOD_S = 20.0
# A node that is not in our store may just not have been seen yet.
GONE_S = 40.0
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


def surplus(pods: list[core_v1.Pod], threshold: int) -> list[core_v1.Pod]:
    """The oldest ended pods beyond the threshold (0: none is removed)."""
    ended = [p for p in pods if p.status.phase in ("Succeeded", "Failed")]
    ended.sort(key=lambda p: p.metadata.creation_timestamp or "")
    return ended[: len(ended) - threshold] if 0 < threshold < len(ended) else []


def out_of_service(node: core_v1.Node | None) -> bool:
    """Whether the administrator says that a node which is not ready won't come back (taint node.kubernetes.io/out-of-service)."""
    if node is None or not any(t.key == OUT_OF_SERVICE for t in node.spec.taints or ()):
        return False
    ready = condition(node.status.conditions, "Ready")
    return ready is None or ready.status != "True"


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
            going = pod.metadata.deletion_timestamp is not None
            if pod.spec.node_name in gone:
                await self._delete(pod, "PodGC: node no longer exists")
            elif going and not pod.spec.node_name:
                await self._delete(pod)
            elif going and out_of_service(self._nodes.store.get(pod.spec.node_name or "")):
                await self._delete(pod, "PodGC: node is out of service")
        for pod in surplus(pods, self._threshold):
            await self._delete(pod)

    async def _delete(self, pod: core_v1.Pod, disruption: str = "") -> None:
        """Nobody else will end it: its phase is said here too, so that its owner can count on it."""
        log.info("removing pod=%s/%s node=%s", pod.metadata.namespace, pod.metadata.name, pod.spec.node_name)
        try:
            if disruption and pod.status.phase not in ("Succeeded", "Failed"):
                await mark_disrupted(self, pod, "DeletionByPodGC", disruption, phase="Failed")
            await self.client.delete(core_v1.Pod, pod.metadata.name or "", pod.metadata.namespace, grace_period_s=0, uid=pod.metadata.uid)
        except StatusError as error:
            if error.code not in (404, 409):
                raise
