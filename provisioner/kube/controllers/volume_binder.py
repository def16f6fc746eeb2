"""Claims and volumes, brought together: static volumes are bound, released and reclaimed; provisioning is left to external provisioners.

Keys are `claim/<namespace>/<name>` and `volume/<name>`. Binding writes the volume first, then the claim, so that a crash in between is
finished later from what the volume says. Source: core/v1 PersistentVolume, PersistentVolumeClaim.
"""

from __future__ import annotations

from typing import Any

import msgspec

from provisioner.kube.api._generated import core_v1, storage_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.volume_match import (
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    DEFAULT_CLASS,
    SELECTED_NODE,
    class_of,
    find,
    is_for,
    mismatch,
    reference_to,
)
from provisioner.kube.controllers.controller import Controller, Parts

Claim = core_v1.PersistentVolumeClaim
Volume = core_v1.PersistentVolume
NO_PROVISIONER = "kubernetes.io/no-provisioner"
PROVISIONER_NOTES = ("volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner")
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"


def default_class(classes: list[storage_v1.StorageClass]) -> storage_v1.StorageClass | None:
    """The newest class that says it is the default."""
    found = [c for c in classes if (c.metadata.annotations or {}).get(DEFAULT_CLASS) == "true"]
    return max(found, key=lambda c: (c.metadata.creation_timestamp or "", c.metadata.name or ""), default=None)


def waits_for_consumer(claim: Claim, of: storage_v1.StorageClass | None) -> bool:
    if of is None or of.volume_binding_mode != "WaitForFirstConsumer":
        return False
    return SELECTED_NODE not in (claim.metadata.annotations or {})


class VolumeBinder(Controller):
    name = "persistent-volume-binder"
    # One worker: two claims must not be given the same volume.
    workers = 1

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._claims = self.informers.get(Claim)
        self._volumes = self.informers.get(Volume)
        self._classes = self.informers.get(storage_v1.StorageClass)
        self._claims.on_change(self._claim_changed)
        self._volumes.on_change(self._volume_changed)
        self._classes.on_change(lambda _: self._look_at_pending())

    def _claim_changed(self, claim: Claim) -> None:
        self.queue.add(f"claim/{claim.metadata.namespace}/{claim.metadata.name}")
        if claim.spec.volume_name:
            self.queue.add(f"volume/{claim.spec.volume_name}")

    def _volume_changed(self, volume: Volume) -> None:
        self.queue.add(f"volume/{volume.metadata.name}")
        ref = volume.spec.claim_ref
        if ref is not None:
            self.queue.add(f"claim/{ref.namespace}/{ref.name}")
        else:
            self._look_at_pending()

    def _look_at_pending(self) -> None:
        for claim in self._claims.store.list():
            if BIND_COMPLETED not in (claim.metadata.annotations or {}):
                self.queue.add(f"claim/{claim.metadata.namespace}/{claim.metadata.name}")

    async def reconcile(self, key: str) -> float | None:
        kind, _, rest = key.partition("/")
        if kind == "volume":
            volume = self._volumes.store.get(rest)
            if volume is not None:
                await self._sync_volume(volume)
            return None
        claim = self._claims.store.get(rest)
        if claim is None:
            return None
        if BIND_COMPLETED in (claim.metadata.annotations or {}):
            await self._sync_bound(claim)
        elif claim.metadata.deletion_timestamp is None:
            await self._sync_unbound(claim)
        return None

    # -- claims ------------------------------------------------------------------------------------------------------

    async def _sync_unbound(self, claim: Claim) -> None:
        if claim.spec.storage_class_name is None and not class_of(claim) and not claim.spec.volume_name:
            default = default_class(self._classes.store.list())
            if default is not None:
                claim = await self.changed(claim, {"spec": {"storageClassName": default.metadata.name}})
        if claim.spec.volume_name:
            await self._bind_named(claim)
            return
        of = self._classes.store.get(class_of(claim))
        waits = waits_for_consumer(claim, of)
        volume = find(claim, self._volumes.store.list(), reserved_only=waits)
        if volume is not None:
            await self._bind(volume, claim)
            return
        if waits:
            self.recorder.event(claim, "Normal", "WaitForFirstConsumer", "waiting for first consumer to be created before binding")
        elif class_of(claim):
            await self._provision(claim, of)
        else:
            text = "no persistent volumes available for this claim and no storage class is set"
            self.recorder.event(claim, "Normal", "FailedBinding", text)
        await self._claim_phase(claim, "Pending")

    async def _provision(self, claim: Claim, of: storage_v1.StorageClass | None) -> None:
        """Nothing here makes volumes: say for whom the claim waits, or why nobody will come."""
        if of is None:
            text = f'storageclass.storage.k8s.io "{class_of(claim)}" not found'
            self.recorder.event(claim, "Warning", "ProvisioningFailed", text)
            return
        provisioner = of.provisioner or ""
        if provisioner.startswith("kubernetes.io/"):
            self.recorder.event(claim, "Warning", "ProvisioningFailed", f"no volume plugin matched name: {provisioner}")
            return
        notes = claim.metadata.annotations or {}
        if any(notes.get(note) != provisioner for note in PROVISIONER_NOTES):
            await self.changed(claim, {"metadata": {"annotations": dict.fromkeys(PROVISIONER_NOTES, provisioner)}})
        text = (
            f"Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the system "
            "administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."
        )
        self.recorder.event(claim, "Normal", "ExternalProvisioning", text)

    async def _bind_named(self, claim: Claim) -> None:
        """The claim asks for one volume by its name."""
        volume = self._volumes.store.get(claim.spec.volume_name or "")
        if volume is None or (volume.spec.claim_ref is not None and not is_for(volume, claim)):
            await self._claim_phase(claim, "Pending")
            return
        problem = mismatch(volume, claim) if volume.spec.claim_ref is None else None
        if problem is not None:
            text = f'Cannot bind to requested volume "{volume.metadata.name}": {problem}'
            self.recorder.event(claim, "Warning", "VolumeMismatch", text)
            await self._claim_phase(claim, "Pending")
            return
        await self._bind(volume, claim)

    async def _sync_bound(self, claim: Claim) -> None:
        volume = self._volumes.store.get(claim.spec.volume_name or "")
        if volume is None:
            if claim.status.phase != "Lost":
                text = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
                self.recorder.event(claim, "Warning", "ClaimLost", text)
                await self._claim_phase(claim, "Lost")
        elif volume.spec.claim_ref is None or is_for(volume, claim):
            await self._bind(volume, claim)
        elif claim.status.phase != "Lost":
            text = "Two claims are bound to the same volume, this one is bound incorrectly"
            self.recorder.event(claim, "Warning", "ClaimMisbound", text)
            await self._claim_phase(claim, "Lost")

    async def _bind(self, volume: Volume, claim: Claim) -> None:
        """Write what is missing of a binding: volume, its status, claim, its status."""
        ref = volume.spec.claim_ref
        if ref is None or ref.uid != claim.metadata.uid:
            body: dict[str, Any] = {"spec": {"claimRef": reference_to(claim)}}
            if ref is None:
                body["metadata"] = {"annotations": {BOUND_BY_CONTROLLER: "yes"}}
            volume = await self.changed(volume, body)
        await self._volume_phase(volume, "Bound")
        notes = claim.metadata.annotations or {}
        if claim.spec.volume_name != volume.metadata.name or BIND_COMPLETED not in notes:
            added = {BIND_COMPLETED: "yes"} | ({} if claim.spec.volume_name else {BOUND_BY_CONTROLLER: "yes"})
            change = {"metadata": {"annotations": added}, "spec": {"volumeName": volume.metadata.name}}
            claim = await self.changed(claim, change)
        if claim.status.phase != "Bound" or not claim.status.capacity:
            status = {"phase": "Bound", "accessModes": volume.spec.access_modes, "capacity": volume.spec.capacity}
            await self.changed(claim, {"status": status}, status=True)

    async def _claim_phase(self, claim: Claim, phase: str) -> None:
        if claim.status.phase != phase:
            await self.changed(claim, {"status": {"phase": phase}}, status=True)

    # -- volumes -----------------------------------------------------------------------------------------------------

    async def _sync_volume(self, volume: Volume) -> None:
        ref = volume.spec.claim_ref
        if ref is None or not ref.uid:
            await self._volume_phase(volume, "Available")
            return
        claim = self._claims.store.get(f"{ref.namespace}/{ref.name}") or await self._ask_for(ref)
        if claim is None or claim.metadata.uid != ref.uid:
            if volume.status.phase not in ("Released", "Failed"):
                volume = await self._volume_phase(volume, "Released")
            await self._reclaim(volume)
        elif claim.spec.volume_name == volume.metadata.name:
            await self._volume_phase(volume, "Bound")
        elif claim.spec.volume_name:
            # The claim went to another volume: this one is free again where it was we who reserved it.
            if BOUND_BY_CONTROLLER in (volume.metadata.annotations or {}):
                await self.changed(volume, {"metadata": {"annotations": {BOUND_BY_CONTROLLER: None}}, "spec": {"claimRef": None}})
        else:
            self._claim_changed(claim)

    async def _ask_for(self, ref: core_v1.ObjectReference) -> Claim | None:
        """The cache may be behind: a volume is released only when the server knows no such claim."""
        try:
            return await self.client.get(Claim, ref.name or "", ref.namespace)
        except StatusError as error:
            if error.code == 404:
                return None
            raise

    async def _reclaim(self, volume: Volume) -> None:
        policy = volume.spec.persistent_volume_reclaim_policy or "Retain"
        if policy == "Retain" or volume.status.phase == "Failed" or (volume.metadata.annotations or {}).get(PROVISIONED_BY):
            return
        if policy == "Recycle":
            reason, text = "VolumeFailedRecycle", "No recycler plugin found for the volume!"
        else:
            text = f'error getting deleter volume plugin for volume "{volume.metadata.name}": no deletable volume plugin matched'
            reason = "VolumeFailedDelete"
        self.recorder.event(volume, "Warning", reason, text)
        await self._volume_phase(volume, "Failed", text)

    async def _volume_phase(self, volume: Volume, phase: str, message: str | None = None) -> Volume:
        if volume.status.phase == phase:
            return volume
        status = core_v1.PersistentVolumeStatus(phase=phase, message=message, last_phase_transition_time=self.now())
        return await self.client.update_status(msgspec.structs.replace(volume, status=status))
