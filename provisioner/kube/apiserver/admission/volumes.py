"""Claims and volumes: the finalizers that keep them while they are used, and who may grow (StorageObjectInUseProtection, Resize)."""

from __future__ import annotations

from provisioner.kube.api import codec, quantity
from provisioner.kube.api._generated import core_v1, storage_v1
from provisioner.kube.api.errors import forbidden
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.storage.cache import WatchCache

FINALIZERS = {
    "core/persistentvolumeclaims": "kubernetes.io/pvc-protection",
    "core/persistentvolumes": "kubernetes.io/pv-protection",
}


class StorageObjectInUseProtection(Plugin):
    name = "StorageObjectInUseProtection"
    kinds = frozenset(FINALIZERS)

    async def mutate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        finalizer = FINALIZERS.get(kind.stored_as)
        if finalizer is None or old is not None or call.target.subresource:
            return
        if finalizer not in (new.metadata.finalizers or ()):
            new.metadata.finalizers = [*(new.metadata.finalizers or ()), finalizer]


class PersistentVolumeClaimResize(Plugin):
    """A bound claim grows only where its storage class says that volumes can."""

    name = "PersistentVolumeClaimResize"
    kinds = frozenset({"core/persistentvolumeclaims"})

    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache

    async def validate(self, call: Call, kind: Kind, new: core_v1.PersistentVolumeClaim, old: core_v1.PersistentVolumeClaim | None) -> None:
        if kind.stored_as != "core/persistentvolumeclaims" or old is None or call.target.subresource:
            return
        if quantity.parse(_asked(new)) <= quantity.parse(_asked(old)):
            return
        name = new.metadata.name or new.metadata.generate_name or ""
        if old.status.phase != "Bound":
            raise forbidden("persistentvolumeclaims", name, "Only bound persistent volume claims can be expanded")
        entry = self._cache.collection("storage.k8s.io/storageclasses").entries.get(old.spec.storage_class_name or "")
        if entry is None or not codec.decode(storage_v1.StorageClass, entry.data).allow_volume_expansion:
            message = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
            raise forbidden("persistentvolumeclaims", name, message)


def _asked(claim: core_v1.PersistentVolumeClaim) -> str:
    resources = claim.spec.resources
    return str(((resources.requests if resources is not None else None) or {}).get("storage", "0"))
