"""Claims and volumes in use are not removed under those who use them: a finalizer holds them until nobody does."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.controllers.controller import Controller, Parts

CLAIM_FINALIZER = "kubernetes.io/pvc-protection"
VOLUME_FINALIZER = "kubernetes.io/pv-protection"


def claims_of(pod: core_v1.Pod) -> list[str]:
    """Names of the claims that a pod uses; generic ephemeral volumes' claims are named after the pod."""
    found = []
    for volume in pod.spec.volumes or ():
        if volume.persistent_volume_claim is not None:
            found.append(volume.persistent_volume_claim.claim_name or "")
        elif volume.ephemeral is not None:
            found.append(f"{pod.metadata.name}-{volume.name}")
    return found


class _Protection(Controller):
    kind: type[Any]
    finalizer = ""

    async def reconcile(self, key: str) -> float | None:
        obj = self.informers.get(self.kind).store.get(key)
        if obj is None:
            return None
        finalizers = list(obj.metadata.finalizers or ())
        if obj.metadata.deletion_timestamp is None:
            if self.finalizer not in finalizers:
                await self._write(obj, [*finalizers, self.finalizer])
        elif self.finalizer in finalizers and not self.in_use(obj):
            await self._write(obj, [f for f in finalizers if f != self.finalizer])
        return None

    def in_use(self, obj: Any) -> bool:
        raise LookupError(f"{self.name}: nothing tells what is in use")

    async def _write(self, obj: Any, finalizers: list[str]) -> None:
        try:
            await self.changed(obj, {"metadata": {"finalizers": finalizers}})
        except StatusError as error:
            if error.code != 404:
                raise


class ClaimProtection(_Protection):
    name = "pvc-protection"
    kind = core_v1.PersistentVolumeClaim
    finalizer = CLAIM_FINALIZER

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.watch(self.kind)
        self._pods = self.informers.get(core_v1.Pod)
        self._pods.store.add_indexer("claim", lambda pod: [f"{pod.metadata.namespace}/{name}" for name in claims_of(pod)])
        self._pods.add_handler(on_update=lambda _, pod: self._pod_changed(pod), on_delete=self._pod_changed)

    def _pod_changed(self, pod: core_v1.Pod) -> None:
        for name in claims_of(pod):
            self.queue.add(f"{pod.metadata.namespace}/{name}")

    def in_use(self, obj: Any) -> bool:
        """By a pod that has not ended. One without a node doesn't use it yet, and won't start any more."""
        pods = self._pods.store.by_index("claim", f"{obj.metadata.namespace}/{obj.metadata.name}")
        return any(pod.spec.node_name and pod.status.phase not in ("Succeeded", "Failed") for pod in pods)


class VolumeProtection(_Protection):
    name = "pv-protection"
    kind = core_v1.PersistentVolume
    finalizer = VOLUME_FINALIZER

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.watch(self.kind)

    def in_use(self, obj: Any) -> bool:
        return bool(obj.status.phase == "Bound")
