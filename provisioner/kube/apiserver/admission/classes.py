"""What classes add: claims get the default storage class, pods what their runtime class says, ingresses the default ingress class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.kube.api import codec, quantity
from provisioner.kube.api._generated import core_v1, networking_v1, node_v1, storage_v1
from provisioner.kube.api.errors import forbidden
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.storage.cache import WatchCache

DEFAULT_STORAGE = "storageclass.kubernetes.io/is-default-class"
DEFAULT_INGRESS = "ingressclass.kubernetes.io/is-default-class"


def _default(cache: WatchCache, stored_as: str, cls: type[Any], annotation: str) -> Any:
    """The newest class that is marked as default, by name where they are equally new."""
    marked = [codec.decode(cls, entry.data) for entry in cache.collection(stored_as).entries.values() if annotation.encode() in entry.data]
    marked = [c for c in marked if (c.metadata.annotations or {}).get(annotation) == "true"]
    marked.sort(key=lambda c: c.metadata.name or "")
    marked.sort(key=lambda c: c.metadata.creation_timestamp or "", reverse=True)
    return marked[0] if marked else None


class DefaultStorageClass(Plugin):
    name = "DefaultStorageClass"
    kinds = frozenset({"core/persistentvolumeclaims"})

    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache

    async def mutate(self, call: Call, kind: Kind, new: core_v1.PersistentVolumeClaim, old: Obj | None) -> None:
        if kind.stored_as != "core/persistentvolumeclaims" or old is not None or new.spec.storage_class_name is not None:
            return
        if "volume.beta.kubernetes.io/storage-class" in (new.metadata.annotations or {}):
            return
        found = _default(self._cache, "storage.k8s.io/storageclasses", storage_v1.StorageClass, DEFAULT_STORAGE)
        if found is not None:
            new.spec.storage_class_name = found.metadata.name


class DefaultIngressClass(Plugin):
    name = "DefaultIngressClass"
    kinds = frozenset({"networking.k8s.io/ingresses"})

    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache

    async def mutate(self, call: Call, kind: Kind, new: networking_v1.Ingress, old: Obj | None) -> None:
        if kind.stored_as != "networking.k8s.io/ingresses" or old is not None or new.spec.ingress_class_name is not None:
            return
        if "kubernetes.io/ingress.class" in (new.metadata.annotations or {}):
            return
        found = _default(self._cache, "networking.k8s.io/ingressclasses", networking_v1.IngressClass, DEFAULT_INGRESS)
        if found is not None:
            new.spec.ingress_class_name = found.metadata.name


OTHER_OVERHEAD = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
NO_OVERHEAD = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"


class RuntimeClass(Plugin):
    name = "RuntimeClass"
    kinds = frozenset({"core/pods"})

    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache

    async def mutate(self, call: Call, kind: Kind, new: core_v1.Pod, old: Obj | None) -> None:
        if kind.stored_as != "core/pods" or old is not None or call.target.subresource or not new.spec.runtime_class_name:
            return
        entry = self._cache.collection("node.k8s.io/runtimeclasses").entries.get(new.spec.runtime_class_name)
        if entry is None:
            message = f'pod rejected: RuntimeClass "{new.spec.runtime_class_name}" not found'
            raise forbidden("pods", new.metadata.name or new.metadata.generate_name or "", message)
        found = codec.decode(node_v1.RuntimeClass, entry.data)
        overhead = found.overhead.pod_fixed if found.overhead is not None else None
        if overhead and new.spec.overhead and not _equal(overhead, new.spec.overhead):
            raise forbidden("pods", new.metadata.name or new.metadata.generate_name or "", OTHER_OVERHEAD)
        if overhead:
            new.spec.overhead = dict(overhead)
        if found.scheduling is not None:
            _steer(new, found.scheduling)

    async def validate(self, call: Call, kind: Kind, new: core_v1.Pod, old: Obj | None) -> None:
        """What a webhook added is judged, too."""
        if kind.stored_as != "core/pods" or old is not None or call.target.subresource or not new.spec.overhead:
            return
        entry = self._cache.collection("node.k8s.io/runtimeclasses").entries.get(new.spec.runtime_class_name or "")
        found = codec.decode(node_v1.RuntimeClass, entry.data) if entry is not None else None
        overhead = found.overhead.pod_fixed if found is not None and found.overhead is not None else None
        if not overhead:
            raise forbidden("pods", new.metadata.name or new.metadata.generate_name or "", NO_OVERHEAD)
        if not _equal(overhead, new.spec.overhead):
            raise forbidden("pods", new.metadata.name or new.metadata.generate_name or "", OTHER_OVERHEAD)


def _equal(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.keys() == other.keys() and all(quantity.parse(amount) == quantity.parse(other[name]) for name, amount in one.items())


def _steer(pod: core_v1.Pod, scheduling: node_v1.Scheduling) -> None:
    """Where pods of the class may run, added to where this one may. Raises 403 where they contradict each other."""
    wanted, own = scheduling.node_selector or {}, pod.spec.node_selector or {}
    for key, value in wanted.items():
        if key in own and own[key] != value:
            message = f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; pod.spec.nodeSelector[{key}] = {own[key]}"
            raise forbidden("pods", pod.metadata.name or pod.metadata.generate_name or "", message)
    pod.spec.node_selector = {**own, **wanted} or None
    present = list(pod.spec.tolerations or ())
    pod.spec.tolerations = [*present, *(t for t in scheduling.tolerations or () if t not in present)] or None
