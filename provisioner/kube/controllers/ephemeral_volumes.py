"""Generic ephemeral volumes: a claim for each of a pod's, named after the pod and its volume, that goes with the pod."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import owner_reference
from provisioner.kube.client.informer import key_of
from provisioner.kube.controllers.controller import Controller, Parts
from provisioner.kube.controllers.pod_control import namespace_is_going
from provisioner.kube.controllers.pods import controlled_by

Claim = core_v1.PersistentVolumeClaim


def claim_of(pod: core_v1.Pod, volume: core_v1.Volume) -> Claim:
    """The claim of one ephemeral volume; the garbage collector takes it when the pod goes."""
    template = volume.ephemeral.volume_claim_template if volume.ephemeral is not None else None
    metadata = (template.metadata if template is not None else None) or meta_v1.ObjectMeta()
    return Claim(
        metadata=meta_v1.ObjectMeta(
            name=f"{pod.metadata.name}-{volume.name}",
            namespace=pod.metadata.namespace,
            labels=metadata.labels,
            annotations=metadata.annotations,
            owner_references=[owner_reference(pod)],
        ),
        spec=(template.spec if template is not None else None) or core_v1.PersistentVolumeClaimSpec(),
    )


class EphemeralVolumes(Controller):
    name = "ephemeral-volume"

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._pods = self.informers.get(core_v1.Pod)
        self._claims = self.informers.get(Claim)
        self._pods.add_handler(self._pod_added)
        self._claims.add_handler(on_delete=lambda claim: self.enqueue_owner("Pod", claim))

    def _pod_added(self, pod: core_v1.Pod) -> None:
        if any(volume.ephemeral is not None for volume in pod.spec.volumes or ()):
            self.queue.add(key_of(pod))

    async def reconcile(self, key: str) -> float | None:
        pod: core_v1.Pod | None = self._pods.store.get(key)
        if pod is None or pod.metadata.deletion_timestamp is not None or pod.status.phase in ("Succeeded", "Failed"):
            return None
        for volume in pod.spec.volumes or ():
            if volume.ephemeral is not None:
                await self._ensure(pod, volume)
        return None

    async def _ensure(self, pod: core_v1.Pod, volume: core_v1.Volume) -> None:
        wanted = claim_of(pod, volume)
        known: Any = self._claims.store.get(key_of(wanted))
        if known is None:
            try:
                known = await self.client.create(wanted)
            except StatusError as error:
                if error.reason == "AlreadyExists":
                    known = await self.client.get(Claim, wanted.metadata.name or "", wanted.metadata.namespace)
                elif namespace_is_going(error):
                    return
                else:
                    text = f"ephemeral volume {volume.name}: create PVC {wanted.metadata.name}: {error.message}"
                    self.recorder.event(pod, "Warning", "EphemeralVolumeClaimNotCreated", text)
                    raise
        if not controlled_by(known, pod):
            where = f"{pod.metadata.namespace}/{wanted.metadata.name}"
            raise StatusError(409, "AlreadyExists", f"PVC {where} was not created for pod {key_of(pod)} (pod is not owner)")
